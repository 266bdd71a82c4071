"""Limit the lines that a log gets about failures of the same kind."""

from __future__ import annotations

import logging
import math
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from wsgi_lambda.printable import printable_traceback

#: The time in which a kind may have so many lines.
WINDOW = 60  # seconds

# Frames from `logging.Logger.findCaller` to the code that calls `write` or `LogLimit.log`.
_CALLER = 3

#: Place, name and status: ``("/shop", "ServiceError", 502)``.
Kind = tuple[str, str, int]


class _Window:
    """The lines of one kind since its first one."""

    def __init__(self, ends: float) -> None:
        self.ends = ends
        self.logged = 0
        self.held_back = 0
        self.last: tuple[logging.Logger, int, Mapping[str, Any]]


class LogLimit:
    """At most ``limit`` lines of each kind per minute; None sets no limit.

    The minute of a kind begins with its first line. The last line that is allowed
    says for how long further ones are held back. The first `report` after the
    minute logs their number::

        /shop ServiceError: 340 more lines held back in 60 s, the last for request 3f1d…
    """

    def __init__(self, limit: int | None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Forget all lines: a child process begins with its own count."""
        self._lock = threading.Lock()
        self._windows: dict[Kind, _Window] = {}
        self._due = math.inf
        #: Whether lines have been held back that `report` has not counted yet.
        self.is_holding = False

    def log(
        self,
        log: logging.Logger,
        level: int,
        kind: Kind,
        template: str,
        *args: object,
        extra: Mapping[str, Any],
        exc_info: bool = False,
    ) -> None:
        """Log a line, unless its kind has had its lines of this minute.

        ``extra`` contains `aws_request_id`.
        """
        if self._limit is not None:
            seconds = self._seconds_held(self._limit, log, level, kind, extra)
            if seconds is None:
                return
            if seconds:
                template += " [further lines of this kind are held back for %d s]"
                args = (*args, seconds)
        write(log, level, template, args, extra, exc_info=exc_info)

    def report(self) -> None:
        """Log the numbers of lines that were held back, if their minute is over."""
        if self._clock() >= self._due:
            with self._lock:
                over = self._take_windows_that_are_over()
            for kind, window in over:
                _report(kind, window)

    def _seconds_held(
        self, limit: int, log: logging.Logger, level: int, kind: Kind, extra: Mapping[str, Any]
    ) -> int | None:
        """Count a line: None holds it back, a number above 0 says that it is the last."""
        with self._lock:
            now = self._clock()
            window = self._windows.get(kind)
            if window is None or (now >= window.ends and not window.held_back):
                window = self._windows[kind] = _Window(now + WINDOW)
            if window.logged < limit:
                window.logged += 1
                return math.ceil(window.ends - now) if window.logged == limit else 0
            window.held_back += 1
            window.last = (log, level, extra)
            self._due = min(self._due, window.ends)
            self.is_holding = True
            return None

    def _take_windows_that_are_over(self) -> list[tuple[Kind, _Window]]:
        now = self._clock()
        held = {kind: window for kind, window in self._windows.items() if window.held_back}
        over = [(kind, window) for kind, window in held.items() if now >= window.ends]
        for kind, _ in over:
            del self._windows[kind]
        self._due = min(
            (window.ends for window in held.values() if now < window.ends), default=math.inf
        )
        self.is_holding = self._due < math.inf
        return over


def _report(kind: Kind, window: _Window) -> None:
    place, name, _ = kind
    log, level, extra = window.last
    write(
        log,
        level,
        # Sentry and others group lines by their template.
        f"{place} {name}: ".lstrip().replace("%", "%%")
        + "%d more lines held back in %d s, the last for request %s",
        (window.held_back, WINDOW, extra["aws_request_id"] or "-"),
        {**extra, "held_back": window.held_back},
    )


def write(
    log: logging.Logger,
    level: int,
    template: str,
    args: tuple[object, ...],
    extra: Mapping[str, Any],
    *,
    exc_info: bool = False,
) -> None:
    """Log a line with the attributes ``extra``, whatever their names.

    The standard `extra=` raises a KeyError if the app's LogRecordFactory sets an
    attribute of the same name: then a request would fail because it is logged.
    """
    if log.isEnabledFor(level):
        error = sys.exc_info() if exc_info else None
        file, line, function, _ = log.findCaller(stacklevel=_CALLER)
        record = log.makeRecord(log.name, level, file, line, template, args, error, function)
        if error is not None and error[1] is not None:
            # Formatters use this text; error trackers take the exception itself.
            record.exc_text = printable_traceback(error[1])
        vars(record).update(extra)
        log.handle(record)
