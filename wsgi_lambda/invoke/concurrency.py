"""Count the invocations of a route that are under way, and limit them (`max_concurrency`)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from wsgi_lambda.after_fork import reset_after_fork
from wsgi_lambda.delivery import Delivery
from wsgi_lambda.errors import TooManyInvocations
from wsgi_lambda.invoke import Invocation, Invoker
from wsgi_lambda.invoke.reply import Chunks, Reply, StreamedReply


class Slots:
    """The concurrent invocations of one route in this process; a stream counts until its end.

    There are at most ``limit``; None sets no limit. ``len()`` is their number now::

        slots = Slots(20)
        reply = slots.invoke(invoker, invocation)
    """

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        reset_after_fork(self._reset)

    def _reset(self) -> None:
        # A child counts from 0. Invocations of its parent are in the old set.
        self._running: set[Delivery] = set()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._running)

    def invoke(self, invoker: Invoker, invocation: Invocation) -> Reply:
        """Return the reply of ``invoker``; raise `TooManyInvocations` if no slot is free."""
        running, delivery = self._running, invocation.delivery
        # No other lock: each change of the set is one step for all threads.
        if self._limit is None:
            running.add(delivery)
        else:
            with self._lock:
                if len(running) >= self._limit:
                    raise TooManyInvocations(detail=f"max_concurrency is {self._limit}")
                running.add(delivery)
        try:
            reply = invoker.invoke(invocation)
        except BaseException:
            running.discard(delivery)
            raise
        if isinstance(reply, StreamedReply):
            reply.chunks = _Counted(reply.chunks, partial(running.discard, delivery))
        else:
            running.discard(delivery)
        return reply


class _Counted:
    """The `Chunks` of a stream; calls ``end`` when it is complete, fails, or is forgotten."""

    def __init__(self, chunks: Chunks, end: Callable[[], None]) -> None:
        self._chunks = chunks
        self._end = end

    @property
    def log_result(self) -> str:
        return self._chunks.log_result

    def read(self, silence: float | None = None) -> bytes:
        """Return the next bytes; see `Chunks`."""
        data = b""
        try:
            data = self._chunks.read(silence)
        finally:
            if not data:
                self._end()
        return data

    def close(self) -> None:
        """Free what the stream holds, and its slot; see `Chunks`."""
        self._end()
        self._chunks.close()

    def __del__(self) -> None:
        self._end()
