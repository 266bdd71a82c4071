"""Parse large JSON in pieces, so that other threads can run in between.

`json` keeps the interpreter to itself from the first byte of a text to the last: a
second for 6 MiB of small arrays. Here each of its calls gets the whole members of an
array or object within 32 KiB. A larger member is itself parsed in pieces.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

from wsgi_lambda import strict_json

#: The most characters in one call of `json`.
PIECE = 32 * 1024
# Steps of Python, a microsecond each: the members of objects that do not fit into a
# piece are one each, such arrays and objects 20.
_MOST_STEPS = 300_000
_CONTAINER = 20
# A piece has these characters, plus as many as were parsed since a member was larger
# than its piece. Otherwise deeply nested arrays, with an attempt at each level, would
# cost their size times their depth.
_SMALLEST = 64
# Brackets in a piece that are counted as arrays and objects, even if they are in strings.
_FEW = 500
_COMMA = re.compile(r"[ \t\r\n]*+,[ \t\r\n]*+")
_KEY = re.compile(r'[ \t\r\n]*+("[^"\\]*+(?:\\.[^"\\]*+)*+")[ \t\r\n]*+:[ \t\r\n]*+', re.DOTALL)
_SPACE = re.compile(r"[ \t\r\n]*+")
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)  # or without its end
# The characters of a string, up to an escape that the end of the piece divides.
_CHARACTERS = re.compile(r'[^"\\]*+(?:\\(?:[^u]|u[0-9a-fA-F]{4})[^"\\]*+)*+', re.DOTALL)
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")

_INVALID = (ValueError, StopIteration)
_loads = strict_json.DECODER.decode
_scan = strict_json.DECODER.scan_once  # type: ignore[attr-defined]


class TooManyContainers(ValueError):
    """The text has more arrays and objects than are parsed."""


def parse(text: str, most_containers: int) -> Any:
    """Return the value of ``text``; raises as `strict_json.loads`, and `TooManyContainers`."""
    return Parser(text, most_containers).parse()


class Parser:
    """Parses one text. A position is the index of a character in it."""

    def __init__(self, text: str, most_containers: int) -> None:
        self._text = text
        self._containers = most_containers  # that may still come
        #: Where the last member began that was larger than its piece.
        self._failed = -PIECE
        self._steps = 0
        #: How an item of an array may end; the one that was found last is tried first.
        self._ends: tuple[str, ...] = ("},", ",", "],")
        self._attempts = 3

    def parse(self) -> Any:
        value, end = self._value(self._skip_space(0))
        self._check_end(end)
        return value

    # What becomes of the values; `event.json_encoding` encodes them.

    def _add(self, found: list[Any], items: list[Any]) -> None:
        found += items

    def _array(self, found: list[Any]) -> Any:
        return found

    def _string(self, parts: list[str]) -> Any:
        return _joined(parts)

    def _object(self, members: dict[str, Any]) -> Any:
        return members

    def _member(self, value: Any, length: int) -> Any:  # noqa: ARG002
        return value

    def _at(self, position: int) -> str:
        return self._text[position : position + 1]

    def _piece(self, position: int) -> str:
        """Return the text from there on that is parsed at once."""
        return self._text[position : position + min(PIECE, _SMALLEST + position - self._failed)]

    # Each of these returns a value and the position after it.

    def _value(self, position: int) -> tuple[Any, int]:
        first = self._at(position)
        is_divisible = first in ('"', "[", "{")
        piece = self._piece(position) if is_divisible else self._text[position : position + PIECE]
        try:
            value, end = _scan(piece, 0)
        except _INVALID:
            self._failed = position
        else:
            # A number may go on after the piece.
            if is_divisible or end < PIECE:
                self._count_containers(piece[:end])
                return self._member(value, end), position + end
        if first == "[":
            self._count(_CONTAINER)
            found, end = self._large_array(position)
            value = self._array(found)
        elif first == "{":
            self._count(_CONTAINER)
            members, end = self._large_object(position)
            value = self._object(members)
        elif first == '"':
            parts, end = self._large_string(position)
            value = self._string(parts)
        else:
            raise ValueError("not a JSON value")
        # The next one of this size, and nothing smaller, is parsed at once.
        self._failed = min(self._failed, position)
        return value, end

    def _large_array(self, position: int) -> tuple[list[Any], int]:
        found: list[Any] = []
        position = self._skip_space(position + 1)
        if self._at(position) == "]":
            return found, position + 1
        while True:
            items, length = self._items(self._piece(position))
            if length:
                self._add(found, items)
                position = self._skip_space(position + length)
                continue
            value, position = self._value(position)
            self._add(found, [value])
            is_over, position = self._separator(position, "]")
            if is_over:
                return found, position

    def _items(self, piece: str) -> tuple[list[Any], int]:
        """Return the whole items of an array that are followed by a comma, and their length."""
        for end in self._ends[: self._attempts]:
            length = piece.rfind(end) + len(end)
            # A comma inside an item leaves a bracket or quote of the item open.
            with suppress(ValueError):
                if items := _loads(f"[{piece[: length - 1]}]"):
                    self._ends = (end, *(other for other in self._ends if other != end))
                    self._attempts = 3
                    break
        else:
            items, length = _single_items(piece)
            self._ends, self._attempts = self._ends[1:] + self._ends[:1], 1
        self._count_containers(piece[:length])
        return items, length

    def _large_object(self, position: int) -> tuple[dict[str, Any], int]:
        members: dict[str, Any] = {}
        position = self._skip_space(position + 1)
        if self._at(position) == "}":
            return members, position + 1
        while True:
            position = self._small_members(position, members)
            if self._at(position) != '"':
                raise ValueError("an object without a key")
            parts, position = self._large_string(position)
            key = _joined(parts)
            position = self._skip_space(position)
            if self._at(position) != ":":
                raise ValueError("an object without a value")
            members[key], position = self._value(self._skip_space(position + 1))
            self._count(1)
            is_over, position = self._separator(position, "}")
            if is_over:
                return members, position

    def _small_members(self, position: int, members: dict[str, Any]) -> int:
        """Add the members that end with a comma within the piece; return the position after."""
        piece, end = self._piece(position), 0
        with suppress(*_INVALID):
            while key := _KEY.match(piece, end):
                value, stop = _scan(piece, key.end())
                comma = _COMMA.match(piece, stop)
                if comma is None:
                    break
                members[_scan(key[1], 0)[0]] = self._member(value, stop - key.end())
                self._count(1)
                end = comma.end()
        self._count_containers(piece[:end])
        return self._skip_space(position + end)

    def _count_containers(self, text: str) -> None:
        number = text.count("[") + text.count("{")
        if number > _FEW:
            number = sum(map(_STRING.sub("", text).count, ("[", "{")))
        self._containers -= number
        if self._containers < 0:
            raise TooManyContainers("too many arrays and objects")

    def _count(self, steps: int) -> None:
        self._steps += steps
        if self._steps > _MOST_STEPS:
            raise RecursionError("too many large arrays, objects, or members of these objects")

    def _large_string(self, position: int) -> tuple[list[str], int]:
        """Return the string in parts."""
        parts: list[str] = []
        position += 1
        while True:
            found = _CHARACTERS.match(self._text, position, position + PIECE)
            end = found.end() if found else position
            parts.append(_loads(f'"{self._text[position:end]}"'))
            if self._at(end) == '"':
                return parts, end + 1
            if end == position:
                raise ValueError("a string without its end")
            position = end

    def _separator(self, position: int, closing: str) -> tuple[bool, int]:
        """Return whether an array or object is over, and the position of what follows."""
        position = self._skip_space(position)
        if self._at(position) == closing:
            return True, position + 1
        if self._at(position) != ",":
            raise ValueError(f"neither a comma nor {closing}")
        return False, self._skip_space(position + 1)

    def _skip_space(self, position: int) -> int:
        while True:
            found = _SPACE.match(self._text, position, position + PIECE)
            if found is None or found.end() < position + PIECE:
                return found.end() if found else position
            position = found.end()

    def _check_end(self, position: int) -> None:
        if self._skip_space(position) != len(self._text):
            raise ValueError("more than one value")


def _single_items(piece: str) -> tuple[list[Any], int]:
    items: list[Any] = []
    length = 0
    with suppress(*_INVALID):
        while True:
            value, stop = _scan(piece, length)
            comma = _COMMA.match(piece, stop)
            if comma is None:
                break
            items.append(value)
            length = comma.end()
    return items, length


def _joined(parts: list[str]) -> str:
    """Join the parts of a string; the two escapes of one character may be in two of them."""
    return _PAIR.sub(_one_character, "".join(parts)) if len(parts) > 1 else parts[0]


def _one_character(pair: re.Match[str]) -> str:
    return pair[0].encode("utf-16", "surrogatepass").decode("utf-16")
