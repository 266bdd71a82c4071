"""Direct calls of WSGI apps and clients in this process: `python -m bench.calls cpu 3`.

Prints what one round measured as JSON. One thread unless said otherwise, the
garbage collector on, contenders in batches whose order is random.
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
from bench.environment import REGION, Far
from bench.floor import Floor
from bench.payloads import LARGEST, SMALL, json_body
from bench.stub import read_counts

ROUTES = (1, 10, 100, 1000)
_THREADS = 64

Call = Callable[[], object]


def cpu(far: Far, seconds: float) -> dict[str, float]:
    """CPU of one invoke, µs: whole WSGI calls, and bare clients."""
    event = json_body(SMALL)
    client, post, floor = boto3_client(far, 1), requests_post(far), Floor(far, far.port)
    return costs(
        {
            "middleware": invoking(wrap(None, far, far.port), event),
            "boto3 view": invoking(boto3_view(far, 1), event),
            "boto3 client": lambda: _invoke(client, event),
            "requests post": lambda: post("MyLambda", event),
            "floor": lambda: floor.invoke(event),
        },
        seconds=seconds,
        batch=50,
    )


def _invoke(client: Any, event: bytes) -> bytes:
    answer: bytes = client.invoke(FunctionName="MyLambda", Payload=event)["Payload"].read()
    return answer


def pass_through(far: Far, seconds: float) -> dict[str, float]:  # noqa: ARG001
    """What a request of no route costs more than without the middleware, ns.

    The routes differ in their first segment; `shared` has them all under the
    first segment that the request has, too.
    """
    names = {f"{n} routes": [f"/route{i}" for i in range(n)] for n in ROUTES}
    names["100 routes, shared"] = [f"/shop/route{i}" for i in range(100)]
    calls = {"bare": passing(_empty)}
    calls |= {name: passing(_wrapped(paths)) for name, paths in names.items()}
    taken = costs(calls, seconds=seconds, batch=2000)
    return {name: (taken[name] - taken["bare"]) * 1000 for name in names}


def _empty(environ: Any, start_response: Any) -> Iterable[bytes]:  # noqa: ARG001
    return ()


def _wrapped(paths: list[str]) -> Callable[..., Iterable[bytes]]:
    from wsgi_lambda import LambdaMiddleware

    routes = {path: {"function_name": "MyLambda"} for path in paths}
    return LambdaMiddleware(_empty, {"aws_region": REGION, "routes": routes})


def passing(app: Callable[..., Any]) -> Call:
    """Return the call of ``app`` for a page of its own."""
    environ, start_response = to_environ("GET", "/shop/basket", b""), lambda *_: None
    return lambda: app(environ, start_response)


def connections(far: Far, seconds: float) -> dict[str, float]:
    """New TLS connections per 1000 invokes of 64 threads whose pool is warm."""
    app, event = wrap(None, far, far.port), json_body(SMALL)
    each = max(16, round(16 * seconds))
    with ThreadPoolExecutor(_THREADS) as threads:
        # Slow enough that all are under way at once.
        _all_invoke(threads, invoking(app, event, path="/slow"), 1)
        before = read_counts(far)
        _all_invoke(threads, invoking(app, event), each)
        # The second asking is a connection, too.
        opened = read_counts(far).accepted - before.accepted - 1
    return {"per 1000": opened * 1000 / (_THREADS * each)}


def _all_invoke(threads: ThreadPoolExecutor, invoke: Call, each: int) -> None:
    list(threads.map(lambda _: [invoke() for _ in range(each)], range(_THREADS)))


def handshakes(far: Far, seconds: float) -> dict[str, float]:
    """CPU of a new connection, µs: an invoke where each is new, less one where it is kept."""
    event = json_body(SMALL)
    calls: dict[str, Call] = {}
    for name, port in (("kept", far.port), ("new", far.closing_port)):
        calls[f"middleware {name}"] = invoking(wrap(None, far, port), event)
        calls[f"floor {name}"] = partial(Floor(far, port).invoke, event)
    taken = costs(calls, seconds=seconds, batch=10)
    return {name: taken[f"{name} new"] - taken[f"{name} kept"] for name in ("middleware", "floor")}


def bodies(far: Far, seconds: float) -> dict[str, float]:  # noqa: ARG001
    """What Python holds at most while one large body goes through, MB, the body's own bytes aside.

    The middleware alone, around no app. What came before, and the body that
    the server has read, do not count; the answer that it is handed does.
    """
    app = wrap(None, far, far.port)
    calls = {
        "6 MB in, parsed": invoking(app, json_body(LARGEST)),
        "6 MB out": invoking(app, json_body(SMALL), path="/largest"),
    }
    return {name: _peak(call) for name, call in calls.items()}


def _peak(call: Call) -> float:
    call()  # connects, imports, fills caches
    gc.collect()
    tracemalloc.start()
    call()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 1e6


def hang_ups(far: Far, seconds: float) -> dict[str, float]:
    """Failures of 16 threads whose kept connections the server closed, and repeated invokes."""
    invoke = invoking(wrap(None, far, far.idle_port), json_body(SMALL), is_strict=False)
    times, width = max(2, round(3 * seconds)), 16
    answers: list[object] = []
    asked = 1
    before = read_counts(far)
    with ThreadPoolExecutor(width) as threads:
        for _ in range(times):
            answers += threads.map(lambda _: invoke(), range(width))
            asked += _until_all_closed(far)
    ran = read_counts(far).requests - before.requests - asked
    failed = sum(answer != "200 OK" for answer in answers)
    return {"failures": failed, "run twice": ran - (len(answers) - failed)}


def _until_all_closed(far: Far) -> int:
    """Wait until only we are connected; return how often it was asked."""
    asked = 1
    while read_counts(far).open > 1:
        asked += 1
        time.sleep(0.05)
    return asked


def to_environ(method: str, path: str, body: bytes) -> dict[str, Any]:
    """Return the environ of a request as gunicorn would give it."""
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
    """Return a whole WSGI call of ``app``, its answer read to the end; its value is the status.

    Where ``is_strict``, it raises for one that is not 200.
    """
    template = to_environ("POST", path, body)

    def call() -> str:
        statuses: list[str] = []
        environ = {**template, "wsgi.input": io.BytesIO(body)}
        for _ in app(environ, lambda *given: statuses.append(given[0])):
            pass
        if is_strict and statuses != ["200 OK"]:
            raise RuntimeError(f"the answer was {statuses}")
        return statuses[0]

    return call


def costs(calls: Mapping[str, Call], *, seconds: float, batch: int) -> dict[str, float]:
    """Return the CPU of each call in µs: the median of batches that take turns."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()  # connects, imports, fills caches
    end = time.monotonic() + seconds * len(calls)
    while time.monotonic() < end or not all(taken.values()):
        for name in random.sample(list(calls), len(calls)):
            taken[name].append(_cost(calls[name], batch))
    return {name: statistics.median(found) for name, found in taken.items()}


def _cost(call: Call, batch: int) -> float:
    started = time.process_time_ns()
    for _ in range(batch):
        call()
    return (time.process_time_ns() - started) / batch / 1000


if __name__ == "__main__":
    function, seconds = sys.argv[1:]
    print(json.dumps(globals()[function](Far.from_environ(), float(seconds))))
