"""Start a program and be sure that it, and all that it started, ends with us."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

PATIENCE = 20.0  # seconds for a program to answer for the first time
FAREWELL = 8.0  # seconds for a program to end by itself


class ProgramEnded(Exception):
    """A program that the demo needs is gone, or never came to answer."""


@contextlib.contextmanager
def running(
    command: Sequence[str], environ: Mapping[str, str], **options: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``command`` for as long as the context lasts.

    It has a process group of its own: Ctrl-C in a terminal goes to the whole
    group in front, and the order in which programs end is ours to choose.
    """
    # Interrupted in the middle of Popen, we would never know what we started.
    release = _hold_signals()
    try:
        process = subprocess.Popen(command, env=environ, process_group=0, **options)
    except BaseException:
        release()
        raise
    try:
        release()
        yield process
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(FAREWELL)
        # Whoever of the group is left did not listen, its leader included.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until_ready(
    process: subprocess.Popen[bytes], port: int, path: str, why: Callable[[], str]
) -> None:
    """Return as soon as GET ``path`` on 127.0.0.1 is answered 200.

    Raises `ProgramEnded`, with the text of ``why``, where that does not come.
    """
    end = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < end:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        with (
            contextlib.closing(connection),
            contextlib.suppress(OSError, http.client.HTTPException),
        ):
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        time.sleep(0.05)
    raise ProgramEnded(why())


def _hold_signals() -> Callable[[], None]:
    """Keep back what would interrupt us, until the function that is returned is called."""
    if threading.current_thread() is not threading.main_thread():
        return lambda: None
    arrived: list[int] = []
    before = {
        number: signal.signal(number, lambda number, frame: arrived.append(number))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }

    def release() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in arrived:
            signal.raise_signal(number)

    return release
