"""Read the body of a response, up to a limit."""

from __future__ import annotations

import io
from typing import Any

from requests import Response

_BLOCK = 256 * 1024  # bytes per read


def read_body(response: Response, limit: int) -> bytes | None:
    """Return the body as received, or None if it is longer than ``limit`` bytes.

    Content-Encoding is not decoded. The connection always returns to the pool; it
    is closed unless the whole body was read. Raises urllib3's errors.
    """
    raw = response.raw
    if getattr(raw, "is_over", False):  # an instrumentation has read it, or it is empty
        return response.content if len(response.content) <= limit else None
    body: bytes | None = None
    try:
        if raw.length_remaining is None:
            body = _read_blocks(raw, limit)
        elif raw.length_remaining <= limit:
            # Stops at Content-Length: further bytes would belong to no response.
            body = raw.read(decode_content=False)
    finally:
        if body is None:
            raw.close()
        raw.release_conn()
    return body


def _read_blocks(raw: Any, limit: int) -> bytes | None:
    body = io.BytesIO()
    while block := raw.read(min(_BLOCK, limit + 1 - body.tell()), decode_content=False):
        body.write(block)
        if body.tell() > limit:
            return None
    return body.getvalue()  # without a copy
