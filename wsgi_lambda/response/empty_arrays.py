"""Replace the empty arrays of JSON, as Kong does: the mode "legacy" of `empty_arrays_mode`.

Imported at the first response in this mode.
"""

from __future__ import annotations

import re

_SPACE = rb"[ \t\r\n]{0,1000000}+"
_ARRAY = rb"\[" + _SPACE + rb"\]"
_OTHER_BRACKET = rb"\[(?!" + _SPACE + rb"\])"
# Text without empty arrays, strings included. The repetitions have an end, because
# a pattern keeps the interpreter to itself while it is compared.
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+){0,64}+"'
_TEXT = re.compile(rb'(?:[^"\[]++|' + _STRING + rb"|" + _OTHER_BRACKET + rb"){0,4096}+", re.DOTALL)
_CHARACTERS = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+){0,4096}+', re.DOTALL)
# The text after a quote without an end has no other quotes that count.
_UNFINISHED = re.compile(rb"(?:[^\[]++|" + _OTHER_BRACKET + rb"){0,4096}+")


def _after_an_array(token: bytes) -> bytes:
    """Return a pattern for an empty array and some hundred tokens after it.

    A step for each of a million arrays would take more than a second.
    """
    return _ARRAY + rb"(?:" + token + rb"|" + _OTHER_BRACKET + rb"|" + _ARRAY + rb"){0,512}+"


# In the first two, no string contains a bracket.
_WITHOUT_BRACKET = rb'"[^"\\\[]*+(?:\\[^\[][^"\\\[]*+){0,64}+"'
_ARRAYS = re.compile(_after_an_array(rb'[^"\[]{1,64}+|' + _WITHOUT_BRACKET), re.DOTALL)
_ARRAYS_UNFINISHED = re.compile(_after_an_array(rb"[^\[]{1,64}+"))
_ARRAYS_AND_STRINGS = re.compile(_after_an_array(rb'[^"\[]{1,64}+|' + _STRING), re.DOTALL)
_EMPTY = re.compile(_ARRAY)
_STRING_OR_EMPTY = re.compile(_STRING + rb"|" + _ARRAY, re.DOTALL)
_FEW = 64  # bytes


def replace_empty_arrays(body: bytes) -> bytes:
    """Return JSON with ``{}`` for each ``[]``; invalid JSON stays as it is otherwise."""
    parts = []
    start = 0
    text, arrays = _TEXT, _ARRAYS
    while start < len(body):
        end = _end(text, body, start)
        if end == start and (found := arrays.match(body, start)):
            replaced, start = _replace(found, body)
            parts.append(replaced)
            continue
        if end == start:
            # A quote: a long string, or one without an end, in which arrays are replaced, too.
            end = _end_of_string(body, start)
            if end == start:
                text, arrays = _UNFINISHED, _ARRAYS_UNFINISHED
        parts.append(body[start:end])
        start = end
    return b"".join(parts)


def _replace(found: re.Match[bytes], body: bytes) -> tuple[bytes, int]:
    """Return the tokens with ``{}`` for each ``[]``, and the position after them."""
    if found.re is _ARRAYS and len(found[0]) < _FEW:
        # A string with a bracket follows, perhaps the first of many.
        mixed = _ARRAYS_AND_STRINGS.match(body, found.start())
        if mixed is not None and mixed.end() > found.end():
            return _STRING_OR_EMPTY.sub(_replaced, mixed[0]), mixed.end()
    return _EMPTY.sub(b"{}", found[0]), found.end()


def _replaced(token: re.Match[bytes]) -> bytes:
    found: bytes = token[0]
    return b"{}" if found.startswith(b"[") else found


def _end(pattern: re.Pattern[bytes], body: bytes, start: int) -> int:
    found = pattern.match(body, start)
    return found.end() if found else start


def _end_of_string(body: bytes, start: int) -> int:
    """Return the position after a string, or ``start`` if it has no end."""
    position = start + 1
    while (end := _end(_CHARACTERS, body, position)) > position:
        position = end
    return position + 1 if body[position : position + 1] == b'"' else start
