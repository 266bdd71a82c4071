"""Measure direct WSGI calls, each round in a new Python process; see `bench.calls`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

from bench.environment import PROJECT
from bench.run import Measured, Run
from sample_app.processes import running


class CallsFailed(Exception):
    """The process that makes the calls ended with an error."""


def cpu(run: Run) -> Iterator[Measured]:
    return _rounds(run, "cpu")


def pass_through(run: Run) -> Iterator[Measured]:
    return _rounds(run, "pass_through")


def connections(run: Run) -> Iterator[Measured]:
    return _rounds(run, "connections")


def handshakes(run: Run) -> Iterator[Measured]:
    return _rounds(run, "handshakes")


def bodies(run: Run) -> Iterator[Measured]:
    return _rounds(run, "bodies")


def hang_ups(run: Run) -> Iterator[Measured]:
    return _rounds(run, "hang_ups")


def _rounds(run: Run, function: str) -> Iterator[Measured]:
    for _ in range(run.rounds):
        command = [sys.executable, "-m", "bench.calls", function, str(run.seconds)]
        with running(command, run.environ, cwd=PROJECT, stdout=subprocess.PIPE) as process:
            output, _ = process.communicate()
        if process.returncode:
            raise CallsFailed(f"`{' '.join(command[1:])}` ended with {process.returncode}")
        yield json.loads(output)
