"""The response head: a complete one is parsed as by http.client, any other is rejected."""

from __future__ import annotations

import http.client
import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsgi_lambda.wire.response_head import StrictResponse

pytestmark = pytest.mark.promise("told apart")


class Socket:
    """A socket with a response to read."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, mode: str) -> io.BytesIO:
        return io.BytesIO(self._data)


def parsed(data: bytes, kind: Any = StrictResponse, method: str = "POST") -> Any:
    response = kind(Socket(data), method=method)
    try:
        response.begin()
    except http.client.HTTPException:
        response.close()
        raise
    return response


def read(data: bytes, kind: Any = StrictResponse, method: str = "POST") -> dict[str, Any]:
    """Return all attributes that http.client and urllib3 use after the head was parsed."""
    with parsed(data, kind, method) as response:
        return {
            "status": (response.version, response.status, response.code, response.reason),
            "headers": response.msg.items(),
            "is": type(response.headers),
            "defects": (response.msg.get_payload(), response.msg.defects),
            "framing": (response.length, response.chunked, response.will_close),
            "left": response.chunk_left if response.chunked else None,
            "body": b"" if response.chunked else response.read(),
        }


NAMES = st.sampled_from(["X-A", "x_b", "Content-Type", "Set-Cookie", "Keep", "!#$%&'*+-.^_`|~0Z"])
VALUES = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f\x85\xa0")
).map(str.strip)
FIELDS = st.lists(st.tuples(NAMES, VALUES), max_size=8)
FRAMINGS = st.sampled_from(
    [
        [("Content-Length", "0")],
        [("content-length", "4")],
        [("CONTENT-LENGTH", "4"), ("Connection", "keep-alive")],
        [("Content-Length", "4"), ("Connection", "close")],
        [("Transfer-Encoding", "chunked")],
        [("transfer-encoding", "Chunked"), ("Connection", "Close")],
        [],
    ]
)


@settings(deadline=None)
@given(
    version=st.sampled_from(["1.0", "1.1"]),
    status=st.sampled_from([200, 202, 204, 304, 400, 429, 500, 503, 999]),
    reason=st.sampled_from([" OK", " Not here", " ", ""]),
    fields=FIELDS,
    framing=FRAMINGS,
    method=st.sampled_from(["POST", "HEAD"]),
    is_continued=st.booleans(),
)
def test_complete_head_is_parsed_as_by_http_client(
    version: str,
    status: int,
    reason: str,
    fields: list[tuple[str, str]],
    framing: list[tuple[str, str]],
    method: str,
    is_continued: bool,
) -> None:
    lines = "".join(f"{name}: {value}\r\n" for name, value in [*fields, *framing])
    head = f"HTTP/{version} {status}{reason}\r\n{lines}\r\n"
    before = "HTTP/1.1 100 Continue\r\nX-A: b\r\n\r\n" if is_continued else ""
    data = f"{before}{head}body".encode("latin-1")
    assert read(data, method=method) == read(data, http.client.HTTPResponse, method)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"X-A:1", "1"),
        (b"X-A:", ""),
        (b"X-A: \t 1 2\t ", "1 2"),
        (b"X-A: \xe9", "é"),
        (b"X-A: a:b", "a:b"),
    ],
)
def test_whitespace_around_a_value_is_stripped(line: bytes, expected: str) -> None:
    headers = read(b"HTTP/1.1 200 OK\r\n" + line + b"\r\nContent-Length: 0\r\n\r\n")["headers"]
    assert headers[0] == ("X-A", expected)


def test_line_may_end_without_a_carriage_return() -> None:
    """RFC 9112, 2.2: a recipient may accept a single line feed."""
    assert read(b"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}")["body"] == b"{}"


def test_same_length_twice_is_accepted() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n"
    assert read(head + b"{}")["framing"] == (2, False, False)


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
    ],
)
def test_malformed_status_line(line: bytes) -> None:
    with pytest.raises(http.client.BadStatusLine):
        parsed(line + b"\r\nContent-Length: 0\r\n\r\n")


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
    with pytest.raises(http.client.HTTPException, match="response") as caught:
        parsed(b"HTTP/1.1 200 OK\r\n" + line + b"\r\n\r\n")
    assert not isinstance(caught.value, http.client.BadStatusLine)
    assert "goes on" not in str(caught.value)


HEAD = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 2\r\n\r\n"


@pytest.mark.parametrize("length", range(len(HEAD)))
def test_truncated_head_is_rejected(length: int) -> None:
    when = "before" if length == 0 else "during"
    with pytest.raises(http.client.RemoteDisconnected, match=f"closed {when} the response head"):
        parsed(HEAD[:length])
