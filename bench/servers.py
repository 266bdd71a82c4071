"""Run contenders under gunicorn, each in its own processes, and read their memory."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.environment import PROJECT
from sample_app.processes import running, wait_until_ready


@dataclass(frozen=True, slots=True)
class Kind:
    """A way to run gunicorn; no threads means the sync worker."""

    text: str
    workers: int
    threads: int
    clients: int  # enough to keep it busy


SYNC = Kind("sync ×1", workers=1, threads=0, clients=4)
ONE = Kind("gthread 1×16", workers=1, threads=16, clients=16)
FOUR = Kind("gthread 4×16", workers=4, threads=16, clients=64)


@dataclass(frozen=True, slots=True)
class Server:
    """A running contender."""

    port: int
    pid: int  # of gunicorn's master

    def worker(self) -> int:
        """Return the process id of the (first) worker."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return int(children.split()[0])

    def cpu(self) -> float:
        """Return the CPU time that the worker's threads have used, in seconds."""
        # Nanoseconds; the times in /proc/PID/stat are hundredths of a second.
        threads = Path(f"/proc/{self.worker()}/task").glob("*/schedstat")
        return sum(int(each.read_text().split()[0]) for each in threads) / 1e9

    def memory(self) -> dict[str, float]:
        """Return the worker's RSS now, its highest RSS and its PSS, in MB."""
        process = Path(f"/proc/{self.worker()}")
        status = (process / "status").read_text()
        rollup = (process / "smaps_rollup").read_text()
        return {
            "RSS": _megabytes("VmRSS", status),
            "peak RSS": _megabytes("VmHWM", status),
            "PSS": _megabytes("Pss", rollup),
        }


def _megabytes(name: str, text: str) -> float:
    found = re.search(rf"^{name}:\s+(\d+) kB$", text, re.MULTILINE)
    if found is None:
        raise ValueError(f"/proc has no {name}")
    return int(found[1]) * 1024 / 1e6


@contextlib.contextmanager
def serving(
    contender: str, kind: Kind, environ: Mapping[str, str], module: str = "contenders"
) -> Iterator[Server]:
    """Run a contender under gunicorn; if it does not start, the error contains its output."""
    with serving_all([contender], kind, environ, module) as servers:
        yield servers[contender]


@contextlib.contextmanager
def serving_all(
    contenders: Iterable[str],
    kind: Kind,
    environ: Mapping[str, str],
    module: str = "contenders",
) -> Iterator[dict[str, Server]]:
    """Run several contenders of a module, started concurrently; idle ones cost nothing."""
    with contextlib.ExitStack() as stack:
        started = {
            name: stack.enter_context(_started(f"bench.{module}:make('{name}')", kind, environ))
            for name in contenders
        }
        servers = {name: wait() for name, wait in started.items()}
        try:
            yield servers
        finally:
            # Stop all concurrently; each context then waits for its own process.
            for server in servers.values():
                os.kill(server.pid, signal.SIGTERM)


@contextlib.contextmanager
def _started(app: str, kind: Kind, environ: Mapping[str, str]) -> Iterator[Callable[[], Server]]:
    """Start a contender; yield a function that waits until it responds."""
    with contextlib.ExitStack() as stack:
        # Its own folder: the name of gunicorn's control socket is always the same.
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="gunicorn-", dir=environ["HOME"])
        )
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=1024))
        log = stack.enter_context((Path(folder) / "log").open("w+b"))
        process = stack.enter_context(
            running(
                _command(app, kind, listener.fileno()),
                {**environ, "BENCH_THREADS": str(kind.threads or 1), "XDG_RUNTIME_DIR": folder},
                cwd=PROJECT,
                pass_fds=[listener.fileno()],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        )
        port = listener.getsockname()[1]
        # Close ours, so that connections to a dead gunicorn fail immediately.
        listener.close()

        def wait() -> Server:
            wait_until_ready(process, port, "/", (Path(folder) / "log").read_text)
            return Server(port, process.pid)

        yield wait


def _command(app: str, kind: Kind, descriptor: int) -> list[str]:
    command = [sys.executable, "-m", "gunicorn", app]
    command += ["--bind", f"fd://{descriptor}", "--workers", str(kind.workers)]
    command += ["--worker-class", "gthread" if kind.threads else "sync"]
    command += ["--threads", str(kind.threads or 1), "--timeout", "120"]
    return [*command, "--graceful-timeout", "1", "--log-level", "warning"]
