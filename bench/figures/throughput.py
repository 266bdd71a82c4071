"""Measure requests/s and latency of all contenders under three kinds of gunicorn."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import astuple, replace

from bench.load import Load, send_load
from bench.payloads import SMALL
from bench.run import Measured, Run
from bench.servers import FOUR, ONE, SYNC, Kind, Server, serving_all

#: The app and the path of each contender.
REQUESTED = {
    "middleware": ("middleware", "/lambda1"),
    "boto3": ("boto3", "/lambda1"),
    "requests": ("requests", "/lambda1"),
    "constant": ("constant", "/"),
    "pass-through": ("middleware", "/"),
}


KINDS = (SYNC, ONE, FOUR)


def measure(run: Run) -> Iterator[Measured]:
    """Yield `<kind>, <contender>, requests/s|p50|p99` of each round; latencies in ms."""
    rounds: list[Measured] = [{} for _ in range(run.rounds)]
    for kind in map(_shortened, KINDS) if run.is_quick else KINDS:
        with serving_all(["middleware", "boto3", "requests", "constant"], kind, run.environ) as up:
            if not run.is_quick:
                _load_all(run, kind, up)  # warm up: workers import the app, pools fill
            for measured in rounds:
                measured.update(_load_all(run, kind, up))
    yield from rounds


def _shortened(kind: Kind) -> Kind:
    """Return ``kind`` for a quick run, which takes most of its time to start workers."""
    return replace(kind, workers=min(kind.workers, 2), clients=min(kind.clients, 8))


def _load_all(run: Run, kind: Kind, servers: dict[str, Server]) -> Measured:
    measured = {}
    for name in run.in_random_order(REQUESTED):
        app, path = REQUESTED[name]
        load = _load_kind(run, kind, servers[app], path)
        measured[f"{kind.text}, {name}, requests/s"] = load.rate
        measured[f"{kind.text}, {name}, p50"] = load.p50
        measured[f"{kind.text}, {name}, p99"] = load.p99
    return measured


def _load_kind(run: Run, kind: Kind, server: Server, path: str) -> Load:
    """Return the mean of one measurement per worker, each with new connections.

    The kernel assigns connections to workers unevenly: in a single measurement
    a worker may have none.
    """
    repeats = 1 if run.is_quick else kind.workers
    loads = [
        send_load(
            server,
            path,
            run.environ,
            clients=kind.clients,
            seconds=run.seconds / repeats,
            body=run.body(SMALL) if path != "/" else None,
        )
        for _ in range(repeats)
    ]
    means = [statistics.mean(column) for column in zip(*map(astuple, loads), strict=True)]
    return Load(*means)
