"""Find the head of a stream, which may also begin with its body.

A head is a JSON object followed by eight NULs. The parts of a stream may be cut
anywhere. All work is linear in the number of bytes, and at most 16 KiB are searched.
https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html
"""

from __future__ import annotations

import re
from enum import Enum, auto

#: Bytes that are searched for the end of a head.
LIMIT = 16 * 1024
_END = bytes(8)
_NOT_SPACE = re.compile(rb"[^ \t\r\n]")  # JSON's white space
_OUTSIDE_STRING = re.compile(rb'[{}"]')
_IN_STRING = re.compile(rb'["\\]')


class Undecided(Enum):
    """The place of a head that is not known."""

    #: More bytes may decide.
    YET = auto()
    #: The stream has no head.
    NEVER = auto()


class Head:
    """The first bytes of a stream, until it is known whether they are a head.

    With ``is_required`` anything except a head is an error, so that the end of
    the JSON object is not looked for.
    """

    def __init__(self, *, is_required: bool) -> None:
        self.bytes = bytearray()
        self._is_required = is_required
        self._start: int | None = None
        self._at = 0
        self._depth = 0
        self._is_in_string = False

    def feed(self, data: bytes) -> int | Undecided:
        """Add ``data`` and return the length of the head, without its NULs."""
        self.bytes += data
        if self._start is None:
            found = _NOT_SPACE.search(self.bytes, self._at, LIMIT)
            self._at = min(len(self.bytes), LIMIT)
            if found is None:
                return self._undecided()
            self._start = self._at = found.start()
        if self.bytes[self._start] != ord("{"):
            return Undecided.NEVER
        return self._find_required() if self._is_required else self._find()

    @property
    def begins_an_object(self) -> bool:
        """Whether the first byte that is not white space is `{`."""
        return self._start is not None and self.bytes[self._start] == ord("{")

    def after(self, length: int) -> bytes:
        """Return the bytes behind a head of ``length`` bytes and its NULs."""
        return bytes(self.bytes[length + len(_END) :])

    def _undecided(self) -> Undecided:
        return Undecided.NEVER if len(self.bytes) >= LIMIT else Undecided.YET

    def _find_required(self) -> int | Undecided:
        end = self.bytes.find(_END, 0, LIMIT)
        return self._undecided() if end < 0 else end

    def _find(self) -> int | Undecided:
        end = self._end_of_object()
        nuls = self.bytes.find(_END, 0, LIMIT + len(_END) - 1)
        if end is not None and not 0 <= nuls < end:
            follows = self.bytes[end : end + len(_END)]
            if end == LIMIT or follows.strip(b"\0"):
                return Undecided.NEVER
            return end if len(follows) == len(_END) else Undecided.YET
        if nuls >= 0:  # inside the object: a head, which is malformed
            return nuls
        # The NULs may begin with the last byte that is searched.
        if self.bytes[LIMIT - 1 : LIMIT] == b"\0" and not self.bytes[LIMIT:].strip(b"\0"):
            return Undecided.YET
        return self._undecided()

    def _end_of_object(self) -> int | None:
        """Return where the JSON object ends, or None if it does not within the bytes so far."""
        while self._depth or self._at == self._start:
            pattern = _IN_STRING if self._is_in_string else _OUTSIDE_STRING
            found = pattern.search(self.bytes, self._at, LIMIT)
            if found is None:
                self._at = max(self._at, min(len(self.bytes), LIMIT))
                return None
            self._at = found.end()
            if found[0] == b"\\":
                self._at += 1  # the escaped character, which may not be here yet
            elif found[0] == b'"':
                self._is_in_string = not self._is_in_string
            else:
                self._depth += 1 if found[0] == b"{" else -1
        return self._at
