"""The load: wrk, which keeps a number of connections busy for a while."""

from __future__ import annotations

import contextlib
import json
import math
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.environment import SEARCH_PATH
from bench.servers import Server
from sample_app.processes import running

# seconds; interrupted before it has begun, wrk says nothing at all
_LEAST = 0.25
_SCRIPT = Path(__file__).with_name("load.lua")


class LoadFailed(Exception):
    """wrk did not run, or got answers that are no 200."""


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk saw: requests/s, and latencies in milliseconds."""

    rate: float
    p50: float
    p99: float


def wrk_program() -> str | None:
    return shutil.which("wrk", path=SEARCH_PATH)


def press(
    server: Server,
    path: str,
    environ: Mapping[str, str],
    *,
    clients: int,
    seconds: float,
    body: Path | None = None,
) -> Load:
    """Send requests of ``clients`` for so long, each the next as soon as it has its answer.

    With a ``body`` they are POSTs of the JSON in that file. Raises `LoadFailed`
    where an answer was an error, or none came however long it was tried.
    """
    seconds = max(seconds, _LEAST)
    for longer in (1, 4, 16):
        load = _press_once(server, path, environ, clients, seconds * longer, body)
        if load is not None:
            return load
    raise LoadFailed(f"{path} was not answered in {seconds * longer} s")


def _press_once(
    server: Server,
    path: str,
    environ: Mapping[str, str],
    clients: int,
    seconds: float,
    body: Path | None,
) -> Load | None:
    command = [wrk_program() or "wrk", "--threads", str(min(2, clients))]
    command += ["--connections", str(clients), "--timeout", "30s", "--latency"]
    # It takes whole seconds only; an interrupt ends it in good order at any time.
    command += ["--duration", f"{math.ceil(seconds) + 60}s", "--script", str(_SCRIPT)]
    command += [f"http://127.0.0.1:{server.port}{path}", "--"]
    command += ["POST", str(body)] if body else ["GET"]
    with running(command, environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        process.send_signal(signal.SIGINT)
        output = process.communicate(timeout=60)[0].decode()
    return read_output(output)


def read_output(output: str) -> Load | None:
    """Return what the last line of wrk's ``output`` tells, None where no answer came in time."""
    try:
        told = json.loads(output.strip().splitlines()[-1])
    except (IndexError, ValueError):
        raise LoadFailed(f"wrk did not run:\n{output}") from None
    if told["failed"] or told["broken"]:
        raise LoadFailed(
            f"of {told['requests']} answers {told['failed']} were errors, "
            f"{told['broken']} connections broke"
        )
    if not told["requests"]:
        return None
    rate = told["requests"] / told["duration"] * 1e6
    return Load(rate, told["p50"] / 1e3, told["p99"] / 1e3)
