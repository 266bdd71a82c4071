"""Measure throughput and latency with more clients and larger payloads."""

from __future__ import annotations

from collections.abc import Iterator

from bench.load import Load, send_load
from bench.payloads import SMALL
from bench.run import Measured, Run
from bench.servers import FOUR, serving_all

CLIENTS = (1, 2, 4, 8, 16, 32, 64)
SIZES = (1_000, 10_000, 100_000, 1_000_000, 6_000_000)  # bytes of JSON
CONTENDERS = ("middleware", "boto3")
_CLIENTS_OF_SIZES = 4  # one for each worker


def measure(run: Run) -> Iterator[Measured]:
    """Yield `<n> clients|bytes, <contender>, requests/s|p50|p99` of each round; latencies in ms."""
    with serving_all(CONTENDERS, FOUR, run.environ) as servers:
        for _ in range(run.rounds):
            measured: Measured = {}
            for clients, size, point in _points(run):
                for name in run.in_random_order(CONTENDERS):
                    load = send_load(
                        servers[name],
                        "/lambda1",
                        run.environ,
                        clients=clients,
                        seconds=run.seconds,
                        body=run.body(size),
                    )
                    measured.update(_named(f"{point}, {name}", load))
            yield measured


def _points(run: Run) -> list[tuple[int, int, str]]:
    """Return clients, size and name of each point; a quick run has one of each kind."""
    by_clients = [(clients, SMALL, f"{clients} clients") for clients in CLIENTS]
    by_size = [(_CLIENTS_OF_SIZES, size, f"{size} bytes") for size in SIZES]
    return [by_clients[0], by_size[2]] if run.is_quick else by_clients + by_size


def _named(point: str, load: Load) -> Measured:
    return {
        f"{point}, requests/s": load.rate,
        f"{point}, p50": load.p50,
        f"{point}, p99": load.p99,
    }
