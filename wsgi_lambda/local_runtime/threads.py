"""Run a handler in a thread of its own, with time limits."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from functools import partial

from wsgi_lambda.local_runtime.context import LambdaContext
from wsgi_lambda.local_runtime.faults import Outcome, crashed, stopped
from wsgi_lambda.local_runtime.run import Environment, write_log
from wsgi_lambda.local_runtime.workers import Workers


class ThreadedRun:
    """One invocation of a handler, in a thread that cannot be stopped.

    ``deadline`` is a time of `time.monotonic`, ``limit`` the function's own timeout
    in seconds (None: no limit), which begins when the handler is loaded.
    ``make_context`` takes the deadline of the context. ``release`` is called once
    the handler has ended or one of the two has passed, possibly twice.
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
        release: Callable[[], None],
    ) -> None:
        self._environment = environment
        self._payload = payload
        self._make_context = make_context
        self._request_id = request_id
        self._deadline = deadline
        self._limit = math.inf if limit is None else limit
        self._release = release
        self._outcome: Outcome | None = None
        self._init: float | None = None
        self._began = self._ended = math.inf
        self._has_begun, self._has_ended = threading.Event(), threading.Event()

    def start(self, workers: Workers, name: str) -> None:
        """Start the handler; raises RuntimeError if the process cannot have another thread."""
        workers.start(name, self._work, self._finish)

    def wait(self) -> Outcome | None:
        """Return the outcome, or None if the deadline has passed.

        An outcome that is late is dropped, even if it exists: under gevent, nobody can
        look at the clock while a handler computes.
        """
        self._has_begun.wait(max(0.0, self._deadline - time.monotonic()))
        end = self._end
        self._has_ended.wait(max(0.0, end - time.monotonic()))
        if self._outcome is not None and self._ended <= end:
            return self._outcome
        self._release()
        if end == self._deadline:
            return None
        reason = f"Task timed out after {self._limit:.2f} seconds"
        return stopped("Sandbox.Timedout", reason, self._request_id)

    @property
    def is_running(self) -> bool:
        """Whether the handler has not ended."""
        return self._outcome is None

    def write_log(self, version: str, outcome: Outcome) -> str:
        """Return the log of the invocation, whose outcome `wait` has returned."""
        duration = min(self._ended, self._end) - self._began
        return write_log(self._request_id, version, outcome, duration=duration, init=self._init)

    @property
    def _end(self) -> float:
        return min(self._deadline, self._began + self._limit)

    def _work(self) -> None:
        try:
            outcome = self._run()
        except BaseException as error:  # noqa: BLE001 - it would end the runtime on AWS
            outcome = crashed(error, self._request_id)
        self._ended = time.monotonic()
        self._outcome = outcome

    def _finish(self) -> None:
        self._release()
        self._has_begun.set()
        self._has_ended.set()

    def _run(self) -> Outcome:
        is_first, started = not self._environment.is_ready, time.monotonic()
        try:
            failure = self._environment.prepare(self._request_id)
        finally:
            self._began = time.monotonic()
            self._init = self._began - started if is_first else None
            self._has_begun.set()
        if failure is not None:
            return failure
        make_context = partial(self._make_context, deadline=self._end)
        return self._environment.run(self._payload, make_context, self._request_id)
