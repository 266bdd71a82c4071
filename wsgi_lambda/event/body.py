"""A body as JSON can hold it."""

from __future__ import annotations

import base64


def as_text(body: bytes, *, is_text: bool) -> tuple[str, bool]:
    """Return the body and whether it is base64: what is no text, or no UTF-8, always is."""
    if is_text:
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(body).decode("ascii"), True
