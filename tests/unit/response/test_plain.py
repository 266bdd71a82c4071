"""Errors of functions in plain mode: a stack trace never passes, whatever hides it."""

import json

import pytest

from tests.unit.configurations import read_route
from wsgi_lambda.invoke.reply import Reply
from wsgi_lambda.response import from_reply

FAILED = (("X-Amz-Function-Error", "Unhandled"),)
REPLACED = {"errorMessage": "The function failed", "errorType": "Unhandled"}


def body_of(error):
    """Return the JSON that the client gets for ``error``."""
    (body,) = from_reply(Reply(200, FAILED, error), read_route()).body
    return json.loads(body)


@pytest.mark.parametrize(
    "error",
    [
        b'{"cause": {"stackTrace": ["secret"]}, "cause": {}}',
        b'[{"a": {"trace": 1}, "\\u0061": 2}]',
    ],
)
def test_error_with_a_name_twice_is_replaced(error):
    assert body_of(error) == REPLACED


def test_escaped_name_of_a_stack_trace():
    assert body_of(b'{"a": [{"\\u0073tackTrace": ["secret"]}]}') == {"a": [{}]}


def test_type_of_an_error_is_short_in_the_log():
    error = json.dumps({"errorType": "\x1b" * 50_000}).encode()
    response = from_reply(Reply(200, FAILED, error), read_route())
    assert response.function_error.error_type == "\x1b" * 1024
