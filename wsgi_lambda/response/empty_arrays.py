"""Replace the empty arrays of JSON, as Kong does: the mode "legacy" of `empty_arrays_mode`.

Imported at the first response in this mode.
"""

from __future__ import annotations

import re

_ARRAY = rb"\[[ \t\r\n]*+\]"
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
# Everything up to the next empty array, then the array, or a string without an end.
# Strings are consumed whole, so that brackets inside them stay.
_EMPTY_ARRAY = re.compile(
    rb'((?:[^"\[]++|' + _STRING + rb"|\[(?![ \t\r\n]*+\]))*+)(?:(" + _ARRAY + rb')|(".*))?',
    re.DOTALL,
)
_BARE_ARRAY = re.compile(_ARRAY)


def replace_empty_arrays(body: bytes) -> bytes:
    """Return JSON with ``{}`` for each ``[]``; invalid JSON stays as it is otherwise."""
    return _EMPTY_ARRAY.sub(_replace_array, body)


def _replace_array(found: re.Match[bytes]) -> bytes:
    text, array, unfinished = found.groups()
    return text + (b"{}" if array else b"") + _BARE_ARRAY.sub(b"{}", unfinished or b"")
