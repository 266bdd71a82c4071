"""Measure what a call costs: CPU, memory, and how long it keeps the interpreter to itself."""

from __future__ import annotations

import gc
import io
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one call: seconds of CPU, of the longest hold, and bytes at the peak."""

    cpu: float
    hold: float
    peak: int


class Heart:
    """A thread that always wants to run, and notes how long the caller kept it from running.

    The unit is the CPU time of the caller's thread, so other programs on the
    machine do not matter: CPython makes a thread that lets go of the interpreter
    wait until the other one has taken it.
    """

    def __init__(self) -> None:
        self.longest = 0.0
        self._clock = time.pthread_getcpuclockid(threading.get_ident())
        self._ended = False
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Heart:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = True
        self._thread.join()

    def _beat(self) -> None:
        last = time.clock_gettime(self._clock)
        while not self._ended:
            now = time.clock_gettime(self._clock)
            self.longest = max(self.longest, now - last)
            last = now


@contextmanager
def undisturbed() -> Iterator[None]:
    """Keep the garbage collector from looking at what the process contains already."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def longest_hold(call: Callable[[], object]) -> float:
    """Return the longest time, in seconds of CPU, for which no other thread could run."""
    with undisturbed(), Heart() as heart:
        call()
    return heart.longest


def seconds(call: Callable[[], object]) -> float:
    """Return the CPU time of a call."""
    started = time.thread_time()
    call()
    return time.thread_time() - started


def peak(call: Callable[[], object]) -> int:
    """Return the most bytes that were allocated at any time during a call."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def cost(call: Callable[[], object]) -> Cost:
    """Return the cost of a call that can be made several times."""
    return Cost(seconds(call), longest_hold(call), peak(call))


def post(body: bytes, content_type: str) -> dict[str, Any]:
    """Return the environ of a POST, whose body can be read once."""
    return {
        "REQUEST_METHOD": "POST",
        "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.url_scheme": "http",
        "SERVER_NAME": "a.test",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.input": io.BytesIO(body),
    }
