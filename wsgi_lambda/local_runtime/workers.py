"""Threads for handlers, each used again: one execution environment of Lambda has one thread.

A module may keep what belongs to the thread that has loaded it: a connection of sqlite3,
an event loop of asyncio, thread-locals.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import queue  # gevent replaces its names, after a preloaded app has been imported
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple


class _Job(NamedTuple):
    name: str
    work: Callable[[], None]
    finish: Callable[[], None]


class _Idle:
    """The idle threads of a process by their queues, and whether threads shall end."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.queues: list[queue.SimpleQueue[_Job | None]] = []
        self.is_closed = False

    def close(self) -> None:
        self.is_closed = True
        for jobs in self.queues:
            jobs.put(None)


class Workers:
    """Daemon threads, which end with this object. Nobody waits for one that is busy or hangs."""

    def __init__(self) -> None:
        self._idle = self._make_idle()

    def start(self, name: str, work: Callable[[], None], finish: Callable[[], None]) -> None:
        """Call ``work`` in an idle or a new thread, with an empty context: no `flask.g`.

        Then the thread is idle again, and calls ``finish``, which tells others so.
        Neither may raise. ``name`` becomes the name of the thread. Raises RuntimeError
        if the process cannot have another thread.
        """
        if self._idle.pid != os.getpid():  # a child does not have its parent's threads
            self._idle = self._make_idle()
        try:
            jobs = self._idle.queues.pop()
        except IndexError:
            jobs = queue.SimpleQueue()
            threading.Thread(target=_serve, args=(jobs, self._idle), name=name, daemon=True).start()
        jobs.put(_Job(name, work, finish))

    def _make_idle(self) -> _Idle:
        idle = _Idle()
        weakref.finalize(self, idle.close).atexit = False
        return idle


def _serve(jobs: queue.SimpleQueue[_Job | None], idle: _Idle) -> None:
    loop = _make_loop()
    while (job := jobs.get()) is not None:
        threading.current_thread().name = job.name
        contextvars.Context().run(job.work)
        idle.queues.append(jobs)
        job.finish()
        del job  # it may be the last reference to an app
        if idle.is_closed:
            jobs.put(None)
    if loop is not None:
        loop.close()


def _make_loop() -> asyncio.AbstractEventLoop | None:
    """Make the event loop of this thread. Only the main one, which Lambda uses, has one."""
    with suppress(OSError, RuntimeError):  # too many files, or tests without sockets
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        return loop
    return None
