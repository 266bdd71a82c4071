"""List the figures that the bench can measure; each is a function in this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bench.figures import (
    direct,
    growth,
    imports,
    in_app,
    memory,
    observing,
    streaming,
    throughput,
)
from bench.run import Measured, Run


@dataclass(frozen=True, slots=True)
class Figure:
    """A measurement, which yields one `Measured` per round, and the programs it needs."""

    text: str
    measure: Callable[[Run], Iterator[Measured]]
    needs: tuple[str, ...] = ()


#: By their names in `--only`, in the order in which they are measured.
FIGURES = {
    "throughput": Figure(
        "requests/s and latency under gunicorn",
        throughput.measure,
        ("nginx", "wrk", "boto3"),
    ),
    "cpu": Figure("CPU of one invoke", direct.cpu, ("nginx", "boto3")),
    "in-app": Figure("functions as views of an app", in_app.measure),
    "observers": Figure("observers and the access log", observing.measure),
    "unobserved": Figure("an app that nobody observes", observing.measure_unobserved),
    "pass-through": Figure("a request without a route", direct.pass_through),
    "connections": Figure("TLS connections of 64 threads", direct.connections, ("nginx",)),
    "handshakes": Figure("CPU of a new connection", direct.handshakes, ("nginx",)),
    "hang-ups": Figure("connections closed while idle", direct.hang_ups, ("nginx",)),
    "memory": Figure("a worker's memory", memory.measure_resident, ("nginx", "boto3")),
    "imports": Figure("time to import", imports.measure, ("boto3",)),
    "large": Figure("large bodies", memory.measure_large, ("nginx", "boto3")),
    "bodies": Figure("memory of one large body", direct.bodies, ("nginx",)),
    "streams": Figure("responses that stream", streaming.measure, ("nginx", "boto3")),
    "stream memory": Figure("memory of a stream", streaming.measure_memory, ("nginx",)),
    "growth": Figure("1 to 64 clients, 1 kB to 6 MB", growth.measure, ("nginx", "wrk", "boto3")),
}
