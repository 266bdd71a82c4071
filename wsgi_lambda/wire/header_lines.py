"""The headers of a request or a response: lines in their order, names without case."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, MutableMapping


class HeaderLines(MutableMapping[str, str]):
    """Headers as a mapping, faster to make than that of requests or urllib3.

    A look-up takes longer. The values of a name that occurs several times are
    joined: ``"a, b"``. Setting a name replaces all its lines.
    """

    __slots__ = ("_lines",)

    def __init__(self, lines: Iterable[tuple[str, str]]) -> None:
        self._lines = list(lines)

    def iteritems(self) -> Iterator[tuple[str, str]]:
        """Return all lines as ``(name, value)``; urllib3's headers have this method, too."""
        return iter(self._lines)

    def __getitem__(self, name: str) -> str:
        lower = name.lower()
        values = [value for key, value in self._lines if key.lower() == lower]
        if not values:
            raise KeyError(name)
        return ", ".join(values)

    def __setitem__(self, name: str, value: str) -> None:
        self._lines = [*self._others(name), (name, value)]

    def __delitem__(self, name: str) -> None:
        others = self._others(name)
        if len(others) == len(self._lines):
            raise KeyError(name)
        self._lines = others

    def __iter__(self) -> Iterator[str]:
        return iter({key.lower(): key for key, _ in reversed(self._lines)}.values())

    def __len__(self) -> int:
        return len({key.lower() for key, _ in self._lines})

    def _others(self, name: str) -> list[tuple[str, str]]:
        lower = name.lower()
        return [line for line in self._lines if line[0].lower() != lower]
