"""Decode percent-escapes at a cost that is linear in the input, whatever it contains.

`urllib.parse.unquote_to_bytes` makes a list of the parts between the percent
signs, which takes 190 bytes of memory for each sign.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator

# Other threads get their turn between blocks.
_BLOCK = 64 * 1024  # bytes

_INVALID = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def unquote(quoted: bytes) -> Iterator[bytes]:
    """Yield the bytes of ``quoted`` in blocks; invalid escapes stay as they are."""
    start, end = 0, len(quoted)
    while start < end:
        stop = _end_of_block(quoted, start + _BLOCK) if end - start > _BLOCK else end
        yield _unquote_block(quoted[start:stop])
        start = stop


def _end_of_block(quoted: bytes, stop: int) -> int:
    """Return a position up to ``stop`` that is not inside an escape."""
    if quoted[stop - 1] == 0x25:
        return stop - 1
    return stop - 2 if quoted[stop - 2] == 0x25 else stop


def _unquote_block(block: bytes) -> bytes:
    if b"%" not in block:
        return block
    # Quoted-printable has the same escapes with another sign: =41. First the signs
    # that begin no escape become escapes themselves; two of them, and one before
    # an escape, are replaced many times faster than by the pattern.
    block = block.replace(b"=", b"=3D")
    block = block.replace(b"%%", b"=25%").replace(b"%%", b"=25%").replace(b"%=", b"=25=")
    block = _INVALID.sub(b"=25", block)
    return binascii.a2b_qp(block.replace(b"%", b"="))
