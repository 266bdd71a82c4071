"""What `snapshot` shows of a process: connections, retries, and invocations under way."""

from __future__ import annotations

import gc
import json
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from werkzeug.test import Client, create_environ

from tests.conftest import ACCESS_KEY, MakeApp, defaults, parts
from tests.servers import lambda_server as far_end
from tests.servers.event_stream import chunk, complete, stream
from tests.servers.lambda_server import LambdaServer
from tests.servers.streamed import Streamed
from tests.sockets.test_threads import in_a_child
from wsgi_lambda import LambdaMiddleware
from wsgi_lambda.dispatcher import Dispatcher
from wsgi_lambda.errors import LambdaError, StreamCutOff
from wsgi_lambda.invoke import Invocation
from wsgi_lambda.invoke.reply import Reply
from wsgi_lambda.observe import snapshot
from wsgi_lambda.request import Request

ROUTES = {"/f": {"function_name": "f"}}
STREAM = {"/f": {"function_name": "f", "invoke_mode": "RESPONSE_STREAM"}}
OK = far_end.respond(200, {}, b"1")
END = complete()


def numbers(app: object) -> tuple[int, int, int, int]:
    """Return `in_flight` of the first route, then `in_use`, `idle` and `opened`."""
    found = snapshot(app)
    (client,) = found["lambda_endpoints"]
    in_flight = found["routes"][0]["in_flight"]
    return in_flight, client["in_use"], client["idle"], client["opened"]


def test_new_process_reports_zeros_and_a_full_quota(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    before = set(os.listdir("/proc/self/fd"))
    app = make_app(
        {
            "/shop": {"function_name": "orders", "max_concurrency": 20},
            "/shop/{id}": {
                "function_name": "arn:aws:lambda:us-east-1:123456789012:function:item:live"
            },
        },
        functions={"pay": {"function_name": "payments", "pool_size": 3}},
    )
    url = f"http://{lambda_server.host}:{lambda_server.port}"
    client = {"url": url, "idle": 0, "in_use": 0, "opened": 0, "retry_quota": 100}
    found = snapshot(app)
    assert found == json.loads(json.dumps(found))
    assert found == {
        "pid": os.getpid(),
        "lambda_endpoints": [client, client],
        "routes": [
            {"path": "/shop/{id}", "function": "item", "in_flight": 0, "max_concurrency": None},
            {"path": "/shop", "function": "orders", "in_flight": 0, "max_concurrency": 20},
            {"path": "pay", "function": "payments", "in_flight": 0, "max_concurrency": None},
        ],
    }
    assert ACCESS_KEY not in str(found)
    assert set(os.listdir("/proc/self/fd")) <= before
    assert lambda_server.connections == 0


@pytest.mark.parametrize("given", [None, {}, LambdaMiddleware, SimpleNamespace(dispatcher=1)])
def test_anything_else_is_a_type_error(given: object) -> None:
    with pytest.raises(TypeError, match=f"not {type(given).__name__}$"):
        snapshot(given)


def test_a_dispatcher_is_a_type_error(make_app: MakeApp) -> None:
    with pytest.raises(TypeError, match="not Dispatcher"):
        snapshot(make_app(ROUTES).dispatcher)


def test_invocation_under_way(lambda_server: LambdaServer, make_app: MakeApp) -> None:
    app = make_app(ROUTES)
    during: list[Any] = []

    def look(exchange: far_end.Exchange) -> None:
        during.append(numbers(app))
        OK(exchange)

    lambda_server.script(look, look)
    for _ in range(2):
        assert Client(app).get("/f").status_code == 200
        assert numbers(app) == (0, 0, 1, 1)
    assert during == [(1, 1, 0, 1)] * 2


def test_many_threads(lambda_server: LambdaServer, make_app: MakeApp) -> None:
    app = make_app(ROUTES, max_concurrency=4)
    may_respond = threading.Event()
    lambda_server.script(*[far_end.wait_for(may_respond, OK)] * 4)
    with ThreadPoolExecutor(4) as threads:
        held = [threads.submit(Client(app).get, "/f") for _ in range(4)]
        assert lambda_server.wait_until(lambda: len(lambda_server.invocations) == 4)
        assert numbers(app) == (4, 4, 0, 4)
        assert Client(app).get("/f").status_code == 503  # max_concurrency
        assert numbers(app) == (4, 4, 0, 4)
        may_respond.set()
        assert [each.result(20).status_code for each in held] == [200] * 4
        assert numbers(app) == (0, 0, 4, 4)
        for done in [threads.submit(Client(app).get, "/f") for _ in range(100)]:
            while not done.done():
                in_flight, in_use, idle, _ = numbers(app)
                assert in_flight <= 4
                assert in_use <= 4
                assert idle <= 4
            done.result()
    assert numbers(app)[:2] == (0, 0)


def test_snapshot_waits_for_no_lock(lambda_server: LambdaServer, make_app: MakeApp) -> None:
    app = make_app(ROUTES, max_concurrency=1)
    Client(app).get("/f")
    dispatcher = parts(app.dispatcher)
    (client,) = parts(dispatcher.connections).clients.values()
    (backend,) = app.dispatcher.backends
    slots = parts(backend).slots
    client = parts(client)
    adapter, connections = parts(client.adapter), parts(client.connections)
    locks = [
        client.lock,
        connections.lock,
        parts(client.quota).lock,
        parts(slots).lock,
    ]
    locks.append(adapter.pool.pool.mutex)
    with locks[0], locks[1], locks[2], locks[3], locks[4]:
        assert in_a_thread(lambda: numbers(app)) == (0, 0, 1, 1)


def in_a_thread(work: Callable[[], Any]) -> Any:
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(work).result(10)


@pytest.mark.parametrize(
    ("step", "options", "expected"),
    [
        (far_end.respond(500, {}, b"{}"), {}, (0, 0, 1, 1)),
        (far_end.respond(200, {"X-Amz-Function-Error": "Unhandled"}, b"{}"), {}, (0, 0, 1, 1)),
        (far_end.raw(b"SSH-2.0-x\r\n"), {}, (0, 0, 0, 1)),
        (far_end.raw(b"", close=True), {}, (0, 0, 0, 1)),
        (far_end.endless(), {"max_response_size": 1000}, (0, 0, 0, 1)),
        (OK, {"keepalive": 0}, (0, 0, 0, 1)),
        (OK, {"aws_key": None, "aws_secret": None}, (0, 0, 0, 0)),
    ],
    ids=["500", "function error", "no HTTP", "end", "too large", "no keepalive", "no credentials"],
)
def test_zero_after_any_end(
    step: far_end.Step,
    options: dict[str, Any],
    expected: tuple[int, ...],
    lambda_server: LambdaServer,
    make_app: MakeApp,
) -> None:
    lambda_server.script(step)
    app = make_app(ROUTES, **options)
    Client(app).post("/f")
    assert numbers(app) == expected


def test_refused_connection_is_not_opened(make_app: MakeApp) -> None:
    app = make_app(ROUTES, port=1)
    assert Client(app).get("/f").status_code == 502
    assert numbers(app) == (0, 0, 0, 0)


def test_retries_take_tokens(
    lambda_server: LambdaServer, make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wsgi_lambda.invoke.retry_quota.random.uniform", lambda low, high: 0.0)
    lambda_server.script(*[far_end.respond(429, {}, b"{}")] * 2)
    app = make_app(ROUTES, retries=1)
    assert Client(app).get("/f").status_code == 429
    (client,) = snapshot(app)["lambda_endpoints"]
    assert client["retry_quota"] == 95


def test_routes_with_other_connection_options_have_a_client_of_their_own(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    app = make_app({**ROUTES, "/g": {"function_name": "g", "pool_size": 3}})
    Client(app).get("/g")
    found = snapshot(app)["lambda_endpoints"]
    assert [each["idle"] for each in found] == [0, 1]


def test_closed_connections_are_not_counted_but_were_opened(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    app = make_app(ROUTES)
    Client(app).get("/f")
    app.dispatcher.connections.close()
    assert numbers(app) == (0, 0, 0, 1)
    Client(app).get("/f")
    assert numbers(app) == (0, 0, 1, 2)


@pytest.mark.parametrize("end", ["read", "closed", "forgotten", "failed"])
def test_stream_counts_until_its_end(
    end: str, lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    rest = chunk(b"broken")[:-1] + b"!" if end == "failed" else END
    more = threading.Event()
    lambda_server.script(stream(chunk(b"one"), more, rest))
    app = make_app(STREAM)
    body: Any = app({"REQUEST_METHOD": "GET", "PATH_INFO": "/f"}, lambda status, headers: None)
    assert (next(body), next(body)) == (b"", b"one")
    assert numbers(app) == (1, 1, 0, 1)
    if end == "read":
        more.set()
        assert list(body) == []
    elif end == "failed":
        more.set()
        with pytest.raises(StreamCutOff):
            next(body)
    elif end == "closed":
        body.close()
    else:
        del body
        gc.collect()
    assert numbers(app) == ((0, 0, 1, 1) if end == "read" else (0, 0, 0, 1))
    more.set()


def test_stream_that_fails_before_its_head_is_known(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    lambda_server.script(stream(complete("Function.Failed")))
    app = make_app(STREAM)
    assert Client(app).get("/f").status_code == 502
    assert numbers(app)[:2] == (0, 0)


def test_child_counts_from_zero(lambda_server: LambdaServer, make_app: MakeApp) -> None:
    app = make_app(STREAM)
    lambda_server.script(stream(END), stream(chunk(b"one"), threading.Event()), stream(END))
    with Streamed(app) as response:
        response.rest()
    with Streamed(app) as held:
        assert (next(held), numbers(app)) == (b"", (1, 1, 0, 1))

        def work() -> str:
            before = numbers(app)
            with Streamed(app) as response:
                response.rest()
            return str([before, numbers(app), snapshot(app)["pid"] == os.getpid()])

        zero, one = (0, 0, 0, 0), (1, 1, 0, 1)
        assert in_a_child(work) == str([zero, (0, 0, 1, 1), True])
        assert numbers(app) == one
    assert numbers(app) == (0, 0, 0, 1)


class Own:
    """An Invoker of the app's own, which looks while it works."""

    def __init__(self, work: Callable[[], Reply]) -> None:
        self._work = work

    def invoke(self, invocation: Invocation) -> Reply:
        return self._work()


def test_invoker_of_the_app(lambda_server: LambdaServer) -> None:
    during: list[int] = []

    def work() -> Reply:
        during.append(snapshot(SimpleNamespace(dispatcher=dispatcher))["routes"][0]["in_flight"])
        raise LambdaError("no")

    config = {**defaults(lambda_server), "routes": ROUTES}
    dispatcher = Dispatcher(config, around=lambda route, invoker: Own(work))
    app = SimpleNamespace(dispatcher=dispatcher)
    environ = create_environ("/f")
    backend = dispatcher.find(environ)
    assert backend is not None
    assert dispatcher.respond(backend, Request(environ)).status == 502
    assert (during, numbers(app)) == ([1], (0, 0, 0, 0))


def test_local_mode_has_no_client(make_app: MakeApp) -> None:
    during: list[Any] = []

    def handler(event: Any, context: Any) -> str:
        during.append(snapshot(app)["routes"])
        return "tea"

    app = make_app({"/f": {"function_name": "f", "handler": handler}}, local=True)
    assert Client(app).get("/f").status_code == 200
    route = {"path": "/f", "function": "f", "in_flight": 1, "max_concurrency": None}
    assert during == [[route]]
    assert snapshot(app) == {
        "pid": os.getpid(),
        "lambda_endpoints": [],
        "routes": [{**route, "in_flight": 0}],
    }
