"""Send load with wrk, which keeps a number of connections busy."""

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

# seconds; wrk prints nothing if it is interrupted before its first request
_LEAST = 0.25
_SCRIPT = Path(__file__).with_name("load.lua")


class LoadFailed(Exception):
    """wrk did not run, or received error responses."""


@dataclass(frozen=True, slots=True)
class Load:
    """The measurements of wrk: requests/s, and latencies in milliseconds."""

    rate: float
    p50: float
    p99: float


def wrk_program() -> str | None:
    return shutil.which("wrk", path=SEARCH_PATH)


def send_load(
    server: Server,
    path: str,
    environ: Mapping[str, str],
    *,
    clients: int,
    seconds: float,
    body: Path | None = None,
) -> Load:
    """Send requests from ``clients`` connections for ``seconds``, without pauses.

    With a ``body`` they are POSTs of the JSON in that file. Raises `LoadFailed`
    for an error response, or if no response came in 64 times ``seconds``.
    """
    seconds = max(seconds, _LEAST)
    for longer in (1, 4, 16, 64):
        load = _load_once(server, path, environ, clients, seconds * longer, body)
        if load is not None:
            return load
    raise LoadFailed(f"{path}: no response in {seconds * longer} s")


def _load_once(
    server: Server,
    path: str,
    environ: Mapping[str, str],
    clients: int,
    seconds: float,
    body: Path | None,
) -> Load | None:
    command = [wrk_program() or "wrk", "--threads", str(min(2, clients))]
    command += ["--connections", str(clients), "--timeout", "30s", "--latency"]
    # wrk accepts whole seconds only, but ends properly when interrupted.
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
    """Return the results in the last line of wrk's ``output``, or None if no response came."""
    try:
        results = json.loads(output.strip().splitlines()[-1])
    except (IndexError, ValueError):
        raise LoadFailed(f"wrk did not run:\n{output}") from None
    if results["failed"] or results["broken"]:
        raise LoadFailed(
            f"of {results['requests']} responses {results['failed']} were errors, "
            f"{results['broken']} connections broke"
        )
    if not results["requests"]:
        return None
    rate = results["requests"] / results["duration"] * 1e6
    return Load(rate, results["p50"] / 1e3, results["p99"] / 1e3)
