"""The invocations of a handler run in one thread, as in an execution environment of Lambda."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client

from tests.unit.local_runtime.modules import write_module
from wsgi_lambda import LambdaMiddleware
from wsgi_lambda.local_runtime.workers import Workers

VARIABLE = contextvars.ContextVar("VARIABLE", default="empty")


def make_client(**handlers: Any) -> Client:
    routes = {
        f"/{name}": {"function_name": name, "handler": handler, "timeout": 20_000}
        for name, handler in handlers.items()
    }
    return Client(LambdaMiddleware(None, {"local": True, "routes": routes}))


class Seen:
    """A handler that remembers its threads, and hangs if it is told to."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []
        self.go_on = threading.Event()

    def __call__(self, event: Any, context: Any) -> str:
        self.threads.append(threading.current_thread())
        if event:
            assert self.go_on.wait(20)
        return threading.current_thread().name


def test_thread_is_used_again_under_another_name() -> None:
    seen = Seen()
    client = make_client(f=seen)
    names = [client.get("/f").json for _ in range(3)]
    assert len(set(seen.threads)) == 1
    assert len(set(names)) == 3


def test_every_invocation_has_an_empty_context() -> None:
    def handler(event: Any, context: Any) -> str:
        found = VARIABLE.get()
        VARIABLE.set("of an earlier invocation")
        return found

    client = make_client(f=handler)
    assert [client.get("/f").json for _ in range(2)] == ["empty", "empty"]


def test_thread_that_hangs_is_not_used_again() -> None:
    seen = Seen()
    route = {"function_name": "f", "handler": seen, "handler_timeout": 50}
    client = Client(LambdaMiddleware(None, {"local": True, "routes": {"/f": route}}))
    client.get("/f?hang")
    client.get("/f")
    seen.go_on.set()
    assert seen.threads[0] is not seen.threads[1]


MODULE = """
import asyncio
import sqlite3

database = sqlite3.connect(":memory:")
loop = asyncio.get_event_loop()


async def one():
    await asyncio.sleep(0)
    return 1


def query(event, context):
    return database.execute("select 1").fetchone()[0]


def stored(event, context):
    return loop.run_until_complete(one())


def current(event, context):
    return asyncio.get_event_loop().run_until_complete(one())


def run(event, context):
    return asyncio.run(one())


def close(event, context):
    database.close()
    return 1
"""


@pytest.mark.parametrize("notation", ["src/app.py:", "src.app:"])
def test_module_keeps_what_belongs_to_its_thread(folder: Path, notation: str) -> None:
    write_module(folder, "src/app", MODULE)
    names = ("query", "stored", "current", "run")
    client = make_client(**{name: f"{notation}{name}" for name in (*names, "close")})
    # Thread ids are used again, so another one must be alive meanwhile.
    other = threading.Event()
    threading.Thread(target=other.wait, daemon=True).start()
    found = [client.get(f"/{name}").json for name in names for _ in range(2)]
    other.set()
    assert client.get("/close").json == 1
    assert found == [1] * 8


def test_mangum_runs_more_than_once(folder: Path) -> None:
    write_module(
        folder,
        "app",
        "from mangum import Mangum\n"
        "async def app(scope, receive, send):\n"
        "    await send({'type': 'http.response.start', 'status': 201, 'headers': []})\n"
        "    await send({'type': 'http.response.body', 'body': b'made'})\n"
        "handler = Mangum(app, lifespan='off')\n",
    )
    route = {
        "function_name": "f",
        "handler": "app.handler",
        "awsgateway_compatible": True,
        "awsgateway_compatible_payload_version": "2.0",
        "is_proxy_integration": True,
    }
    client = Client(LambdaMiddleware(None, {"local": True, "routes": {"/f": route}}))
    assert [client.get("/f").status_code for _ in range(2)] == [201, 201]


def test_threads_end_with_the_app() -> None:
    seen, loops = Seen(), []

    def handler(event: Any, context: Any) -> str:
        loops.append(asyncio.get_event_loop())
        return seen(event, context)

    client = make_client(f=handler)
    client.get("/f")
    del client
    gc.collect()
    seen.threads[0].join(20)
    assert not seen.threads[0].is_alive()
    assert loops[0].is_closed()


def test_busy_thread_ends_with_its_work() -> None:
    workers, begun, go_on = Workers(), threading.Event(), threading.Event()
    threads: list[threading.Thread] = []

    def work() -> None:
        threads.append(threading.current_thread())
        begun.set()
        assert go_on.wait(20)

    workers.start("f", work, threading.Event().set)
    assert begun.wait(20)
    del workers
    gc.collect()
    go_on.set()
    threads[0].join(20)
    assert not threads[0].is_alive()


def test_child_has_threads_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Seen()
    client = make_client(f=seen)
    client.get("/f")
    monkeypatch.setattr(os, "getpid", lambda: 1)
    client.get("/f")
    assert seen.threads[0] is not seen.threads[1]


def test_handler_runs_without_an_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise RuntimeError("no sockets in tests")

    monkeypatch.setattr(asyncio, "new_event_loop", refuse)
    assert str(make_client(f=Seen()).get("/f").json).startswith("f ")
