"""Bodies as servers of other kinds hand them over."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from wsgi_lambda.config import read_routes
from wsgi_lambda.errors import LengthRequired, PayloadTooLarge, RequestError
from wsgi_lambda.event import EventBuilder
from wsgi_lambda.request import Request


def request(body: bytes = b"", **environ: Any) -> Request:
    return Request({"wsgi.input": io.BytesIO(body), **environ})


def test_chunked_body_is_read_to_the_end_that_the_server_knows() -> None:
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    assert request(b"abc", **chunked).body.read(3) == b"abc"
    with pytest.raises(PayloadTooLarge):
        request(b"abcd", **chunked).body.read(3)


def test_terminated_body_needs_no_framing_header() -> None:
    """HTTP/2 has neither Content-Length nor chunks."""
    assert request(b"abc", **{"wsgi.input_terminated": True}).body.read(3) == b"abc"


def test_body_without_framing_is_none() -> None:
    assert request(b"abc").body.read(3) == b""


@pytest.mark.promise("whole")
def test_chunked_body_without_an_end_is_not_read() -> None:
    with pytest.raises(LengthRequired):
        request(b"abc", HTTP_TRANSFER_ENCODING="chunked").body.read(3)


def test_body_can_be_asked_for_twice() -> None:
    twice = request(b"abc", CONTENT_LENGTH="3")
    assert twice.body.read(3) is twice.body.read(3)


@pytest.mark.promise("whole")
@pytest.mark.parametrize("length", ["-1", "+3", "3 ", "0x3", "3,3", "\u0663", "9" * 20])
def test_length_is_digits(length: str) -> None:
    with pytest.raises(RequestError) as caught:
        request(b"abc", CONTENT_LENGTH=length).body.read(100)
    assert caught.value.status == 400


@pytest.mark.promise("whole")
def test_client_that_goes_away_is_400() -> None:
    class Gone(io.BytesIO):
        def read(self, *_: Any) -> bytes:
            raise OSError("bad chunk")

    with pytest.raises(RequestError) as caught:
        request(CONTENT_LENGTH="3", **{"wsgi.input": Gone()}).body.read(3)
    assert (caught.value.status, "bad chunk" in caught.value.detail) == (400, True)


def test_no_depth_of_nesting_raises() -> None:
    """Between the parser's limit and the encoder's lies a level or two."""

    def nested(depth: int) -> bytes:
        return b'{"a":' + b"[" * depth + b"]" * depth + b"}"

    def parses(depth: int) -> bool:
        try:
            json.loads(nested(depth))
        except RecursionError:
            return False
        return True

    low, high = 10, 200_000
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if parses(middle) else (low, middle)
    config = {"function_name": "f", "forward_request_body": True, "max_payload_size": 10_000_000}
    (route,) = read_routes({"aws_region": "us-east-1", "routes": {"/f": config}})
    for depth in range(low - 60, low + 10):
        body = nested(depth)
        environ = {"CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": "application/json"}
        event = EventBuilder(route).build(request(body, **environ))
        assert event.startswith(b'{"request_body":')
