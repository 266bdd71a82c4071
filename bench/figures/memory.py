"""Measure the memory of a worker after 1000 requests, and with large bodies."""

from __future__ import annotations

import http.client
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from bench.payloads import LARGE, SMALL
from bench.run import Measured, Run
from bench.servers import ONE, SYNC, Server, serving

_CLIENTS = 16


def measure_resident(run: Run) -> Iterator[Measured]:
    """Yield `<contender>, RSS|PSS` (MB) of a fresh gthread worker of each after 1000 requests."""
    count = 160 if run.is_quick else 1000
    paths = {"constant": "/", "middleware": "/lambda1", "boto3": "/lambda1"}
    for _ in range(run.rounds):
        measured = {}
        for name in run.in_random_order(paths):
            with serving(name, ONE, run.environ) as server:
                body = run.body(SMALL).read_bytes() if paths[name] != "/" else None
                _send(server, paths[name], body, count)
                memory = server.memory()
            measured[f"{name}, RSS"] = memory["RSS"]
            measured[f"{name}, PSS"] = memory["PSS"]
        yield measured


def measure_large(run: Run) -> Iterator[Measured]:
    """Yield `<case>, <contender>, wall|peak RSS` (ms, MB) of a fresh sync worker for each."""
    cases = {"5 MB in": ("/lambda1", LARGE), "4 MB out": ("/large", SMALL)}
    contenders = [(case, name) for case in cases for name in ("middleware", "boto3")]
    for _ in range(run.rounds):
        measured = {}
        for case, name in run.in_random_order(contenders):
            path, size = cases[case]
            with serving(name, SYNC, run.environ) as server:
                body = run.body(size).read_bytes()
                measured[f"{case}, {name}, wall"] = _send_for(server, path, body, run.seconds)
                measured[f"{case}, {name}, peak RSS"] = server.memory()["peak RSS"]
        yield measured


def _send(server: Server, path: str, body: bytes | None, count: int) -> None:
    """Send ``count`` requests over sixteen connections."""

    def send_some(number: int) -> None:
        connection = _connection(server)
        for _ in range(number):
            _send_once(connection, path, body)
        connection.close()

    with ThreadPoolExecutor(_CLIENTS) as executor:
        list(executor.map(send_some, [count // _CLIENTS] * _CLIENTS))


def _send_for(server: Server, path: str, body: bytes, seconds: float) -> float:
    """Send requests sequentially for ``seconds``, at least three; return the median in ms."""
    connection, taken = _connection(server), []
    end = time.monotonic() + seconds
    while time.monotonic() < end or len(taken) < 3:
        started = time.perf_counter()
        _send_once(connection, path, body)
        taken.append((time.perf_counter() - started) * 1000)
    connection.close()
    return statistics.median(taken)


def _connection(server: Server) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)


def _send_once(connection: http.client.HTTPConnection, path: str, body: bytes | None) -> None:
    """Send a GET, or a POST of the JSON ``body``; raise unless the status is 200."""
    headers = {"Content-Type": "application/json"} if body else {}
    connection.request("POST" if body else "GET", path, body, headers)
    with connection.getresponse() as response:
        response.read()
    if response.status != 200:
        raise RuntimeError(f"{path}: status {response.status}")
