"""Bodies as servers of other kinds hand them over."""

from __future__ import annotations

import io
import json
import sys
from types import SimpleNamespace
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
@pytest.mark.parametrize(
    "error", [OSError("bad chunk"), ValueError("bad chunk"), EOFError("bad chunk")], ids=repr
)
def test_any_exception_of_the_input_is_400(error: Exception) -> None:
    class Broken(io.BytesIO):
        def read(self, *_: Any) -> bytes:
            raise error

    with pytest.raises(RequestError) as caught:
        request(CONTENT_LENGTH="3", **{"wsgi.input": Broken()}).body.read(3)
    assert (caught.value.status, "bad chunk" in caught.value.detail) == (400, True)


#: What shows that a proxy sent the request in the uwsgi protocol.
UWSGI_PROTOCOL = {
    "gunicorn": {"wsgi.input_terminated": True},
    "uWSGI": {"uwsgi.version": b"2.0.31"},
}
NOT_DECODED = {
    "another server": {},
    "uWSGI's HTTP router": {"uwsgi.version": b"2.0.31", "UWSGI_ROUTER": "http"},
}
BOTH = {"CONTENT_LENGTH": "3", "HTTP_TRANSFER_ENCODING": "chunked"}


@pytest.mark.promise("whole")
@pytest.mark.parametrize("shown", UWSGI_PROTOCOL.values(), ids=UWSGI_PROTOCOL)
def test_body_that_a_proxy_decoded_has_its_content_length(shown: dict[str, Any]) -> None:
    assert request(b"abc", **BOTH, **shown).body.read(3) == b"abc"
    assert request(b"abc", **BOTH, **shown).body.skip() == 3


@pytest.mark.promise("whole")
@pytest.mark.parametrize(("body", "word"), [(b"ab", "shorter"), (b"abcd", "longer")])
@pytest.mark.parametrize("shown", UWSGI_PROTOCOL.values(), ids=UWSGI_PROTOCOL)
def test_decoded_body_of_another_length_is_400(
    shown: dict[str, Any], body: bytes, word: str
) -> None:
    for read in (lambda body: body.read(9), lambda body: body.skip()):
        with pytest.raises(RequestError, match=f"{word} than its Content-Length"):
            read(request(body, **BOTH, **shown).body)


@pytest.mark.promise("whole")
@pytest.mark.parametrize("shown", NOT_DECODED.values(), ids=NOT_DECODED)
def test_length_and_coding_of_an_http_request_are_400(shown: dict[str, Any]) -> None:
    with pytest.raises(RequestError, match="a Content-Length and a Transfer-Encoding"):
        request(b"abc", **BOTH, **shown).body.read(3)


@pytest.mark.promise("whole")
@pytest.mark.parametrize(
    ("options", "is_http"),
    [
        ({"socket": b":80"}, False),
        ({"http-socket": b":80"}, True),
        ({"http11-socket": b":80"}, True),
        ({"https-socket": b":443,a.crt,a.key"}, True),
        ({"socket": b":80", "protocol": b"http"}, True),
        ({"socket": b":80", "protocol": b"uwsgi"}, False),
        ({"http-socket-modifier1": b"5", "socket": b":80"}, False),
    ],
    ids=str,
)
def test_http_socket_of_uwsgi_decodes_nothing(
    options: dict[str, bytes], is_http: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "uwsgi", SimpleNamespace(opt=options))
    body = request(b"abc", **BOTH, **UWSGI_PROTOCOL["uWSGI"]).body
    if is_http:
        with pytest.raises(RequestError, match="a Content-Length and a Transfer-Encoding"):
            body.read(3)
    else:
        assert body.read(3) == b"abc"


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
