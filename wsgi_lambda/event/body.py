"""Write a body as a JSON string."""

from __future__ import annotations

import base64

#: The most headers of one part of a multipart body, which are not in the event.
PART_HEADERS = 16 * 1024  # bytes


def as_text(body: bytes, *, is_text: bool) -> tuple[str, bool]:
    """Return the body and whether it is base64: bodies that are not UTF-8 text always are."""
    if is_text:
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(body).decode("ascii"), True
