"""Every well-formed response is read as by http.client and h11, however its bytes arrive."""

from __future__ import annotations

import http.client
import io
from typing import Any, NamedTuple

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.servers.wire import respond, split

pytestmark = pytest.mark.promise("told apart")

NAMES = st.sampled_from(["X-A", "x_b", "Content-Type", "Set-Cookie", "Keep", "!#$%&'*+-.^_`|~0Z"])
VALUES = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f\x85\xa0")
).map(str.strip)
FIELDS = st.lists(st.tuples(NAMES, VALUES), max_size=8)
CONNECTIONS = st.sampled_from([[], [("Connection", "close")], [("connection", "Keep-Alive")]])
EXTENSIONS = st.sampled_from(["", ";a", ";a=b", ';a="b c";d'])
CUTS = st.lists(st.integers(0, 2000), max_size=12)


def lines(fields: list[tuple[str, str]]) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in fields).encode("latin-1")


@st.composite
def chunks(draw: st.DrawFn, body: bytes) -> bytes:
    """Return ``body`` in chunks, with extensions and trailers."""
    pieces = [piece for piece in split(body, draw(CUTS)) if piece]
    framed = b""
    for piece in [*pieces, b""]:
        zeros = "0" * draw(st.integers(0, 2))
        size = draw(st.sampled_from([f"{len(piece):x}", f"{len(piece):X}"]))
        framed += f"{zeros}{size}{draw(EXTENSIONS)}\r\n".encode()
        framed += piece + b"\r\n" if piece else lines(draw(FIELDS)) + b"\r\n"
    return framed


class Message(NamedTuple):
    """A response: ``content`` is the body with its framing; ``has_end`` if that has an end."""

    head: bytes
    content: bytes
    body: bytes
    has_end: bool


@st.composite
def messages(draw: st.DrawFn) -> Message:
    version = draw(st.sampled_from(["1.0", "1.1"]))
    status = draw(st.sampled_from([200, 202, 204, 304, 400, 429, 500, 503, 999]))
    reason = draw(st.sampled_from([" OK", " Not here", " "]))
    body = b"" if status in (204, 304) else draw(st.binary(max_size=300))
    length = ("content-length", str(len(body)))
    # Chunks are of HTTP/1.1 (RFC 9112, 6.1).
    kinds = ["length", "close", "chunks"][: 3 if body and version == "1.1" else 2]
    kind = draw(st.sampled_from(kinds))
    framing = {"length": [length], "chunks": [("transfer-Encoding", "chunked")], "close": []}[kind]
    head = f"HTTP/{version} {status}{reason}\r\n".encode()
    head += lines([*draw(FIELDS), *framing, *draw(CONNECTIONS)]) + b"\r\n"
    interim = b"HTTP/1.1 100 Continue\r\nX-A: b\r\n\r\n" * draw(st.integers(0, 2))
    content = draw(chunks(body)) if kind == "chunks" else body
    return Message(interim + head, content, body, kind != "close" or status in (204, 304))


def by_http_client(data: bytes, method: str) -> dict[str, Any]:
    class Socket:
        def makefile(self, mode: str) -> io.BytesIO:
            return io.BytesIO(data)

    with http.client.HTTPResponse(Socket(), method=method) as response:  # type: ignore[arg-type]
        response.begin()
        return {
            "status": (response.version, response.status, response.reason),
            "headers": response.msg.items(),
            "is kept": not response.will_close,
            "body": response.read(),
        }


def by_h11(data: bytes, method: str) -> dict[str, Any]:
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method=method, target="/", headers=[("Host", "h")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(data)
    ends_by_closing, body = False, b""
    while type(event := connection.next_event()) is not h11.EndOfMessage:
        if event is h11.NEED_DATA:
            connection.receive_data(b"")
            ends_by_closing = True
        elif isinstance(event, h11.Response):
            response = event
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
    return {
        "status": (
            int(response.http_version.replace(b".", b"")),
            response.status_code,
            response.reason.decode(),
        ),
        "headers": [
            (name.decode(), value.decode("latin-1")) for name, value in response.headers.raw_items()
        ],
        "is kept": connection.their_state is h11.DONE and not ends_by_closing,
        "body": body,
    }


def by_us(data: bytes, cuts: list[int], method: str) -> dict[str, Any]:
    response, connection = respond(*split(data, cuts), method=method)
    body = b"".join(iter(response.read_some, b""))
    assert response.is_over
    response.release_conn()
    assert connection.is_kept != connection.is_closed
    return {
        "status": (response.version, response.status, response.reason),
        "headers": list(response.headers.iteritems()),
        "is kept": connection.is_kept,
        "body": body,
    }


@given(messages(), CUTS, st.sampled_from(["POST", "HEAD"]))
def test_response_is_read_as_by_others(message: Message, cuts: list[int], method: str) -> None:
    data = message.head if method == "HEAD" else message.head + message.content
    ours = by_us(data, cuts, method)
    assert ours["body"] == (b"" if method == "HEAD" else message.body)
    assert ours == by_http_client(data, method)
    theirs = by_h11(data, method)
    if b"HTTP/1.0" in data:  # h11 keeps no connection of HTTP/1.0
        theirs["is kept"] = ours["is kept"]
    assert ours == theirs


@given(messages(), CUTS, st.integers(1, 2000))
def test_response_that_is_cut_short_is_an_error(
    message: Message, cuts: list[int], missing: int
) -> None:
    data = message.head + message.content
    cut = data[: -min(missing, len(data))]
    for error in (ConnectionResetError("reset"), None):
        # Without an end of its own, a body ends with the connection, unless that is reset.
        if error or message.has_end or len(cut) < len(message.head):
            with pytest.raises(ConnectionResetError):
                respond(*split(cut, cuts), error=error)[0].read()
