"""Call WSGI apps and clients directly in this process: `python -m bench.calls cpu 3`.

Prints the measurements of one round as JSON. The calls are made in one thread
unless a docstring names more, with the garbage collector on. Contenders
take turns in batches, in random order.
"""

from __future__ import annotations

import gc
import io
import json
import random
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from bench.contenders import boto3_client, boto3_view, requests_post, wrap
from bench.environment import REGION, StubAddress
from bench.floor import Floor
from bench.payloads import LARGEST, SMALL, json_body
from bench.stub import read_counts

ROUTES = (1, 10, 100, 1000)
_THREADS = 64

Call = Callable[[], object]


def cpu(address: StubAddress, seconds: float) -> dict[str, float]:
    """CPU of one invocation in µs: complete WSGI calls, and bare clients."""
    event = json_body(SMALL)
    client, post, floor = (
        boto3_client(address, 1),
        requests_post(address),
        Floor(address, address.port),
    )
    return costs(
        {
            "middleware": invoking(wrap(None, address, address.port), event),
            "boto3 view": invoking(boto3_view(address, 1), event),
            "boto3 client": lambda: _invoke(client, event),
            "requests post": lambda: post("MyLambda", event),
            "floor": lambda: floor.invoke(event),
        },
        seconds=seconds,
        batch=50,
    )


def _invoke(client: Any, event: bytes) -> bytes:
    payload: bytes = client.invoke(FunctionName="MyLambda", Payload=event)["Payload"].read()
    return payload


def pass_through(address: StubAddress, seconds: float) -> dict[str, float]:  # noqa: ARG001
    """The extra CPU of a request without a route, compared with no middleware, in ns.

    The routes have different first segments. In `shared`, all of them begin with
    the first segment of the request.
    """
    names = {f"{n} routes": [_path(i) for i in range(n)] for n in ROUTES}
    names["100 routes, shared"] = [f"/shop/route{i}" for i in range(100)]
    calls = {"bare": calling(_empty)}
    calls |= {name: calling(_wrapped(paths)) for name, paths in names.items()}
    taken = costs(calls, seconds=seconds, batch=2000)
    return {name: (taken[name] - taken["bare"]) * 1000 for name in names}


def _empty(environ: Any, start_response: Any) -> Iterable[bytes]:  # noqa: ARG001
    return ()


def _path(number: int) -> str:
    """Return the path of a route; every second one is a template."""
    return f"/route{number}" + ("/{id}" if number % 2 else "")


def _wrapped(paths: list[str]) -> Callable[..., Iterable[bytes]]:
    from wsgi_lambda import LambdaMiddleware

    routes = {path: {"function_name": "MyLambda"} for path in paths}
    return LambdaMiddleware(_empty, {"aws_region": REGION, "routes": routes})


def calling(app: Callable[..., Any]) -> Call:
    """Return a function that requests a page of the app."""
    environ, start_response = to_environ("GET", "/shop/basket", b""), lambda *_: None
    return lambda: app(environ, start_response)


def connections(address: StubAddress, seconds: float) -> dict[str, float]:
    """New TLS connections per 1000 invocations of 64 threads with a warm pool."""
    app, event = wrap(None, address, address.port), json_body(SMALL)
    each = max(16, round(16 * seconds))
    with ThreadPoolExecutor(_THREADS) as threads:
        # Slow enough for all threads to invoke concurrently.
        _all_invoke(threads, invoking(app, event, path="/slow"), 1)
        before = read_counts(address)
        _all_invoke(threads, invoking(app, event), each)
        # Reading the counts opens a connection, too.
        opened = read_counts(address).accepted - before.accepted - 1
    return {"per 1000": opened * 1000 / (_THREADS * each)}


def _all_invoke(threads: ThreadPoolExecutor, invoke: Call, each: int) -> None:
    list(threads.map(lambda _: [invoke() for _ in range(each)], range(_THREADS)))


def handshakes(address: StubAddress, seconds: float) -> dict[str, float]:
    """CPU of a new connection in µs: an invocation with a new one minus one with a kept one."""
    event = json_body(SMALL)
    calls: dict[str, Call] = {}
    for name, port in (("kept", address.port), ("new", address.closing_port)):
        calls[f"middleware {name}"] = invoking(wrap(None, address, port), event)
        calls[f"floor {name}"] = partial(Floor(address, port).invoke, event)
    taken = costs(calls, seconds=seconds, batch=10)
    return {name: taken[f"{name} new"] - taken[f"{name} kept"] for name in ("middleware", "floor")}


def bodies(address: StubAddress, seconds: float) -> dict[str, float]:  # noqa: ARG001
    """Peak memory of Python during a request with a large body, in MB (tracemalloc).

    The middleware runs alone, around no app. Memory allocated before the request,
    including the request body, does not count; the response body does.
    """
    app = wrap(None, address, address.port)
    calls = {
        "6 MB in, parsed": invoking(app, json_body(LARGEST)),
        "6 MB out": invoking(app, json_body(SMALL), path="/largest"),
    }
    return {name: _peak(call) for name, call in calls.items()}


def _peak(call: Call) -> float:
    call()  # connect, import, fill caches
    gc.collect()
    tracemalloc.start()
    call()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 1e6


def hang_ups(address: StubAddress, seconds: float) -> dict[str, float]:
    """Failures and repeated invocations of 16 threads whose kept connections were closed."""
    invoke = invoking(wrap(None, address, address.idle_port), json_body(SMALL), is_strict=False)
    times, width = max(2, round(3 * seconds)), 16
    statuses: list[object] = []
    reads = 1
    before = read_counts(address)
    with ThreadPoolExecutor(width) as threads:
        for _ in range(times):
            statuses += threads.map(lambda _: invoke(), range(width))
            reads += _until_all_closed(address)
    ran = read_counts(address).requests - before.requests - reads
    failed = sum(status != "200 OK" for status in statuses)
    return {"failures": failed, "run twice": ran - (len(statuses) - failed)}


def _until_all_closed(address: StubAddress) -> int:
    """Wait until no other connection is open; return how often the counts were read."""
    reads = 1
    while read_counts(address).open > 1:
        reads += 1
        time.sleep(0.05)
    return reads


def to_environ(method: str, path: str, body: bytes) -> dict[str, Any]:
    """Return the environ of a request, like gunicorn's."""
    return {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "RAW_URI": path,
        "QUERY_STRING": "",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1:8000",
        "HTTP_ACCEPT": "*/*",
        "HTTP_USER_AGENT": "bench",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
    }


def invoking(
    app: Callable[..., Any], body: bytes, *, path: str = "/lambda1", is_strict: bool = True
) -> Call:
    """Return a function that makes a complete WSGI call of ``app`` and returns the status.

    It reads the body to the end. With ``is_strict`` it raises unless the status is 200.
    """
    template = to_environ("POST", path, body)

    def call() -> str:
        statuses: list[str] = []
        environ = {**template, "wsgi.input": io.BytesIO(body)}
        for _ in app(environ, lambda *given: statuses.append(given[0])):
            pass
        if is_strict and statuses != ["200 OK"]:
            raise RuntimeError(f"the statuses were {statuses}")
        return statuses[0]

    return call


def costs(calls: Mapping[str, Call], *, seconds: float, batch: int) -> dict[str, float]:
    """Return the CPU of each call in µs, the median of its batches."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()  # connect, import, fill caches
    end = time.monotonic() + seconds * len(calls)
    while time.monotonic() < end or not all(taken.values()):
        for name in random.sample(list(calls), len(calls)):
            taken[name].append(_cost(calls[name], batch))
    return {name: statistics.median(values) for name, values in taken.items()}


def _cost(call: Call, batch: int) -> float:
    started = time.process_time_ns()
    for _ in range(batch):
        call()
    return (time.process_time_ns() - started) / batch / 1000


if __name__ == "__main__":
    function, seconds = sys.argv[1:]
    print(json.dumps(globals()[function](StubAddress.from_environ(), float(seconds))))
