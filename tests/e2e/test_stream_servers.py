"""Streams through the servers that people deploy: order, failures, clients that leave."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ACCESS_KEY, SECRET_KEY
from tests.servers.app_servers import KINDS, NGINX, AppServer, running, site
from tests.servers.event_stream import chunk, complete, stream
from tests.servers.lambda_server import Exchange, LambdaServer
from tests.tools.stream_servers import COMPLETE, CUT_OFF, Client, config

pytestmark = pytest.mark.e2e

#: The servers of SPEC and docs/streaming.md, and what a client sees of a failure in the middle.
SERVERS = {
    "gunicorn, sync": CUT_OFF,
    "gunicorn, gthread": CUT_OFF,
    "gunicorn, gevent": CUT_OFF,
    "nginx `proxy_pass`, gunicorn": CUT_OFF,
    "waitress": CUT_OFF,
    "Werkzeug's development server": CUT_OFF,
    # HTTP/1.0: the end of the connection is the end of the response.
    "wsgiref": COMPLETE,
}


class Far:
    """A running server, and the far end of its one route."""

    def __init__(self, name: str, server: AppServer, lambda_server: LambdaServer) -> None:
        self.name = name
        self.server = server
        self.lambda_server = lambda_server

    def request(self, *parts: Any) -> Client:
        self.lambda_server.script(stream(*parts, content_type="text/event-stream"))
        return Client(self.server.tcp)

    def get(self) -> bytes:
        client = Client(self.server.tcp)
        assert client.end() == COMPLETE
        return client.data

    def is_upstream_closed(self) -> bool:
        far_end = self.lambda_server
        return far_end.wait_until(lambda: far_end.exchanges[-1].sock.fileno() < 0, 15)


@pytest.fixture(scope="module", params=SERVERS)
def far(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Far]:
    kind = KINDS[request.param]
    if kind.directive and not NGINX:
        pytest.skip("NOTE: nginx is not installed; apt-get install nginx-light")
    folder: Path = tmp_path_factory.mktemp("server")
    with LambdaServer(credentials={ACCESS_KEY: (SECRET_KEY, None)}) as lambda_server:
        with running(kind, folder, site(config(lambda_server))) as server:
            yield Far(request.param, server, lambda_server)
        assert lambda_server.errors == []


def test_first_chunk_arrives_before_the_second_is_made(far: Far) -> None:
    more = threading.Event()
    client = far.request(chunk(b"<one>"), more, chunk(b"<two>"), complete())
    client.until(b"<one>")
    assert b"x-accel-buffering: no" in client.data.lower() or far.name.startswith("nginx")
    more.set()
    assert client.end() == COMPLETE
    assert b"<two>" in client.data


def test_head_arrives_before_the_first_chunk_is_made(far: Far) -> None:
    """waitress sends it with the first chunk."""
    more = threading.Event()
    head = chunk(
        b'{"headers": {"Content-Type": "text/plain", "X-Accel-Buffering": "no"}}' + bytes(8)
    )
    client = far.request(head, more, chunk(b"<one>"), complete())
    if far.name == "waitress":
        more.set()
    client.until(b"\r\n\r\n")
    more.set()
    assert client.end() == COMPLETE


def test_failure_in_the_middle(far: Far) -> None:
    more = threading.Event()
    client = far.request(chunk(b"<one>"), more, complete("Runtime.ExitError", "exit 1"))
    client.until(b"<one>")
    more.set()
    assert client.end() == SERVERS[far.name]
    assert b"exit 1" not in client.data


def test_client_that_leaves_closes_the_upstream_and_frees_the_slot(far: Far) -> None:
    """The server notices it when it sends the next chunk."""
    left = threading.Event()

    def flood(exchange: Exchange) -> None:
        while not exchange.ended(within=0.02):
            exchange.send(_http_chunk(chunk(b"<more>")))
        exchange.close()

    client = far.request(chunk(b"<one>"), left, flood)
    client.until(b"<one>")
    client.close()
    left.set()
    assert far.is_upstream_closed()
    # The route allows one invocation at a time.
    far.lambda_server.script(stream(chunk(b"<free>"), complete()))
    end = time.monotonic() + 5
    while b"<free>" not in (data := far.get()) and time.monotonic() < end:
        assert b" 503 " in data
    assert b"<free>" in data


def _http_chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
