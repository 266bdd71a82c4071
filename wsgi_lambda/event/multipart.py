"""Parse bodies of `multipart/form-data`, with Werkzeug's decoder.

Imported at the first such body.
"""

from __future__ import annotations

import base64
from typing import Any

from werkzeug.datastructures import Headers
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder

from wsgi_lambda.errors import TooManyArguments


class _Decoder(MultipartDecoder):
    """Werkzeug's decoder, which also accepts part headers that are not UTF-8 (old browsers)."""

    def _parse_headers(self, data: bytes | bytearray) -> Headers:
        return super()._parse_headers(data.decode(errors="replace").encode())


def parse(content_type: str, body: bytes, most: int) -> list[tuple[str, Any]] | None:
    """Return names with fields as text and files as objects; None for invalid framing.

    Raises `TooManyArguments` for more than ``most`` parts. Example:
    ``[("title", "Tea"), ("file", {"filename": …, "content_type": …, "body": …})]``.
    """
    boundary = parse_options_header(content_type)[1].get("boundary", "")
    if not boundary:
        return None
    decoder = _Decoder(boundary.encode(), max_parts=most)
    decoder.receive_data(body)
    decoder.receive_data(None)
    pairs: list[tuple[str, Any]] = []
    content = bytearray()
    try:
        while not isinstance(event := decoder.next_event(), Epilogue):
            if isinstance(event, (Field, File)):
                part, content = event, bytearray()
            elif isinstance(event, Data):
                content += event.data
                if not event.more_data:
                    pairs.append((part.name, _part_value(part, bytes(content))))
    except ValueError:
        return None
    except RequestEntityTooLarge as error:
        raise TooManyArguments(most) from error
    if any(name is None for name, _ in pairs):
        return None
    return pairs


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
    known = charset.lower() if charset.lower() in ("us-ascii", "iso-8859-1") else "utf-8"
    return content.decode(known, errors="replace")
