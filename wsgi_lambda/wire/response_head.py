"""Parse the head of an HTTP response strictly (RFC 9112).

A tolerant parser, as that of http.client, accepts a truncated head, ignores a
Content-Length that is not a number, and takes the first of two different ones.
Any of these would pass a partial body on as a complete one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from urllib3.exceptions import ProtocolError

from wsgi_lambda.header_syntax import TOKEN, Headers

_LONGEST_HEAD = 65536  # bytes; http.client allows as much for a single line
_MOST_FIELDS = 100  # the limit of http.client
_MOST_HEADS = 20  # interim responses (1xx) and the final one

_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: ([^\r\n]*))?\r\n")
# RFC 9112, 5: no space before the colon, no continuation lines.
_NAMES = re.compile(rf"(?:{TOKEN.pattern}:)*+")
_END = b"\r\n\r\n"


class Head(NamedTuple):
    """The head of a response; ``version`` is 10 or 11."""

    version: int
    status: int
    reason: str
    fields: Headers


def read_head(receive: Callable[[], bytes]) -> tuple[Head, bytes]:
    """Return the head of the final response, and the bytes that followed it in the last read.

    ``receive`` returns b"" at the end of the connection. Raises
    ConnectionResetError if that comes before the end of the head, and otherwise
    a ProtocolError that names the malformed part without repeating it.
    """
    buffer = b""
    left = _LONGEST_HEAD  # bytes of interim heads
    for _ in range(_MOST_HEADS):
        buffer = buffer or _received(receive, "before")
        end = buffer.find(_END)
        if end < 0:
            buffer, end = _receive_rest(buffer, receive)
        if not 0 <= end <= _LONGEST_HEAD:
            raise ProtocolError("the response head is too long")
        end += len(_END)
        head = _parse(buffer[:end])
        buffer = buffer[end:]
        if head.status >= 200:
            return head, buffer
        left -= end
        if left < 0:
            break
    raise ProtocolError("the response has too many interim heads")


def _receive_rest(start: bytes, receive: Callable[[], bytes]) -> tuple[bytes, int]:
    """Receive the rest of a head; return what was received, and where the head ends.

    No byte is looked at twice, however small the pieces are in which they arrive. The
    end is -1 if the head is too long.
    """
    head = bytearray(start)
    at, end, has_status_line = 0, -1, False
    while end < 0 and len(head) <= _LONGEST_HEAD:
        # A peer that speaks another protocol may wait for us.
        if not has_status_line and head.find(b"\n", at) >= 0:
            _parse_status_line(bytes(head))
            has_status_line = True
        at = max(0, len(head) - len(_END) + 1)
        head += _received(receive, "during")
        end = head.find(_END, at)
    return bytes(head), end


def _received(receive: Callable[[], bytes], when: str) -> bytes:
    received = receive()
    if not received:
        raise ConnectionResetError(f"the connection was closed {when} the response head")
    return received


def _parse_status_line(head: bytes) -> re.Match[bytes]:
    line = _STATUS_LINE.match(head)
    # 101 would leave HTTP, which no request asked for.
    if line is None or line[2] == b"101":
        raise ProtocolError(f"the response has a malformed status line: {head[:80]!r}")
    return line


def _parse(head: bytes) -> Head:
    line = _parse_status_line(head)
    fields = _parse_fields(str(head[line.end() : -2], "latin-1"))
    if fields is None:
        raise ProtocolError("the response head has a malformed header")
    if len(fields) > _MOST_FIELDS:
        raise ProtocolError(f"the response head has more than {_MOST_FIELDS} headers")
    reason = str(line[3] or b"", "latin-1").strip()
    return Head(11 if line[1] == b"1" else 10, int(line[2]), reason, fields)


def _parse_fields(text: str) -> Headers | None:
    """Return the fields of a head, or None if a line is malformed.

    A regular expression for whole lines takes twice as long.
    """
    if "\0" in text or not text.count("\r\n") == text.count("\r") == text.count("\n"):
        return None
    try:
        lines = [line.split(":", 1) for line in text.split("\r\n")[:-1]]
        fields = [(name, value.strip(" \t")) for name, value in lines]
    except ValueError:  # a line without a colon
        return None
    is_valid = _NAMES.fullmatch("".join([f"{name}:" for name, _ in fields]))
    return fields if is_valid else None
