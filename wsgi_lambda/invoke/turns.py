"""Let the invocations of one handler run one after another, or a few at a time."""

from __future__ import annotations

import math
import threading
import time

from wsgi_lambda.after_fork import reset_after_fork
from wsgi_lambda.errors import DeadlinePassed


class Turns:
    """Concurrent turns in this process, unlimited until `limit_to` is called."""

    def __init__(self) -> None:
        self._limit = math.inf
        reset_after_fork(self._reset)

    def _reset(self) -> None:
        # A child counts from 0. Turns of its parent count for the old state.
        self._taken = _Taken()

    def limit_to(self, limit: int) -> None:
        """Allow at most ``limit`` concurrent turns; the smallest of several limits applies."""
        self._limit = min(self._limit, limit)

    def take(self, deadline: float = math.inf) -> Turn:
        """Wait for a turn; raise `DeadlinePassed` at ``deadline``, a time of `time.monotonic`."""
        taken = self._taken
        with taken.changed:
            if taken.count >= self._limit:
                self._wait(taken, deadline)
            taken.count += 1
        return Turn(taken)

    def _wait(self, taken: _Taken, deadline: float) -> None:
        while True:
            now = time.monotonic()
            if now >= deadline:
                # A turn that has become free is for another one.
                taken.changed.notify()
                raise DeadlinePassed(
                    detail="earlier invocations of the handler are still running "
                    f"(handler_concurrency is {self._limit})"
                )
            end = taken.release_late(now)
            if taken.count < self._limit:
                return
            taken.changed.wait(min(deadline - now, end - now, threading.TIMEOUT_MAX))


class _Taken:
    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.count = 0
        #: Turns that end at a time, and that time.
        self.ends: dict[Turn, float] = {}

    def release_late(self, now: float) -> float:
        """Return the turns whose time has passed; the result is the time of the next one."""
        for turn in [turn for turn, end in self.ends.items() if end <= now]:
            turn.release()
        return min(self.ends.values(), default=math.inf)


class Turn:
    """The right to run; `release` or `release_at` returns it, once."""

    __slots__ = ("_taken",)

    def __init__(self, taken: _Taken) -> None:
        self._taken: _Taken | None = taken

    def release(self) -> None:
        """Return the turn; further calls have no effect."""
        taken = self._taken
        if taken is not None:
            with taken.changed:
                if self._taken is not None:  # pragma: no branch - else another thread was first
                    self._taken = None
                    taken.count -= 1
                    taken.ends.pop(self, None)
                    taken.changed.notify()

    def release_at(self, end: float) -> None:
        """Return the turn at ``end``, a time of `time.monotonic`, unless that happens before."""
        taken = self._taken
        if taken is not None:
            with taken.changed:
                if self._taken is not None:  # pragma: no branch - else another thread was first
                    taken.ends[self] = end
                    taken.changed.notify_all()
