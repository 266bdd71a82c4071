"""Measure the time to import and create a client, in a fresh Python process."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

from bench.environment import PROJECT
from bench.run import Measured, Run

_STARTS = 5  # of each program in a round; the median counts
_CLIENTS = {
    "middleware": "from wsgi_lambda import LambdaMiddleware as M\n"
    "M(None, {'routes': {'/f': {'function_name': 'f'}}})",
    "boto3": "import boto3; boto3.client('lambda')",
    "requests": "import requests, requests_aws4auth",
}
#: Programs without a client, whose time is subtracted.
_PROCESSES = {"": "pass", " in Flask": "import flask"}
_PROGRAMS = {
    f"{client}{process}": f"{first}\n{then}"
    for process, first in _PROCESSES.items()
    for client, then in {"none": "", **_CLIENTS}.items()
}


def measure(run: Run) -> Iterator[Measured]:
    """Yield `<client>, CPU|wall` in milliseconds, minus a process without a client.

    `<client> in Flask` is the same in a process that has imported Flask.
    """
    if not run.is_quick:
        for program in _PROGRAMS.values():
            _start(run, program)  # compile byte code, cache files
    for _ in range(run.rounds):
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in _PROGRAMS}
        for _ in range(1 if run.is_quick else _STARTS):
            for name in run.in_random_order(_PROGRAMS):
                taken[name].append(_start(run, _PROGRAMS[name]))
        yield {
            f"{client}{process}, {what}": _median(taken[f"{client}{process}"], index)
            - _median(taken[f"none{process}"], index)
            for process in _PROCESSES
            for client in _CLIENTS
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
