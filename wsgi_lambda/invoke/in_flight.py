"""Count the invocations of a route that are under way."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from wsgi_lambda.after_fork import reset_after_fork
from wsgi_lambda.delivery import Delivery
from wsgi_lambda.invoke import Invocation, Invoker
from wsgi_lambda.invoke.reply import Chunks, Reply, StreamedReply


class InFlight:
    """The invocations of one route in this process; a stream counts until its end.

    ``len()`` is their number. No lock: each change of the set is one step for all threads.
    """

    def __init__(self) -> None:
        reset_after_fork(self._reset)

    def _reset(self) -> None:
        # A child counts from 0. Invocations of its parent are in the old set.
        self._running: set[Delivery] = set()

    def __len__(self) -> int:
        return len(self._running)

    def invoke(self, invoker: Invoker, invocation: Invocation) -> Reply:
        """Return the reply of ``invoker``, and count the invocation until it is complete."""
        running, delivery = self._running, invocation.delivery
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
        """Free what the stream holds; see `Chunks`."""
        try:
            self._chunks.close()
        finally:
            self._end()

    def __del__(self) -> None:
        self._end()
