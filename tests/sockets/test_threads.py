"""Many threads, credentials that change, and forks in the middle of an invocation."""

from __future__ import annotations

import io
import itertools
import os
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.conftest import MakeApp, defaults, invokers, parts
from tests.servers import lambda_server as far_end
from tests.servers.lambda_server import LambdaServer
from tests.tools.promises import Tried
from wsgi_lambda import LambdaMiddleware
from wsgi_lambda.config import read_routes
from wsgi_lambda.credentials import Credentials
from wsgi_lambda.invoke import Invocation
from wsgi_lambda.invoke.connections import Connections
from wsgi_lambda.invoke.function import Function

THREADS = 64
CALLS = 20  # of each thread

ROUTES = {"/f": {"function_name": "f"}}


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Let threads take turns after nearly every step, so that a race shows."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


class Rotating:
    """Credentials that are others at every call, as of a process that rotates them."""

    def __init__(self) -> None:
        self._numbers = itertools.count()

    def at_hand(self) -> Credentials:
        number = next(self._numbers)
        return Credentials(f"AKID{number}", f"secret{number}", f"token{number}")


@pytest.mark.promise("signed")
@pytest.mark.usefixtures("eager_threads")
def test_every_signature_is_of_its_own_credentials(
    lambda_server: LambdaServer, tried: Tried
) -> None:
    count = THREADS * CALLS
    lambda_server.credentials = {f"AKID{n}": (f"secret{n}", f"token{n}") for n in range(count)}
    (route,) = read_routes({**defaults(lambda_server, timeout=20_000), "routes": ROUTES})
    connections = Connections()
    connections.credentials = lambda route: Rotating()  # type: ignore[method-assign,assignment,return-value]
    function = Function(route, connections)

    def invoke(number: int) -> list[int]:
        return [
            function.invoke(Invocation(f"{number}".encode(), {}, is_repeatable=False)).status
            for _ in range(CALLS)
        ]

    with ThreadPoolExecutor(THREADS) as threads:
        statuses = [status for each in threads.map(invoke, range(THREADS)) for status in each]
    # The far end would have answered 403 to a signature that is not its token's.
    assert statuses == [200] * count
    assert len({i.header("x-amz-security-token") for i in lambda_server.invocations}) == count
    tried(signatures=count)


def call(app: LambdaMiddleware) -> str:
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/f", "wsgi.input": io.BytesIO()}
    statuses: list[str] = []
    app(environ, lambda status, _: statuses.append(status))  # type: ignore[arg-type,return-value]
    return statuses[0]


def in_a_child(work: Any) -> str:
    """Return the text that ``work`` gives in a forked child, which has ten seconds for it."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        signal.alarm(10)
        os.write(write_end, work().encode())
        os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end) as result:
        text = result.read()
    os.waitpid(child, 0)
    return text


@pytest.mark.promise("forks")
@pytest.mark.parametrize("held", ["connection", "lock"])
def test_fork_while_another_thread_holds_the_pool(
    held: str, lambda_server: LambdaServer, make_app: MakeApp, tried: Tried
) -> None:
    may_answer = threading.Event()
    app = make_app(ROUTES)
    call(app)
    lambda_server.script(far_end.wait_for(may_answer, far_end.respond(200, {}, b'"late"')))
    with ThreadPoolExecutor(1) as thread:
        under_way = thread.submit(call, app)
        assert lambda_server.wait_until(lambda: len(lambda_server.invocations) == 2)
        if held == "lock":
            (client,) = {parts(invoker).client for invoker in invokers(app)}
            with parts(client).lock:
                assert in_a_child(lambda: call(app)) == "200 OK"
        else:
            assert in_a_child(lambda: call(app)) == "200 OK"
        may_answer.set()
        assert under_way.result(10) == "200 OK"
    call(app)
    # The child had a connection of its own, and the parent's goes on.
    assert [i.connection for i in lambda_server.invocations] == [1, 1, 2, 1]
    tried(forks=1, invocations=4)
