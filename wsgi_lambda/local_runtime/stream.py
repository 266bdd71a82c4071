"""Run a handler that streams: its chunks, one after another.

AWS's own Python runtime cannot stream; this stands for Node's, and for custom ones.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Protocol

from wsgi_lambda.local_runtime.context import LambdaContext
from wsgi_lambda.local_runtime.encoding import Fault, encode
from wsgi_lambda.local_runtime.faults import Outcome, crashed, stopped
from wsgi_lambda.local_runtime.run import Environment, attempt, write_log
from wsgi_lambda.local_runtime.workers import Workers

log = logging.getLogger("wsgi_lambda")

#: What separates the head of a stream from its body.
#: https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html
_END_OF_HEAD = bytes(8)


class ChunkSource:
    """The chunks of one invocation: those of an iterator, or the JSON of any other result.

    A first chunk that is a mapping is the head. The handler is called by the first
    `next_chunk`, and each chunk is produced by its own.
    """

    def __init__(
        self, environment: Environment, payload: bytes, make_context: Callable[[], LambdaContext]
    ) -> None:
        self._call = partial(environment.call, payload, make_context)
        self._chunks: Iterator[Any] | None = None
        self._is_first = True

    def next_chunk(self, request_id: str) -> bytes | Outcome:
        """Return the next bytes, b"" at the end, or the error of the function."""
        return attempt(self._produce, request_id)

    def close(self) -> None:
        """Close the generator; nothing more is produced. An error of the generator is logged."""
        close = getattr(self._chunks, "close", None)
        self._chunks = iter(())
        if close is not None:
            try:
                close()
            except Exception:
                log.exception("the generator of a handler raised an error when it was closed")

    def _produce(self) -> bytes:
        if self._chunks is None:
            result = self._call()
            self._chunks = iter(())
            if not hasattr(result, "__next__"):
                return _bytes_of(encode(result))
            self._chunks = result
        for chunk in self._chunks:
            is_first, self._is_first = self._is_first, False
            if data := _encode_chunk(chunk, is_first=is_first):
                return data
        return b""


def _encode_chunk(chunk: object, *, is_first: bool) -> bytes:
    if is_first and isinstance(chunk, dict):
        return _bytes_of(encode(chunk)) + _END_OF_HEAD
    if not isinstance(chunk, (bytes, str)):
        text = f"a chunk must be bytes or str, not {type(chunk).__name__}"
        raise Fault("Runtime.MarshalError", f"Unable to marshal response: {text}")
    return _bytes_of(chunk)


def _bytes_of(data: bytes | str) -> bytes:
    return data if isinstance(data, bytes) else data.encode()


class HasRelease(Protocol):
    """The right to run, which is given back, immediately or at a time of `time.monotonic`."""

    def release(self) -> None: ...

    def release_at(self, end: float) -> None: ...


class StreamedRun:
    """A `ChunkSource` in a thread of its own, which cannot be stopped.

    It holds its turn only while it produces a chunk, and produces a chunk when the one
    before has been received. ``limit`` is the function's own timeout in seconds.
    ``make_context`` takes the deadline of the context, which is ``deadline`` or earlier.
    """

    def __init__(
        self,
        environment: Environment,
        payload: bytes,
        make_context: Callable[..., LambdaContext],
        request_id: str,
        *,
        deadline: float,
        limit: float | None,
        turn: HasRelease,
        take_turn: Callable[[], HasRelease],
    ) -> None:
        self._environment = environment
        self._request_id = request_id
        self._limit = math.inf if limit is None else limit
        self._turn = turn
        self._take_turn = take_turn
        self._source = ChunkSource(
            environment,
            payload,
            lambda: make_context(deadline=min(deadline, self._began + self._limit)),
        )
        self._began = self._ended = math.inf
        self._init: float | None = None
        self._ready: deque[bytes] = deque()
        self._outcome: Outcome | None = None
        self._last = Outcome(b"")
        self._is_closed = False
        self._changed = threading.Condition()

    def start(self, workers: Workers, name: str) -> None:
        """Start the handler; raises RuntimeError if the process cannot have another thread."""
        workers.start(name, self._work, self._finish)

    def receive(self, deadline: float) -> bytes | Outcome:
        """Return the next chunk, or how the function ended: with a result of b"", or an error.

        Raises TimeoutError at ``deadline``, a time of `time.monotonic`.
        """
        with self._changed:
            while not (self._ready or self._outcome or self._is_closed):
                end = min(deadline, self._began + self._limit)
                left = end - time.monotonic()
                if left <= 0:
                    return self._give_up(deadline, is_own=end < deadline)
                self._changed.wait(min(left, threading.TIMEOUT_MAX))
            if self._ready:
                chunk = self._ready.popleft()
                self._changed.notify_all()
                return chunk
            return self._outcome or Outcome(b"")

    def close(self, deadline: float) -> None:
        """Close the generator, as soon as it has produced its next chunk.

        If that takes longer than ``deadline``, a time of `time.monotonic`, or than the
        function's own timeout, it gives up its turn then.
        """
        with self._changed:
            self._is_closed = True
            self._turn.release_at(min(deadline, self._began + self._limit))
            self._changed.notify_all()

    @property
    def is_running(self) -> bool:
        """Whether the handler has not ended."""
        return self._outcome is None

    def write_log(self, version: str, outcome: Outcome) -> str:
        """Return the log of the invocation, which has ended with ``outcome``."""
        duration = min(self._ended, time.monotonic()) - self._began
        return write_log(self._request_id, version, outcome, duration=duration, init=self._init)

    def _give_up(self, deadline: float, *, is_own: bool) -> Outcome:
        self._is_closed = True
        self._changed.notify_all()
        self._turn.release()
        if not is_own:
            raise TimeoutError(f"no chunk before {deadline}")
        reason = f"Task timed out after {self._limit:.2f} seconds"
        return stopped("Sandbox.Timedout", reason, self._request_id)

    def _work(self) -> None:
        try:
            outcome = self._produce()
        except BaseException as error:  # noqa: BLE001 - it would end the runtime on AWS
            outcome = crashed(error, self._request_id)
        self._last, self._ended = outcome, time.monotonic()

    def _finish(self) -> None:
        self._turn.release()
        with self._changed:
            self._outcome = self._last
            self._changed.notify_all()

    def _produce(self) -> Outcome:
        is_first, started = not self._environment.is_ready, time.monotonic()
        try:
            failure = self._environment.prepare(self._request_id)
        finally:
            with self._changed:
                self._began = time.monotonic()
                self._init = self._began - started if is_first else None
                self._changed.notify_all()
        if failure is not None:
            return failure
        chunk = self._source.next_chunk(self._request_id)
        while isinstance(chunk, bytes) and chunk:
            self._turn.release()
            if not (self._hand_over(chunk) and self._go_on()):
                self._source.close()
                break
            chunk = self._source.next_chunk(self._request_id)
        return chunk if isinstance(chunk, Outcome) else Outcome(b"")

    def _hand_over(self, chunk: bytes) -> bool:
        """Wait until the chunk has been received; return False if nobody wants another."""
        with self._changed:
            self._ready.append(chunk)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._is_closed or not self._ready)
            return not self._is_closed

    def _go_on(self) -> bool:
        """Wait for another turn; return False if nobody wants another chunk any more."""
        turn = self._take_turn()
        with self._changed:
            self._turn = turn
            return not self._is_closed
