"""Start programs, and end them with all of their child processes."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

PATIENCE = 20.0  # seconds until a program must respond for the first time
GRACE = 8.0  # seconds for a program to end after SIGTERM


class ProgramEnded(Exception):
    """A program that the demo needs ended, or did not respond in time."""


@contextlib.contextmanager
def running(
    command: Sequence[str], environ: Mapping[str, str], **options: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``command`` as long as the context lasts.

    It gets its own process group. A terminal sends Ctrl-C to the whole foreground
    group, but the demo must choose the order in which its programs end.
    """
    # A signal during Popen would leave a process that nobody ends.
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
            process.wait(GRACE)
        # SIGKILL for the processes of the group that ignored SIGTERM.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class UnixConnection(http.client.HTTPConnection):
    """HTTP over the Unix socket ``path``."""

    def __init__(self, path: Path, timeout: float = PATIENCE) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def wait_until_ready(
    process: subprocess.Popen[bytes], server: int | Path, path: str, why: Callable[[], str]
) -> None:
    """Return when GET ``path`` has the status 200.

    ``server`` is a port of 127.0.0.1 or a Unix socket.

    Raises `ProgramEnded` with the text of ``why`` if the process ends or does not
    respond in time.
    """
    end = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < end:
        with (
            contextlib.closing(_connection(server)) as connection,
            contextlib.suppress(OSError, http.client.HTTPException),
        ):
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        time.sleep(0.05)
    raise ProgramEnded(why())


def _connection(server: int | Path) -> http.client.HTTPConnection:
    if isinstance(server, Path):
        return UnixConnection(server)
    return http.client.HTTPConnection("127.0.0.1", server, timeout=PATIENCE)


def _hold_signals() -> Callable[[], None]:
    """Hold back signals; return a function that delivers them and restores the handlers."""
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
