"""Read the body of a response, bounded."""

from __future__ import annotations

from typing import Any

from requests import Response

_BLOCK = 256 * 1024  # bytes read at once


def read_body(response: Response, limit: int) -> bytes | None:
    """Return the answer's body as it came, None if it is longer than ``limit`` bytes.

    On every path the connection is given back, closed unless it is clean.
    """
    raw = response.raw
    body: bytes | None = None
    try:
        if raw.length_remaining is None:
            body = _read_blocks(raw, limit)
        elif raw.length_remaining <= limit:
            # No byte more is read than the answer's Content-Length.
            body = raw.read(decode_content=False)
    finally:
        if body is None:
            raw.close()
        raw.release_conn()
    return body


def _read_blocks(raw: Any, limit: int) -> bytes | None:
    parts: list[bytes] = []
    received = 0
    while block := raw.read(min(_BLOCK, limit + 1 - received), decode_content=False):
        parts.append(block)
        received += len(block)
        if received > limit:
            return None
    return b"".join(parts)
