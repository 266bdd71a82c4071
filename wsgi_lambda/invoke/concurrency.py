"""Limit the concurrent invocations of a route."""

from __future__ import annotations

import threading

from wsgi_lambda.after_fork import reset_after_fork
from wsgi_lambda.errors import TooManyInvocations


class Slots:
    """At most ``count`` invocations at once, each in a ``with``; None sets no limit.

    Entering raises `TooManyInvocations` at once where no slot is free.
    """

    def __init__(self, count: int | None) -> None:
        self._count = count
        reset_after_fork(self._begin)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._taken = 0

    def __enter__(self) -> None:
        if self._count is not None:
            with self._lock:
                if self._taken >= self._count:
                    raise TooManyInvocations(detail=f"max_concurrency is {self._count}")
                self._taken += 1

    def __exit__(self, *_: object) -> None:
        if self._count is not None:
            with self._lock:
                self._taken -= 1
