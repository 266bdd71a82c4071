"""Measure observers, each round in a new Python process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

from bench.environment import PROJECT
from bench.figures.direct import CallsFailed
from bench.run import Measured, Run
from sample_app.processes import running


def measure(run: Run) -> Iterator[Measured]:
    return _measure("bench.observing", run)


def measure_unobserved(run: Run) -> Iterator[Measured]:
    return _measure("bench.unobserved", run)


def _measure(module: str, run: Run) -> Iterator[Measured]:
    for _ in range(run.rounds):
        command = [sys.executable, "-m", module, str(run.seconds)]
        with running(command, run.environ, cwd=PROJECT, stdout=subprocess.PIPE) as process:
            output, _ = process.communicate()
        if process.returncode:
            raise CallsFailed(f"`{' '.join(command[1:])}` ended with {process.returncode}")
        yield json.loads(output)
