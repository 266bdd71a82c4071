"""Encode large JSON in pieces, so that other threads can run in between.

Imported at the first body of that size.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from wsgi_lambda.json_pieces import PIECE, Parser

#: The most arrays and objects of a body; the C code takes half a second for them.
MOST_CONTAINERS = 600_000
# Members of an object that are encoded at once, and the most characters of each.
_BATCH = 64
_SMALL = 1024

# What a parser returns contains no cycle.
_dumps = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), allow_nan=False, check_circular=False
).encode


class Encoded:
    """JSON text in pieces: a value that was encoded while its source was parsed."""

    __slots__ = ("pieces",)

    def __init__(self, pieces: list[str]) -> None:
        self.pieces = pieces


def reencode(text: str) -> Any:
    """Parse ``text``, and encode at the same time what is large in it.

    An object becomes a dict whose values may be `Encoded`; an array is `Encoded`,
    anything else None. Raises as `parse`.
    """
    return _Encoder(text, MOST_CONTAINERS).parse()


def encode(value: Any) -> Iterator[str]:
    """Yield the JSON of ``value`` in pieces.

    Dicts may contain `Encoded` values and strings of any size; everything else in
    them must be small. Raises ValueError for a number beyond a float.
    """
    if isinstance(value, Encoded):
        yield from value.pieces
    elif isinstance(value, dict):
        yield from _encode_object(value)
    elif isinstance(value, str):
        yield '"'
        for start in range(0, len(value), PIECE):
            yield _dumps(value[start : start + PIECE])[1:-1]
        yield '"'
    else:
        yield _dumps(value)


def _encode_object(members: dict[str, Any]) -> Iterator[str]:
    """Yield the JSON of an object: small members in batches, each large one alone."""
    before = "{"
    batch: dict[str, Any] = {}
    for key, value in members.items():
        if isinstance(value, (Encoded, dict)) or (isinstance(value, str) and len(value) > _SMALL):
            if batch:
                yield before + _dumps(batch)[1:-1]
                before, batch = ",", {}
            yield f"{before}{_dumps(key)}:"
            yield from encode(value)
            before = ","
        else:
            batch[key] = value
            if len(batch) == _BATCH:
                yield before + _dumps(batch)[1:-1]
                before, batch = ",", {}
    yield before.strip(",") + "}" if not batch else before + _dumps(batch)[1:-1] + "}"


class _Encoder(Parser):
    """Encodes the parts of a text as soon as they are parsed."""

    def parse(self) -> Any:
        position = self._skip_space(0)
        first = self._text[position : position + 1]
        value: Any = None
        if first == "{":
            value, end = self._large_object(position)
        elif first == "[":
            found, end = self._large_array(position)
            value = self._array(found)
        else:
            _, end = self._value(position)
        self._check_end(end)
        return value

    def _add(self, found: list[Any], items: list[Any]) -> None:
        if found:
            found.append(",")
        if isinstance(items[0], Encoded):
            found += items[0].pieces
        else:
            found.append(_dumps(items)[1:-1])

    def _array(self, found: list[Any]) -> Any:
        return Encoded(["[", *found, "]"]) if found else []

    def _string(self, parts: list[str]) -> Any:
        return Encoded(['"', *(_dumps(part)[1:-1] for part in parts), '"'])

    def _object(self, members: dict[str, Any]) -> Any:
        return Encoded(list(encode(members)))

    def _member(self, value: Any, length: int) -> Any:
        is_large = length > _SMALL and isinstance(value, (dict, list))
        return Encoded([_dumps(value)]) if is_large else value
