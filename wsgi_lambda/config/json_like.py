"""Check that a document has only values that JSON has, and not many more than its text shows.

YAML has dates, sets, bytes, and aliases: 500 bytes of them can describe a gigabyte.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

#: Lists and mappings inside each other. Kong's files have about ten.
MOST_LEVELS = 100
#: Characters of a document whose aliases are written out: some, and more for each of its text.
SOME, FOR_EACH = 100_000, 10
# Python cannot write an integer of more than 4,300 digits.
_MOST_BITS = 14_000


def not_json_like(document: object, length: int) -> str:
    """Return what is wrong with a document whose text has ``length`` characters, or "".

    Example: ``"contains a value of type date, which JSON does not have"``.
    """
    left = SOME + FOR_EACH * length
    pending = [(document, 0)]
    while pending:
        value, level = pending.pop()
        if level > MOST_LEVELS:
            return "nested too deeply"
        wrong = _wrong(value)
        if wrong:
            return f"contains {wrong}"
        members = list(_members(value))
        left -= 1 + len(members) + (len(value) if isinstance(value, str) else 0)
        if left < 0:
            return "its aliases describe a document many times as large as the file"
        pending += [(member, level + 1) for member in members]
    return ""


def _members(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    return value if isinstance(value, list) else ()


def _wrong(value: object) -> str:
    if isinstance(value, str):
        return "" if value.isascii() or _is_utf_8(value) else "half a surrogate pair"
    if isinstance(value, float):
        return "" if math.isfinite(value) else "a number that is not finite"
    if isinstance(value, int):
        return "" if value.bit_length() <= _MOST_BITS else "an integer with thousands of digits"
    if value is None or isinstance(value, (dict, list)):
        return ""
    return f"a value of type {type(value).__name__}, which JSON does not have"


def _is_utf_8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
