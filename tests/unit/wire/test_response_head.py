"""The response head: what is rejected, and how; tests/properties compares complete ones."""

from __future__ import annotations

import pytest
from urllib3.exceptions import ProtocolError

from tests.servers.wire import respond
from tests.tools.cost import seconds
from wsgi_lambda.wire.exchange import WireResponse

pytestmark = pytest.mark.promise("told apart")


def parsed(data: bytes, method: str = "POST") -> WireResponse:
    response, _ = respond(data, method=method)
    return response


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"X-A:1", "1"),
        (b"X-A:", ""),
        (b"X-A: \t 1 2\t ", "1 2"),
        (b"X-A: \xe9", "é"),
        (b"X-A: \xa0 1\x85", "\xa0 1\x85"),
        (b"X-A: a:b", "a:b"),
    ],
)
def test_whitespace_around_a_value_is_stripped(line: bytes, expected: str) -> None:
    response = parsed(b"HTTP/1.1 200 OK\r\n" + line + b"\r\nContent-Length: 0\r\n\r\n")
    assert next(iter(response.headers.iteritems())) == ("X-A", expected)


def test_same_length_twice_is_accepted() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n"
    assert parsed(head + b"{}").read() == b"{}"


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"SSH-2.0-x",
        b"HTTP/2 200 OK",
        b"HTTP/0.9 200 OK",
        b"HTTP/1.2 200 OK",
        b"HTTP/1.1",
        b"HTTP/1.1 ",
        b"HTTP/1.1 20",
        b"HTTP/1.1 2000 OK",
        b"HTTP/1.1 099 OK",
        b"HTTP/1.1 +20 OK",
        b"HTTP/1.1 \xb200 OK",
        b"HTTP/1.1  200 OK",
        b"http/1.1 200 OK",
        b"HTTP/1.1 101 Switching Protocols",
    ],
)
@pytest.mark.parametrize("rest", [b"\r\nContent-Length: 0\r\n\r\n", b"\r\n", b"\n"])
def test_malformed_status_line_is_rejected_before_the_head_ends(line: bytes, rest: bytes) -> None:
    with pytest.raises(ProtocolError, match="malformed status line"):
        respond(line + rest, error=AssertionError("it waits for more"))


@pytest.mark.parametrize(
    "line",
    [
        b"no colon",
        b": no name",
        b"X-A : 1",
        b"X A: 1",
        b"X\x00A: 1",
        b"\xe9: 1",
        b"X-A: 1\x002",
        b"X-A: 1\rX-B: 2",
        b"X-A: 1\nX-B: 2",
        b"X-A: 1\r\n X-B: goes on",
        b" X-A: 1",
        b"Content-Length: -1",
        b"Content-Length: +1",
        b"Content-Length: 1, 1",
        b"Content-Length: 0x1",
        b"Content-Length:",
        b"Content-Length: \xb2",
        b"Content-Length: 1" + b"0" * 19,
        b"Content-Length: 1\r\nContent-Length: 2",
        b"Transfer-Encoding: gzip",
        b"Transfer-Encoding: gzip, chunked",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: chunked\r\nContent-Length: 1",
        b"X: " + b"y" * 65536,
        b"X: y\r\n" * 100 + b"X: y",
    ],
    ids=lambda line: repr(line[:50]),
)
def test_malformed_header_is_rejected_without_its_text(line: bytes) -> None:
    with pytest.raises(ProtocolError, match="response") as caught:
        parsed(b"HTTP/1.1 200 OK\r\n" + line + b"\r\n\r\n")
    assert "goes on" not in str(caught.value)


def test_head_without_an_end_is_not_read_for_ever() -> None:
    pieces = [b"HTTP/1.1 200 OK\r\n", *[b"X: y\r\n" * 1000] * 11]
    with pytest.raises(ProtocolError, match="too long"):
        respond(*pieces, error=AssertionError("it reads on"))


def test_interim_responses_are_skipped_but_not_for_ever() -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    response = parsed(interim * 19 + final)
    assert (response.status, response.read()) == (200, b"{}")
    with pytest.raises(ProtocolError, match="too many interim"):
        parsed(interim * 20 + final)


def test_interim_responses_are_limited_together() -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: " + b"a" * 30_000 + b"\r\n\r\n"
    final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    assert parsed(interim * 2 + final).status == 200
    with pytest.raises(ProtocolError, match="too many interim"):
        parsed(interim * 3 + final)


@pytest.mark.promise("bounded")
def test_dripped_head_is_looked_at_once() -> None:
    head = b"HTTP/1.1 200 " + b"a" * 30_000 + b"\r\nX: " + b"b" * 30_000 + b"\r\n\r\n"
    pieces = [head[at : at + 1] for at in range(len(head))]
    # Looking at all of it for each byte takes several seconds.
    assert seconds(lambda: respond(*pieces)) < 1


HEAD = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 2\r\n\r\n"


@pytest.mark.parametrize("length", range(len(HEAD)))
def test_truncated_head_is_rejected(length: int) -> None:
    when = "before" if length in (0, HEAD.index(b"HTTP/1.1 200")) else "during"
    with pytest.raises(ConnectionResetError, match=f"closed {when} the response head"):
        parsed(HEAD[:length])
