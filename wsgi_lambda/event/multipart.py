"""Parse bodies of `multipart/form-data`, with Werkzeug's decoder.

Imported at the first such body.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from typing import Any

from werkzeug.datastructures import Headers
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import (
    Data,
    Epilogue,
    Event,
    Field,
    File,
    MultipartDecoder,
    NeedData,
)

from wsgi_lambda.errors import PayloadTooLarge, TooManyArguments
from wsgi_lambda.event.body import PART_HEADERS

_BLOCK = 64 * 1024  # bytes; other threads get their turn between blocks
_LONGEST_BOUNDARY = 70  # characters (RFC 2046, 5.1.1)
# The test clients of Werkzeug and Flask send this with two numbers, up to 72 characters.
_OF_WERKZEUG, _LONGEST_OF_WERKZEUG = b"---------------WerkzeugFormPart_", 72
# Headers of one part, and parameters in them. A part needs two or three; each takes a microsecond.
_MOST_HEADERS = 32
_MOST_PARAMETERS = 64
# Bytes of headers for each of the parts that a body may have, on average. Werkzeug parses
# them character by character; those of browsers have about 150.
_USUAL_HEADERS = 1024
_CHARSETS = frozenset(("ascii", "us-ascii", "iso-8859-1"))
_LONGEST_PREAMBLE = 16 * 1024  # bytes before the first boundary, which are ignored


class _Decoder(MultipartDecoder):
    """Werkzeug's decoder, which also accepts part headers that are not UTF-8 (old browsers).

    Raises `PayloadTooLarge` if the headers of all parts exceed ``most_headers`` bytes.
    """

    def __init__(self, boundary: bytes, *, max_parts: int, most_headers: int) -> None:
        super().__init__(boundary, max_parts=max_parts)
        self._headers_left = most_headers

    def _parse_headers(self, data: bytes | bytearray) -> Headers:
        if (
            len(data) > PART_HEADERS
            or data.count(b"\n") > _MOST_HEADERS
            or data.count(b";") > _MOST_PARAMETERS
        ):
            raise ValueError("the headers of a part are too long")
        self._headers_left -= len(data)
        if self._headers_left < 0:
            raise PayloadTooLarge(detail="the headers of all parts of a form are too long")
        return super()._parse_headers(data.decode(errors="replace").encode())


def parse(content_type: str, body: bytes, most: int) -> list[tuple[str, Any]] | None:
    """Return names with fields as text and files as objects; None for invalid framing.

    Raises `TooManyArguments` for more than ``most`` parts, and `PayloadTooLarge` if
    their headers exceed 1 KiB on average, and 16 KiB more. Example:
    ``[("title", "Tea"), ("file", {"filename": …, "content_type": …, "body": …})]``.
    """
    boundary = parse_options_header(content_type)[1].get("boundary", "").encode()
    if not _is_usual(boundary, body):
        return None
    try:
        pairs = list(_pairs(_events(boundary, body, most)))
    except ValueError:
        return None
    except RequestEntityTooLarge as error:
        raise TooManyArguments(most) from error
    named = [(name, value) for name, value in pairs if name is not None]
    return named if len(named) == len(pairs) else None


def check_headers(boundary: bytes, body: bytes, most: int) -> None:
    """Raise what `parse` raises, and ValueError for malformed framing, before another parser reads.

    Then that parser does not take long for the headers of the parts.
    """
    if not _is_usual(boundary, body):
        raise ValueError("the boundary is too long, or not at the start")
    for _ in _events(boundary, body, most):
        pass


def _is_usual(boundary: bytes, body: bytes) -> bool:
    of_werkzeug = boundary.startswith(_OF_WERKZEUG)
    if not 1 <= len(boundary) <= (_LONGEST_OF_WERKZEUG if of_werkzeug else _LONGEST_BOUNDARY):
        return False
    # The decoder compares the boundary at every position before the first one.
    return 0 <= body.find(b"--" + boundary) <= _LONGEST_PREAMBLE


def _events(boundary: bytes, body: bytes, most: int) -> Iterator[Event]:
    most_headers = PART_HEADERS + _USUAL_HEADERS * most
    decoder = _Decoder(boundary, max_parts=most, most_headers=most_headers)
    blocks = [body[start : start + _BLOCK] for start in range(0, len(body), _BLOCK)]
    for block in (*blocks, None):  # pragma: no branch - the epilogue or an error ends it
        decoder.receive_data(block)
        while not isinstance(event := decoder.next_event(), NeedData):
            yield event
            if isinstance(event, Epilogue):
                return


def _pairs(events: Iterable[Event]) -> Iterator[tuple[str | None, Any]]:
    content = bytearray()
    for event in events:
        if isinstance(event, (Field, File)):
            part, content = event, bytearray()
        elif isinstance(event, Data):
            content += event.data
            if not event.more_data:
                yield part.name, _part_value(part, bytes(content))


def _part_value(part: Field | File, content: bytes) -> str | dict[str, str]:
    if isinstance(part, Field):
        charset = parse_options_header(part.headers.get("Content-Type"))[1].get("charset", "utf-8")
        return _decode(content, charset)
    return {
        "filename": part.filename,
        # RFC 7578, 4.4: the type of a file without one.
        "content_type": part.headers.get("Content-Type", "application/octet-stream"),
        "body": base64.b64encode(content).decode("ascii"),
    }


def _decode(content: bytes, charset: str) -> str:
    # No codec is looked up by a name that a client chose.
    # The same charsets as in Werkzeug, whose request `authorize` reads.
    known = charset.lower() if charset.lower() in _CHARSETS else "utf-8"
    return content.decode(known, errors="replace")
