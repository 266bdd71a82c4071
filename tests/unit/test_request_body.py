"""A body that a framework has read already."""

import io

import pytest

from wsgi_lambda.config import read_routes
from wsgi_lambda.errors import PayloadTooLarge, RequestError
from wsgi_lambda.event import EventBuilder
from wsgi_lambda.request import Request

EVENTS = {
    "arguments": ({}, b'{"a":1}'),
    "forwarded": (
        {"forward_request_body": True},
        b'{"request_body":"{\\"a\\":1}","request_body_args":{"a":1}}',
    ),
}


def exhausted(body):
    """Return the environ of a request whose input was read to its end."""
    stream = io.BytesIO(body)
    stream.read()
    return {
        "REQUEST_METHOD": "POST",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": stream,
    }


@pytest.mark.parametrize(("options", "event"), EVENTS.values(), ids=EVENTS.keys())
def test_event_contains_a_body_that_was_read_already(options, event):
    config = {"function_name": "f", "aws_region": "us-east-1", **options}
    (route,) = read_routes({"routes": {"/f": config}}, {})
    body = b'{"a":1}'
    assert EventBuilder(route).build(Request(exhausted(body), body=body)) == event


def test_known_body_over_the_limit_is_rejected():
    request = Request(exhausted(b"abcd"), body=b"abcd")
    with pytest.raises(PayloadTooLarge):
        request.body.read(3)
    with pytest.raises(PayloadTooLarge):
        request.body.skip(3)
    assert (request.body.read(4), request.body.skip(4)) == (b"abcd", 4)


@pytest.mark.parametrize(("length", "is_short"), [("5", True), ("4", False), ("", False)])
def test_known_body_is_checked_against_its_length(length: str, is_short: bool) -> None:
    body = Request({"CONTENT_LENGTH": length}, body=b"abcd").body
    if is_short:
        with pytest.raises(RequestError, match="shorter than its Content-Length"):
            body.read(10)
    else:
        assert (body.read(10), body.skip(10)) == (b"abcd", 4)
