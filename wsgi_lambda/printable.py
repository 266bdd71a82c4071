"""Escape foreign text, so that it cannot forge a log line or command a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""Return ``text`` with control characters, line ends and bidirectional marks escaped.

    ``"a\nb"`` becomes ``"a\\nb"``. For everything in a log line or on a terminal
    that a client, a function, Lambda or a file has written.
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )
