"""Bodies as servers of other kinds hand them over."""

from __future__ import annotations

import io
import itertools
import json
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from wsgi_lambda.config import read_routes
from wsgi_lambda.errors import LengthRequired, PayloadTooLarge, RequestError
from wsgi_lambda.event import EventBuilder
from wsgi_lambda.request import Request
from wsgi_lambda.request_body import DRAIN_SIZE


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


def test_body_can_be_skipped_twice() -> None:
    twice = request(b"abc", CONTENT_LENGTH="3")
    assert (twice.body.skip(9), twice.body.skip(9)) == (3, 3)


@pytest.mark.promise("whole")
def test_body_that_was_skipped_is_not_empty() -> None:
    skipped = request(b"abc", CONTENT_LENGTH="3")
    skipped.body.skip(9)
    with pytest.raises(RequestError, match="shorter") as caught:
        skipped.body.read(3)
    assert caught.value.status == 400


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
    assert request(b"abc", **BOTH, **shown).body.skip(3) == 3


@pytest.mark.promise("whole")
@pytest.mark.parametrize(("body", "word"), [(b"ab", "shorter"), (b"abcd", "longer")])
@pytest.mark.parametrize("shown", UWSGI_PROTOCOL.values(), ids=UWSGI_PROTOCOL)
def test_decoded_body_of_another_length_is_400(
    shown: dict[str, Any], body: bytes, word: str
) -> None:
    for read in (lambda body: body.read(9), lambda body: body.skip(9)):
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


class Counting(io.RawIOBase):
    """An endless input; ``count`` is how many bytes were read."""

    count = 0

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure

    def read(self, size: int = -1) -> bytes:
        if self.failure:
            raise self.failure
        self.count += size
        return b"x" * size


def drained(stream: Counting, limit: int | None, **environ: Any) -> int:
    """Return how many bytes a body reads from ``stream`` once its reading has failed."""
    body = request(**{"wsgi.input": stream, **environ}).body
    if limit is not None:
        with pytest.raises(RequestError):
            body.read(limit)
    before = stream.count
    for _ in range(2):
        body.drain()
    return stream.count - before


CHUNKED = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}


@pytest.mark.parametrize("limit", [None, 10, 100_000])
def test_rest_of_a_body_is_drained(limit: int | None) -> None:
    assert drained(Counting(), limit, CONTENT_LENGTH="1000000") == 1_000_000


@pytest.mark.promise("bounded")
@pytest.mark.parametrize("limit", [None, 10, 100_000])
@pytest.mark.parametrize("framing", [{"CONTENT_LENGTH": "9" * 12}, CHUNKED], ids=str)
def test_endless_body_is_drained_up_to_32_mib(framing: dict[str, Any], limit: int | None) -> None:
    assert drained(Counting(), limit, **framing) == DRAIN_SIZE == 32 * 1024 * 1024


@pytest.mark.promise("bounded")
def test_slow_body_is_drained_for_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now = itertools.count(100.0, 0.5)
    monkeypatch.setattr("wsgi_lambda.request_body.time.monotonic", lambda: next(now))
    assert drained(Counting(), None, CONTENT_LENGTH="1000000") == 4 * 64 * 1024


@pytest.mark.parametrize(
    "framing",
    [
        {"HTTP_TRANSFER_ENCODING": "chunked"},
        {"CONTENT_LENGTH": "3,3"},
        {"CONTENT_LENGTH": "3", "HTTP_TRANSFER_ENCODING": "chunked"},
        {"HTTP_TRANSFER_ENCODING": "gzip", "wsgi.input_terminated": True},
        {},
    ],
    ids=str,
)
@pytest.mark.parametrize("limit", [None, 10])
def test_body_whose_end_is_unknown_is_not_drained(
    framing: dict[str, Any], limit: int | None
) -> None:
    assert drained(Counting(), None if not framing else limit, **framing) == 0


def test_error_while_a_body_is_drained_is_ignored() -> None:
    assert drained(Counting(OSError("gone")), None, CONTENT_LENGTH="3") == 0


def test_body_that_was_read_is_not_drained() -> None:
    stream = Counting()
    body = request(CONTENT_LENGTH="3", **{"wsgi.input": stream}).body
    body.read(3)
    body.drain()
    assert stream.count == 3


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
