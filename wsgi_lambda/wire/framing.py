"""Take the framing off the body of a response, and find its end (RFC 9112, 6 and 7).

Bytes come in as they were received, in any pieces; bytes of the body go out. A
body that is cut short is an error, never a shorter body.
"""

from __future__ import annotations

import re

from urllib3.exceptions import ProtocolError

from wsgi_lambda.header_syntax import LENGTH, TOKEN
from wsgi_lambda.wire.response_head import Head

_CUT_OFF = "the connection was closed during the response body"
_LONGEST_TRAILERS = 4096  # bytes, all together
# The lines of the chunks may have half as many bytes as the body, and this many more.
# Each takes a microsecond, and chunks of one byte would be a reply of 30 MB.
_MOST_FRAMING = 64 * 1024

# int() would also accept "0x5", " 5 " and "-5". Of a chunk's extensions, 1000 bytes are accepted.
_SIZE = rb"([0-9A-Fa-f]{1,16})(?:[ \t]{0,9}+;[^\r\n]{0,1000}+)?\r\n"
_SIZE_BEGINS = rb"[0-9A-Fa-f]{0,16}+(?:[ \t]{0,9}+(?:;[^\r\n]{0,1000}+)?\r?)?\Z"
#: The size of a chunk, and whether some bytes may become one: of the first chunk, of the others.
_FIRST = re.compile(_SIZE), re.compile(_SIZE_BEGINS)
_NEXT = re.compile(rb"\r\n" + _SIZE), re.compile(rb"\r?\Z|\r\n" + _SIZE_BEGINS)
_TRAILERS = re.compile(rb"(?:" + TOKEN.pattern.encode() + rb":[^\r\n\0]*+\r\n)*+\r\n")


class Body:
    """A body that ends with the connection.

    ``buffer`` contains the bytes that were received and not taken. Once the body
    is over, they belong to no response. ``remaining`` is the number of bytes to
    come, or None.
    """

    def __init__(self, buffer: bytes) -> None:
        self.buffer = buffer
        self.is_over = False
        self.remaining: int | None = None

    def take(self, received: bytes = b"") -> bytes:
        """Return the bytes of the body so far, without framing; b"" if there are none yet.

        Raises ProtocolError for malformed framing; if good bytes came before it,
        they are returned, and the next call raises.
        """
        block, self.buffer = self.buffer + received, b""
        return block

    def end(self) -> None:
        """Note the end of the connection; raises ConnectionResetError if it cuts the body short."""
        self.is_over = True


class SizedBody(Body):
    """A body of ``length`` bytes."""

    def __init__(self, buffer: bytes, length: int) -> None:
        super().__init__(buffer)
        self.remaining: int = length
        self.is_over = not length

    def take(self, received: bytes = b"") -> bytes:
        data = self.buffer + received
        block, self.buffer = data[: self.remaining], data[self.remaining :]
        self.remaining -= len(block)
        self.is_over = not self.remaining
        return block

    def end(self) -> None:
        raise ConnectionResetError(_CUT_OFF)


class ChunkedBody(Body):
    """A body in chunks; their extensions and the trailers are parsed and dropped."""

    def __init__(self, buffer: bytes) -> None:
        super().__init__(buffer)
        self._patterns = _FIRST
        self._left = 0  # bytes of the current chunk that are still to come
        self._excess = 0  # bytes of framing, less half of those of the body
        self._has_ended = False  # the last chunk came; trailers may follow

    def take(self, received: bytes = b"") -> bytes:
        if self._excess > _MOST_FRAMING:
            raise ProtocolError("the response has too many small chunks")
        data, position, parts = self.buffer + received, 0, []
        while not self._has_ended:
            if self._left:
                parts.append(part := data[position : position + self._left])
                position += len(part)
                self._left -= len(part)
                if self._left:
                    break
            found = self._patterns[0].match(data, position)
            if found is None:
                break
            position = found.end()
            self._patterns, self._left = _NEXT, int(found[1], 16)
            self._has_ended = not self._left
        self.buffer = data[position:]
        self._find_end(may_raise=not any(parts))
        block = b"".join(parts)
        self._excess += position - len(block) - len(block) // 2
        return block

    def _find_end(self, *, may_raise: bool) -> None:
        if not self._has_ended:
            is_valid = bool(self._left or self._patterns[1].match(self.buffer))
        elif found := _TRAILERS.match(self.buffer, 0, _LONGEST_TRAILERS):
            self.is_over = is_valid = True
            self.buffer = self.buffer[found.end() :]
        else:
            is_valid = b"\r\n\r\n" not in self.buffer and len(self.buffer) < _LONGEST_TRAILERS
        if may_raise and not is_valid:
            raise ProtocolError("the response has a malformed chunk")

    def end(self) -> None:
        raise ConnectionResetError(_CUT_OFF)


def body_after(head: Head, method: str, buffer: bytes) -> tuple[Body, bool]:
    """Return the body that follows ``head``, and whether the connection may be kept after it.

    ``buffer`` contains the bytes after the head. Raises ProtocolError unless
    exactly one rule determines the end (RFC 9112, 6.3 and 9.3).
    """
    lengths, codings, connection = set(), [], ""
    for name, value in head.fields:
        lower = name.lower()
        if lower == "content-length":
            lengths.add(value)
        elif lower == "transfer-encoding":
            codings.append(value.lower())
        elif lower == "connection":
            connection += f",{value.lower()}"
    if codings and (codings != ["chunked"] or lengths):
        raise ProtocolError("the response's Transfer-Encoding is not chunked alone")
    if len(lengths) > 1 or not all(map(LENGTH.fullmatch, lengths)):
        raise ProtocolError("the response's Content-Length is not a length")
    is_kept = "close" not in connection if head.version == 11 else "keep-alive" in connection
    if method == "HEAD" or head.status in (204, 304):
        return SizedBody(buffer, 0), is_kept
    if codings:  # not of HTTP/1.0 (RFC 9112, 6.1)
        return ChunkedBody(buffer), is_kept and head.version == 11
    if lengths:
        return SizedBody(buffer, int(lengths.pop())), is_kept
    return Body(buffer), False
