"""Count the invocations of a route that are under way, and limit them (`max_concurrency`)."""

from __future__ import annotations

import threading

from wsgi_lambda.after_fork import reset_after_fork
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
        # One None for each. A child counts from 0: those of its parent are in the old list.
        self._running: list[None] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._running)

    def invoke(self, invoker: Invoker, invocation: Invocation) -> Reply:
        """Return the reply of ``invoker``; raise `TooManyInvocations` if no slot is free."""
        running = self._running
        # No other lock: each change of the list is one step for all threads.
        if self._limit is None:
            running.append(None)
        else:
            with self._lock:
                if len(running) >= self._limit:
                    raise TooManyInvocations(detail=f"max_concurrency is {self._limit}")
                running.append(None)
        try:
            reply = invoker.invoke(invocation)
        except BaseException:
            running.pop()
            raise
        if isinstance(reply, StreamedReply):
            reply.chunks = _Counted(reply.chunks, running)
        else:
            running.pop()
        return reply


class _Counted:
    """The `Chunks` of a stream, which counts until it is complete, fails, or is forgotten."""

    def __init__(self, chunks: Chunks, running: list[None]) -> None:
        self._chunks = chunks
        self._running = running
        self._first_end = threading.Lock()

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

    def _end(self) -> None:
        # Nobody releases the lock: several threads may end a stream, and the first one counts.
        if self._first_end.acquire(blocking=False):
            self._running.pop()

    __del__ = _end
