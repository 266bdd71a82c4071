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
            while taken.count >= self._limit:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise DeadlinePassed(
                        detail="earlier invocations of the handler are still running "
                        f"(handler_concurrency is {self._limit})"
                    )
                taken.changed.wait(min(left, threading.TIMEOUT_MAX))
            taken.count += 1
        return Turn(taken)


class _Taken:
    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.count = 0


class Turn:
    """The right to run; `release` returns it, once."""

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
                    taken.changed.notify()
