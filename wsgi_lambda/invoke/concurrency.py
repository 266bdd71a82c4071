"""Limit the concurrent invocations of a route (`max_concurrency`)."""

from __future__ import annotations

import threading

from wsgi_lambda.after_fork import reset_after_fork
from wsgi_lambda.errors import TooManyInvocations


class Slots:
    """At most ``limit`` concurrent leases in this process; None sets no limit.

    ::

        with slots.take():
            ...

    A response that outlives the call keeps its lease and releases it itself.
    """

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        reset_after_fork(self._reset)

    def _reset(self) -> None:
        # A child counts from 0. Leases of its parent count for the old state.
        self._taken = _Taken()

    def take(self) -> Lease:
        """Return a lease; raise `TooManyInvocations` immediately if none is free."""
        if self._limit is None:
            return UNLIMITED
        taken = self._taken
        with taken.lock:
            if taken.count >= self._limit:
                raise TooManyInvocations(detail=f"max_concurrency is {self._limit}")
            taken.count += 1
        return Lease(taken)


class _Taken:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.count = 0


class Lease:
    """The right to one invocation; `release` or the end of a ``with`` returns it, once."""

    __slots__ = ("_taken",)

    def __init__(self, taken: _Taken | None) -> None:
        self._taken = taken

    def release(self) -> None:
        """Return the lease; further calls have no effect."""
        taken = self._taken
        if taken is not None:
            with taken.lock:
                if self._taken is not None:  # pragma: no branch - else another thread was first
                    self._taken = None
                    taken.count -= 1

    def __enter__(self) -> Lease:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


#: The lease of a route without a limit.
UNLIMITED = Lease(None)
