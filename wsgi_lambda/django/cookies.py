"""Cookies of a function in a Django response: sent as the function wrote them."""

from __future__ import annotations

from collections.abc import Iterable
from http.cookies import Morsel, SimpleCookie
from typing import Any
from urllib.parse import quote

_VISIBLE = "".join(map(chr, range(0x20, 0x7F)))


class FunctionCookie(Morsel[str]):
    """One `Set-Cookie` line, whatever its attributes: ``"a=1; Path=/; Priority=High"``."""

    def __init__(self, line: str) -> None:
        super().__init__()
        name, _, value = line.partition(";")[0].partition("=")
        # The test client reads these. `set` would reject names that browsers accept.
        self._key, self._value, self._coded_value = name.strip(), value.strip(), value.strip()
        self.line = line

    def OutputString(self, attrs: Any = None) -> str:  # noqa: ARG002, N802
        """Return the line."""
        return self.line

    def output(self, attrs: Any = None, header: str = "Set-Cookie:") -> str:  # noqa: ARG002
        """Return the line behind ``header``; Django's handlers give an empty one."""
        return f"{header} {self.line}" if header else self.line

    def __reduce__(self) -> Any:
        return FunctionCookie, (self.line,)


def in_ascii(line: str) -> str:
    """Return a line as ASGI sends it, percent-encoded: Django encodes cookies as ASCII there."""
    return quote(line.encode("latin-1"), safe=_VISIBLE)


class FunctionCookies(SimpleCookie):
    """The cookies of a function, to which the project adds its own.

    A cookie that the project sets replaces all of the function's with the same name:
    a function cannot hold back the cookie of the session.
    """

    def __init__(self, lines: Iterable[str] = ()) -> None:
        super().__init__()
        for number, line in enumerate(lines):
            cookie = FunctionCookie(line)
            key = cookie.key if cookie.key not in self else f"{cookie.key} {number}"
            dict.__setitem__(self, key, cookie)

    def __setitem__(self, name: str, value: Any) -> None:
        for key in [key for key, cookie in self.items() if _is_named(cookie, name)]:
            del self[key]
        super().__setitem__(name, value)

    def __reduce__(self) -> Any:
        lines = [cookie.line for cookie in self.values() if isinstance(cookie, FunctionCookie)]
        own = {
            key: cookie for key, cookie in self.items() if not isinstance(cookie, FunctionCookie)
        }
        return FunctionCookies, (lines,), None, None, iter(own.items())


def _is_named(cookie: Morsel[str], name: str) -> bool:
    return isinstance(cookie, FunctionCookie) and cookie.key == name
