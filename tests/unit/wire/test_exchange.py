"""One exchange: when its connection is given back, and what reading returns."""

from __future__ import annotations

import pytest
import requests
from urllib3.exceptions import ProtocolError

from tests.servers.wire import respond
from wsgi_lambda.wire.exchange import request_head

TWO = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"


def test_connection_is_given_back_after_the_last_byte() -> None:
    response, connection = respond(TWO, b"ab", b"cd")
    seen = []
    while block := response.read_some():
        seen.append((block, response.length_remaining, response.is_over, connection.is_kept))
    assert seen == [(b"ab", 2, False, False), (b"cd", 0, True, False)]
    response.release_conn()
    assert connection.is_kept
    response.close()
    assert not connection.is_closed


@pytest.mark.parametrize("how", ["close", "release_conn"])
def test_connection_is_closed_if_the_body_was_not_read(how: str) -> None:
    response, connection = respond(TWO, b"ab", b"cd")
    assert response.read_some() == b"ab"
    for _ in range(2):
        getattr(response, how)()
    assert (connection.is_closed, connection.is_kept) == (True, False)
    with pytest.raises(ProtocolError, match="closed before its end"):
        response.read()


@pytest.mark.parametrize(
    ("message", "is_kept"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\nConnection: a\r\nConnection: b, close\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n", True),
        (
            b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            False,
        ),
    ],
)
def test_connection_is_kept_if_both_sides_want_it(message: bytes, is_kept: bool) -> None:
    response, connection = respond(message)
    assert response.read() == b""
    assert (connection.is_kept, connection.is_closed) == (is_kept, not is_kept)


def test_connection_whose_request_was_not_sent_completely_is_not_kept() -> None:
    response, connection = respond(TWO + b"abcd", is_sent=False)
    assert (response.read(), connection.is_kept, connection.is_closed) == (b"abcd", False, True)


@pytest.mark.parametrize("error", [OSError(), KeyboardInterrupt()])
def test_connection_is_closed_if_reading_fails(error) -> None:
    response, connection = respond(TWO, b"ab", error=error)
    with pytest.raises(type(error)):
        response.read()
    assert connection.is_closed


@pytest.mark.parametrize("framing", [b"Content-Length: 6", b"Transfer-Encoding: chunked", b"X: y"])
def test_body_in_all_ways_of_requests(framing: bytes) -> None:
    body = b"3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n" if b"chunked" in framing else b"abcdef"
    message = b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n" + body

    def opened() -> requests.Response:
        response = requests.Response()
        response.raw, _ = respond(message)
        return response

    assert opened().content == b"abcdef"
    assert b"".join(opened().iter_content(4)) == b"abcdef"
    assert list(opened().iter_content(1)) == [b"a", b"b", b"c", b"d", b"e", b"f"]
    assert [opened().raw.read(4), opened().raw.read(decode_content=True)][1] == b"abcdef"
    raw = opened().raw
    assert raw.read(2) + raw.read() == b"abcdef"


def test_head_of_a_request() -> None:
    head = request_head("POST", "/a?b", [("Host", "h"), ("X-A", "é")])
    assert head == b"POST /a?b HTTP/1.1\r\nHost: h\r\nX-A: \xe9\r\n\r\n"


@pytest.mark.parametrize(
    ("method", "target", "headers"),
    [
        ("POST\r\nX: y", "/", ()),
        ("POST", "/ HTTP/1.1\r\nX: y", ()),
        ("POST", "/", [("X\r\nY", "z")]),
        ("POST", "/", [("X", "a\r\nb")]),
        ("POST", "/", [("X", "a\nb"), ("Y", "c\r")]),
    ],
)
def test_request_with_a_line_break(method: str, target: str, headers) -> None:
    with pytest.raises(ValueError, match="line break in"):
        request_head(method, target, headers)
