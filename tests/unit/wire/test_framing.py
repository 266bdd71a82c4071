"""The framing of a body: what is rejected, and when; tests/properties compares complete ones."""

from __future__ import annotations

import ssl

import pytest
from urllib3.exceptions import ProtocolError

from tests.servers.wire import respond

pytestmark = pytest.mark.promise("told apart")

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("size", [b"5", b"05", b"5;a", b"5 ;a=b", b'5\t; a = "b c"', b"005;;"])
def test_size_of_a_chunk(size: bytes) -> None:
    response, connection = respond(CHUNKED + size + b"\r\nhello\r\n0\r\n\r\n")
    assert (response.read(), connection.is_kept) == (b"hello", True)


@pytest.mark.parametrize(
    "size",
    [
        b"0x5",
        b" 5",
        b"5 ",
        b" 5 ",
        b"-5",
        b"+5",
        b"5_0",
        b"",
        b";a",
        b"g",
        b"5 a",
        b"5\n",
        b"5\r",
        b"5;a\nb",
        b"5;a\rb",
        b"\xd9\xa5",
        b"0" * 17,
        b"5;" + b"a" * 1001,
    ],
    ids=lambda size: repr(size[:20]),
)
@pytest.mark.parametrize("before", [b"", b"2\r\n{}\r\n"], ids=["first", "next"])
def test_malformed_size_of_a_chunk(size: bytes, before: bytes) -> None:
    response, connection = respond(
        CHUNKED + before, size + b"\r\nhello\r\n0\r\n\r\n", error=AssertionError("it reads on")
    )
    with pytest.raises(ProtocolError, match="malformed chunk"):
        response.read()
    assert (connection.is_closed, connection.is_kept) == (True, False)


@pytest.mark.parametrize("after", [b"0\r\n\r\n", b"\n0\r\n\r\n", b"\r0\r\n\r\n", b"x\r\n0\r\n\r\n"])
def test_chunk_ends_with_its_line_break(after: bytes) -> None:
    response, _ = respond(CHUNKED, b"2\r\n{}", after)
    assert response.read_some() == b"{}"
    with pytest.raises(ProtocolError, match="malformed chunk"):
        response.read_some()


@pytest.mark.parametrize(
    "trailers",
    [
        b"no colon\r\n\r\n",
        b"X-A : 1\r\n\r\n",
        b"X-A: 1\r\n goes on\r\n\r\n",
        b"X-A: 1\nX-B: 2\r\n\r\n",
        b"X-A: " + b"a" * 4096,
        b"X-A: " + b"a" * 4090 + b"\r\n\r\n",
        b"X-A: 1\r\n" * 600,
    ],
    ids=lambda trailers: repr(trailers[:20]),
)
def test_malformed_trailers(trailers: bytes) -> None:
    response, _ = respond(CHUNKED, b"2\r\n{}\r\n0\r\n", trailers, error=AssertionError("waits"))
    assert response.read_some() == b"{}"
    with pytest.raises(ProtocolError, match="malformed chunk"):
        response.read_some()


def test_trailers_are_dropped() -> None:
    response, connection = respond(CHUNKED + b"2\r\n{}\r\n0\r\nX-A: 1\r\nX-B:\r\n\r\n")
    assert (response.read(), "x-a" in response.headers, connection.is_kept) == (b"{}", False, True)


@pytest.mark.promise("bounded")
@pytest.mark.parametrize("chunk", [b"1\r\na\r\n", b"1;" + b"e" * 900 + b"\r\na\r\n"])
def test_chunks_may_be_small_but_not_for_ever(chunk: bytes) -> None:
    response, _ = respond(CHUNKED + b"10\r\n0123456789abcdef\r\n" * 20_000 + b"0\r\n\r\n")
    assert len(response.read()) == 320_000
    response, _ = respond(CHUNKED + chunk * (50_000 // len(chunk)) + b"0\r\n\r\n")
    assert response.read() == b"a" * (50_000 // len(chunk))
    response, connection = respond(CHUNKED, *[chunk * 100] * 2000)
    with pytest.raises(ProtocolError, match="too many small chunks"):
        response.read()
    assert connection.is_closed


def test_error_behind_good_bytes_waits_for_the_next_call() -> None:
    response, connection = respond(CHUNKED + b"2\r\n{}\r\n3\r\nabc\r\nzz\r\n")
    assert (response.read_some(), connection.is_closed) == (b"{}abc", False)
    with pytest.raises(ProtocolError, match="malformed chunk"):
        response.read_some()
    assert connection.is_closed
    with pytest.raises(ProtocolError, match="closed before its end"):
        response.read_some()


@pytest.mark.parametrize(
    "message",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        CHUNKED + b"2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nX-A: 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nhello",
    ],
    ids=["length", "chunks", "close"],
)
@pytest.mark.parametrize("ending", ["closed", "TLS cut", "reset"])
def test_message_cut_at_any_byte_is_an_error(message: bytes, ending: str) -> None:
    """Closing is the end of a body without a length; with TLS only if the peer says so."""
    is_close_delimited = message.endswith(b"hello") and b"Length" not in message
    error = {"closed": None, "TLS cut": ssl.SSLEOFError(), "reset": ConnectionResetError()}[ending]
    end = message.index(b"\r\n\r\n") if is_close_delimited and not error else len(message)
    for length in range(end):
        with pytest.raises(OSError):
            respond(message[:length], error=error)[0].read()
    if is_close_delimited and error:
        with pytest.raises(type(error)):
            respond(message, error=error)[0].read()
    else:
        assert respond(message, error=error)[0].read() == b"hello"


@pytest.mark.parametrize(
    "message",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        CHUNKED + b"0\r\n\r\n",
        CHUNKED + b"2\r\n{}\r\n0\r\nX-A: 1\r\n\r\n",
    ],
)
def test_bytes_after_a_message_close_the_connection(message: bytes) -> None:
    response, connection = respond(message)
    response.read()
    assert (connection.is_kept, connection.is_closed) == (True, False)
    response, connection = respond(message + b"H")
    body = response.read()
    assert (connection.is_kept, connection.is_closed) == (False, True)
    assert body in (b"", b"{}")
    assert (response.read(), response.read_some()) == (b"", b"")


def test_long_body_in_small_reads_is_not_copied_each_time() -> None:
    """One chunk of 8 MB in reads of 16 KiB: each byte is copied a few times at most."""
    pieces = [b"x" * 16384] * 512
    response, _ = respond(CHUNKED + b"800000\r\n", *pieces, b"\r\n0\r\n\r\n")
    assert sum(len(response.read_some()) for _ in range(513)) == 0x800000
    assert response.is_over or response.read_some() == b""
