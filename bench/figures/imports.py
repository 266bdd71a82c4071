"""How much a process takes to have a client: CPU of a fresh Python over a bare one's."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

from bench.environment import PROJECT
from bench.run import Measured, Run

_STARTS = 5  # of each in a round, whose median counts
_PROGRAMS = {
    "bare": "pass",
    "middleware": "from wsgi_lambda import LambdaMiddleware as M\n"
    "M(None, {'routes': {'/f': {'function_name': 'f'}}})",
    "boto3": "import boto3; boto3.client('lambda')",
}


def measure(run: Run) -> Iterator[Measured]:
    """Yield `<contender>, CPU|wall` in milliseconds, beyond those of a Python that does nothing."""
    for program in _PROGRAMS.values():
        _start(run, program)  # byte code is compiled, files are in memory
    for _ in range(run.rounds):
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in _PROGRAMS}
        for _ in range(1 if run.is_quick else _STARTS):
            for name in run.in_random_order(_PROGRAMS):
                taken[name].append(_start(run, _PROGRAMS[name]))
        yield {
            f"{name}, {what}": _median(taken[name], index) - _median(taken["bare"], index)
            for name in ("middleware", "boto3")
            for index, what in enumerate(("CPU", "wall"))
        }


def _median(taken: list[tuple[float, float]], index: int) -> float:
    return statistics.median(times[index] for times in taken)


def _start(run: Run, program: str) -> tuple[float, float]:
    """Return CPU and wall time of a fresh Python that runs ``program``, in milliseconds."""
    before, started = _children_cpu(), time.perf_counter()
    subprocess.run([sys.executable, "-c", program], env=run.environ, cwd=PROJECT, check=True)
    wall = time.perf_counter() - started
    return (_children_cpu() - before) * 1000, wall * 1000


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
