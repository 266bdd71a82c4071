"""Every result of a function becomes a valid response, or a 502 that names the wrong field."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any
from wsgiref.validate import validator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder, run_wsgi_app

from wsgi_lambda.config import read_routes
from wsgi_lambda.errors import LambdaError
from wsgi_lambda.failures import failure
from wsgi_lambda.invoke.reply import Reply
from wsgi_lambda.response import from_reply
from wsgi_lambda.response.wsgi import finish

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def is_accepted_by_the_validator(name: str) -> bool:
    """Return whether wsgiref's validator accepts ``name``, or it is not a token of HTTP.

    The validator accepts letters, digits, - and _ only; HTTP allows more.
    """
    is_token = re.fullmatch(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", name)
    return not is_token or bool(re.fullmatch(r"[A-Za-z]([\w-]*[A-Za-z0-9])?", name, re.ASCII))


NAMES = st.sampled_from(
    ["Content-Type", "content-length", "Set-Cookie", "Status", "X-A"]
) | st.text().filter(is_accepted_by_the_validator)
RESULTS = st.fixed_dictionaries(
    {},
    optional={
        "statusCode": st.integers(150, 650) | st.sampled_from(["200", 204, 304, 200.0]) | JSON,
        "headers": st.dictionaries(NAMES, st.text() | JSON) | JSON,
        "multiValueHeaders": st.dictionaries(NAMES, st.lists(st.text()) | JSON) | JSON,
        "cookies": st.lists(st.text()) | JSON,
        "body": st.text() | JSON,
        "isBase64Encoded": st.booleans() | JSON,
    },
)
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "is_proxy_integration": st.booleans(),
        "awsgateway_compatible": st.booleans(),
        "awsgateway_compatible_payload_version": st.sampled_from(["1.0", "2.0"]),
        "empty_arrays_mode": st.sampled_from(["correct", "legacy"]),
        "unhandled_status": st.integers(200, 999),
        "expose_stack_trace": st.booleans(),
    },
)
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(["X-Amz-Function-Error", "Content-Type", "Connection", "X-Amz-Log-Result"])
        | st.text(st.characters(max_codepoint=255), max_size=10).filter(
            is_accepted_by_the_validator
        ),
        st.text(st.characters(max_codepoint=255)),
    ),
    max_size=4,
)


def served(reply: Reply, options: dict[str, Any], method: str) -> tuple[int, bytes]:
    """Return status and body of the response, checked by the validator of PEP 3333."""
    config = {"function_name": "f", **options}
    (route,) = read_routes({"aws_region": "us-east-1", "routes": {"/": config}}, {})

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        try:
            response = from_reply(reply, route)
        except LambdaError as error:
            error.request_id = "a-request-id"
            response = failure(error)
        status, headers, body = finish(response, method)
        start_response(status, headers)
        return body

    environ = EnvironBuilder(method=method).get_environ()
    chunks, status, _ = run_wsgi_app(validator(app), environ, buffered=True)
    return int(status.partition(" ")[0]), b"".join(chunks)


@given(
    result=RESULTS.map(lambda result: json.dumps(result).encode())
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.binary(),
    headers=HEADERS,
    options=OPTIONS,
    status=st.sampled_from([200, 202, 204, 301, 400, 429, 500, 503]),
    method=st.sampled_from(["GET", "HEAD", "POST"]),
)
@pytest.mark.promise("valid", "framing")
@pytest.mark.filterwarnings("ignore:Unknown REQUEST_METHOD")
def test_any_reply_becomes_a_valid_response(
    result: bytes,
    headers: list[tuple[str, str]],
    options: dict[str, Any],
    status: int,
    method: str,
) -> None:
    final, body = served(Reply(status, tuple(headers), result), options, method)
    assert 200 <= final <= 999
    if method == "HEAD" or final in (204, 304):
        assert body == b""


@given(result=RESULTS)
@pytest.mark.promise("valid", "framing")
def test_malformed_result_is_a_502_that_names_the_field(result: dict[str, Any]) -> None:
    reply = Reply(200, (), json.dumps(result).encode())
    status, body = served(reply, {"is_proxy_integration": True}, "GET")
    if status == 502 and result.get("statusCode") not in (502, "502"):
        message = json.loads(body)["message"]
        assert any(field in message for field in (*result, "statusCode", "result")), message
