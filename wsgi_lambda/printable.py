"""Escape foreign text, so that it cannot forge a log line or command a terminal."""

from __future__ import annotations

import traceback


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


def printable_traceback(error: BaseException) -> str:
    r"""Return the traceback of ``error`` for a log: lines that are indented and escaped.

    The message of an exception may contain text of a client. No line of it can pass
    for a record of its own: ``"    ValueError: bad\n    name"``.
    """
    lines = "".join(traceback.format_exception(error)).rstrip("\n").split("\n")
    return "\n".join(f"    {printable(line)}" for line in lines)
