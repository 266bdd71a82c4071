"""Parse `application/vnd.amazon.eventstream`: bytes come in, frames go out.

A frame is its length, the length of its headers, the CRC-32 of these eight bytes,
headers, payload, and the CRC-32 of everything before; all numbers are big-endian.
No byte of a frame is used before both CRCs have been verified.
https://docs.aws.amazon.com/lambda/latest/api/API_InvokeWithResponseStream.html
https://smithy.io/2.0/aws/amazon-eventstream.html
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from zlib import crc32

_PRELUDE = struct.Struct(">III")  # length of the frame, length of its headers, CRC-32
_CRC = struct.Struct(">I")
_OVERHEAD = _PRELUDE.size + _CRC.size
_MOST_HEADERS = 128 * 1024  # bytes, a limit of the format

# Frames of a stream repeat their headers, which are about 90 bytes.
_CACHED = 64  # blocks of headers
_LONGEST_CACHED = 1024  # bytes

_BOOLEANS = {0: True, 1: False}
_NUMBERS = {2: struct.Struct(">b"), 3: struct.Struct(">h"), 4: struct.Struct(">i")}
_NUMBERS |= {5: struct.Struct(">q"), 8: struct.Struct(">q")}  # 8: milliseconds of a time
_BYTES, _STRING, _UUID = 6, 7, 9
_LENGTH = struct.Struct(">H")

HeaderValue = bool | int | bytes | str
#: The headers and the payload: ``({":event-type": "PayloadChunk"}, b"data: tea\n\n")``.
Frame = tuple[Mapping[str, HeaderValue], bytes]


class MalformedFrame(ValueError):
    """The bytes are not a frame, or it is too large; the text names the part."""


class FrameReader:
    """Cut bytes into frames of at most ``limit`` bytes, however the bytes are split.

    ``error`` is set once the bytes after the returned frames are malformed. Then
    nothing more can be read.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0
        self._needed = _PRELUDE.size
        self.error: MalformedFrame | None = None
        #: Bytes of the frames that were returned.
        self.consumed = 0

    @property
    def is_inside_frame(self) -> bool:
        """Whether a part of a frame has been fed, but not its end."""
        return self._size > 0

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that are complete with ``data``."""
        self._parts.append(data)
        self._size += len(data)
        # A frame is joined once, when it is complete: looking at it after each read
        # would be quadratic.
        if self._size < self._needed or self.error is not None:
            return []
        data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        frames: list[Frame] = []
        try:
            end = self._read_frames(data, frames)
        except MalformedFrame as error:
            self.error = error
        else:
            rest = data[end:]
            self._parts, self._size = [rest] if rest else [], len(rest)
            self.consumed += end
        return frames

    def _read_frames(self, data: bytes, frames: list[Frame]) -> int:
        """Append the complete frames in ``data`` and return where the last one ends."""
        start, self._needed = 0, _PRELUDE.size
        while len(data) - start >= _PRELUDE.size:
            size, headers_size, crc = _PRELUDE.unpack_from(data, start)
            if crc32(data[start : start + 8]) != crc:
                raise MalformedFrame("the CRC of a prelude is wrong")
            if size > self._limit or headers_size > min(_MOST_HEADERS, size - _OVERHEAD):
                raise _wrong_size(size, headers_size, self._limit)
            if len(data) - start < size:
                self._needed = size
                break
            end = start + size - _CRC.size
            if crc32(memoryview(data)[start:end]) != _CRC.unpack_from(data, end)[0]:
                raise MalformedFrame("the CRC of a frame is wrong")
            headers_start = start + _PRELUDE.size
            payload_start = headers_start + headers_size
            block = data[headers_start:payload_start]
            read = read_headers if headers_size <= _LONGEST_CACHED else read_headers.__wrapped__
            frames.append((read(block), data[payload_start:end]))
            start += size
        return start


def _wrong_size(size: int, headers_size: int, limit: int) -> MalformedFrame:
    if size > limit:
        return MalformedFrame(f"a frame of {size} bytes exceeds {limit} bytes")
    if headers_size > _MOST_HEADERS:
        return MalformedFrame(f"the headers of a frame exceed {_MOST_HEADERS} bytes")
    return MalformedFrame("a frame is shorter than its headers")


@lru_cache(_CACHED)
def read_headers(block: bytes) -> Mapping[str, HeaderValue]:
    """Parse the headers of a frame, each a name, a type and a value.

    Raises `MalformedFrame`, also for a name that appears twice.
    """
    headers: dict[str, HeaderValue] = {}
    at = 0
    try:
        while at < len(block):
            name, at = _read_text(block, at + 1, block[at])
            if not name or name in headers:
                raise MalformedFrame("a frame has an empty or a repeated header name")
            headers[name], at = _read_value(block, at + 1, block[at])
    except (IndexError, struct.error, UnicodeDecodeError) as error:
        raise MalformedFrame("the headers of a frame are unreadable") from error
    return MappingProxyType(headers)


def _read_text(block: bytes, start: int, length: int) -> tuple[str, int]:
    value, end = _read_bytes(block, start, length)
    return value.decode(), end


def _read_bytes(block: bytes, start: int, length: int) -> tuple[bytes, int]:
    end = start + length
    if end > len(block):
        raise IndexError
    return block[start:end], end


def _read_value(block: bytes, start: int, kind: int) -> tuple[HeaderValue, int]:
    """Return the value of a header and where it ends."""
    if kind in _BOOLEANS:
        return _BOOLEANS[kind], start
    if kind in _NUMBERS:
        number = _NUMBERS[kind]
        return number.unpack_from(block, start)[0], start + number.size
    if kind == _UUID:
        return _read_bytes(block, start, 16)
    if kind not in (_BYTES, _STRING):
        raise MalformedFrame(f"a header has the unknown type {kind}")
    (length,) = _LENGTH.unpack_from(block, start)
    read = _read_text if kind == _STRING else _read_bytes
    return read(block, start + _LENGTH.size, length)
