"""Replace the empty arrays of JSON, as Kong does: the mode "legacy" of `empty_arrays_mode`.

Imported at the first response in this mode.
"""

from __future__ import annotations

import re

_SPACE = rb"[ \t\r\n]*+"
_ARRAY = re.compile(rb"\[" + _SPACE + rb"\]")
_ARRAYS = re.compile(rb"(?:\[" + _SPACE + rb'\][^"\[]*+){1,4096}+')
_OTHER_BRACKET = rb"\[(?!" + _SPACE + rb"\])"
# Text without empty arrays, strings included. The repetitions have an end, because
# a pattern keeps the interpreter to itself while it is compared.
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+){0,64}+"'
_TEXT = re.compile(rb'(?:[^"\[]++|' + _STRING + rb"|" + _OTHER_BRACKET + rb"){0,4096}+", re.DOTALL)
_CHARACTERS = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+){0,4096}+', re.DOTALL)
_UNFINISHED = re.compile(rb"(?:[^\[]++|" + _OTHER_BRACKET + rb"){0,4096}+")


def replace_empty_arrays(body: bytes) -> bytes:
    """Return JSON with ``{}`` for each ``[]``; invalid JSON stays as it is otherwise."""
    parts = []
    start, pattern = 0, _TEXT
    while start < len(body):
        end = _end(pattern, body, start)
        if end == start and (arrays := _ARRAYS.match(body, start)):
            parts.append(_ARRAY.sub(b"{}", arrays[0]))
            start = arrays.end()
            continue
        if end == start:
            # A quote: a long string, or one without an end, in which arrays are replaced, too.
            end = _end_of_string(body, start)
            if end == start:
                pattern = _UNFINISHED
        parts.append(body[start:end])
        start = end
    return b"".join(parts)


def _end(pattern: re.Pattern[bytes], body: bytes, start: int) -> int:
    found = pattern.match(body, start)
    return found.end() if found else start


def _end_of_string(body: bytes, start: int) -> int:
    """Return the position after a string, or ``start`` if it has no end."""
    position = start + 1
    while (end := _end(_CHARACTERS, body, position)) > position:
        position = end
    return position + 1 if body[position : position + 1] == b'"' else start
