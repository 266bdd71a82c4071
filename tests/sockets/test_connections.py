"""Connections: kept, counted at the far end, closed when idle, and what is sent twice."""

from __future__ import annotations

import fcntl
import io
import logging
import os
import socket
import sys
import termios
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import MakeApp
from tests.servers import lambda_server as far_end
from tests.servers.lambda_server import LambdaServer
from tests.servers.web_server import serving

ROUTES = {"/f": {"function_name": "f"}}


@pytest.mark.promise("kept")
def test_connection_is_kept(lambda_server: LambdaServer, make_app: MakeApp) -> None:
    with serving(make_app(ROUTES)) as web:
        assert [web.send().status for _ in range(5)] == [200] * 5
    assert lambda_server.connections == 1


@pytest.mark.promise("kept")
def test_routes_to_one_endpoint_share_connections(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    with serving(make_app({"/f": {"function_name": "f"}, "/g": {"function_name": "g"}})) as web:
        web.send("GET", "/f")
        web.send("GET", "/g")
    assert lambda_server.connections == 1


@pytest.mark.promise("kept")
def test_idle_connection_is_closed_not_used(lambda_server: LambdaServer, make_app: MakeApp) -> None:
    with serving(make_app(ROUTES, keepalive=100)) as web:
        web.send()
        time.sleep(0.15)  # an idle time has no event
        web.send()
        assert lambda_server.wait_until(lambda: lambda_server.open_connections() == 1)
    assert [i.connection for i in lambda_server.invocations] == [1, 2]


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_without_keepalive_each_connection_is_closed_after_one_request(
    framing: str, lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    if framing == "chunks":
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        lambda_server.script(*[far_end.raw(head + b"2\r\n{}\r\n0\r\n\r\n")] * 3)
    with serving(make_app(ROUTES, keepalive=0)) as web:
        for _ in range(3):
            assert web.send().status == 200
            assert lambda_server.wait_until(lambda: lambda_server.open_connections() == 0)
    assert [i.connection for i in lambda_server.invocations] == [1, 2, 3]


@pytest.mark.promise("kept")
def test_connection_closed_by_the_far_end_is_not_used(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    lambda_server.script(far_end.close_after(far_end.respond(200, {}, b"1")))
    with serving(make_app(ROUTES)) as web:
        web.send("POST")
        assert lambda_server.wait_until(lambda: lambda_server.open_connections() == 0)
        assert web.send("POST").status == 200
    assert len(lambda_server.invocations) == 2


@pytest.mark.promise("kept")
def test_connection_with_bytes_that_nobody_asked_for_is_not_used(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    """They would pass for the response to the next request."""
    may_send, has_sent = threading.Event(), threading.Event()

    def respond_twice(exchange: far_end.Exchange) -> None:
        far_end.respond(200, {}, b"1")(exchange)
        may_send.wait(20)
        far_end.respond(200, {}, b"forged")(exchange)
        while _unacknowledged(exchange.sock):
            time.sleep(0.001)
        has_sent.set()

    lambda_server.script(respond_twice, far_end.respond(200, {}, b"2"))
    with serving(make_app(ROUTES)) as web:
        assert web.send("POST").body == b"1"
        may_send.set()
        assert has_sent.wait(20)
        assert web.send("POST").body == b"2"
    assert [i.connection for i in lambda_server.invocations] == [1, 2]


@pytest.mark.promise("kept")
def test_pool_keeps_no_more_than_its_size(lambda_server: LambdaServer, make_app: MakeApp) -> None:
    everybody = threading.Barrier(4)

    def together(exchange: far_end.Exchange) -> None:
        everybody.wait(5)
        far_end.respond(200, {}, b"1")(exchange)

    lambda_server.script(*[together] * 4)
    with serving(make_app(ROUTES, pool_size=2)) as web:
        threads = [threading.Thread(target=web.send) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert lambda_server.connections == 4
        assert lambda_server.wait_until(lambda: lambda_server.open_connections() == 2)


@pytest.mark.promise("kept", "calm")
@pytest.mark.parametrize(
    "end", [far_end.respond(200, {}, b"1"), far_end.reset()], ids=["responses", "resets"]
)
def test_burst_over_the_pool_size_logs_no_warning_of_urllib3(
    end: far_end.Step, lambda_server: LambdaServer, make_app: MakeApp, caplog: Any
) -> None:
    everybody = threading.Barrier(24)

    def together(exchange: far_end.Exchange) -> None:
        everybody.wait(20)
        end(exchange)

    lambda_server.script(*[together] * 24)
    with serving(make_app(ROUTES, pool_size=10)) as web:
        threads = [threading.Thread(target=web.send, args=("POST",)) for _ in range(24)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert lambda_server.wait_until(lambda: lambda_server.open_connections() <= 10)
    assert lambda_server.connections == 24
    assert [record for record in caplog.records if record.name.startswith("urllib3")] == []
    logging.getLogger("urllib3.connectionpool").warning("another warning")
    assert "another warning" in caplog.text


@pytest.mark.promise("kept")
def test_connection_in_use_when_the_pool_is_closed_is_closed_afterwards(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    may_respond = threading.Event()
    lambda_server.script(far_end.wait_for(may_respond, far_end.respond(200, {}, b"1")))
    app = make_app(ROUTES)
    statuses: list[int] = []
    with serving(app) as web:
        client = threading.Thread(target=lambda: statuses.append(web.send().status))
        client.start()
        assert lambda_server.wait_until(lambda: len(lambda_server.invocations) == 1)
        app.dispatcher.connections.close()
        may_respond.set()
        client.join()
        assert lambda_server.wait_until(lambda: lambda_server.open_connections() == 0)
    assert statuses == [200]


@pytest.mark.promise("once")
@pytest.mark.parametrize(
    ("method", "statuses", "invocations"),
    [
        ("POST", [200, 502], 2),
        ("PUT", [200, 502], 2),
        ("GET", [200, 200], 3),
        ("HEAD", [200, 200], 3),
    ],
)
def test_only_a_safe_request_is_sent_again_when_a_kept_connection_dies(
    method: str,
    statuses: list[int],
    invocations: int,
    lambda_server: LambdaServer,
    make_app: MakeApp,
) -> None:
    lambda_server.script(far_end.respond(200, {}, b"1"), far_end.reset())
    with serving(make_app(ROUTES)) as web:
        assert [web.send(method).status for _ in range(2)] == statuses
    assert len(lambda_server.invocations) == invocations


@pytest.mark.promise("once")
def test_safe_request_is_sent_again_but_once(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    lambda_server.script(far_end.respond(200, {}, b"1"), far_end.reset(), far_end.reset())
    with serving(make_app(ROUTES)) as web:
        assert [web.send().status for _ in range(2)] == [200, 502]
    assert len(lambda_server.invocations) == 3


@pytest.mark.promise("once")
@pytest.mark.parametrize(
    "step", [lambda: far_end.reset(), lambda: far_end.reset_after(b"HTTP/1.1 2")]
)
def test_request_is_not_sent_again_once_an_answer_began_or_on_a_new_connection(
    step: Callable[[], far_end.Step], lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    lambda_server.script(step())
    with serving(make_app(ROUTES)) as web:
        assert web.send().status == 502
    assert len(lambda_server.invocations) == 1


@pytest.mark.promise("once")
def test_connection_that_cannot_be_opened_is_tried_twice(
    lambda_server: LambdaServer, make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with (
            caplog.at_level("INFO"),
            serving(make_app(ROUTES, port=closed.getsockname()[1])) as web,
        ):
            assert web.send("POST").status == 502
    assert caplog.text.count("sending the request again") == 1


@pytest.mark.promise("forks")
def test_nothing_is_opened_at_construction(lambda_server: LambdaServer, make_app: MakeApp) -> None:
    before = set(os.listdir("/proc/self/fd"))
    app = make_app(ROUTES)
    # Others may close meanwhile: the garbage collector has what tests left.
    assert set(os.listdir("/proc/self/fd")) <= before
    assert (lambda_server.connections, bool(app)) == (0, True)


@pytest.mark.promise("forks")
def test_forked_child_has_connections_of_its_own(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    app = make_app(ROUTES)
    statuses: list[str] = []

    def call() -> bytes:
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": "/f",
            "SERVER_NAME": "a",
            "wsgi.input": io.BytesIO(),
        }
        app(environ, lambda status, _: statuses.append(status))  # type: ignore[arg-type,return-value]
        return statuses[-1].encode()

    call()
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        os.write(write_end, call())
        os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as result:
        assert result.read() == b"200 OK"
    os.waitpid(child, 0)
    call()
    assert [i.connection for i in lambda_server.invocations] == [1, 2, 1]


@pytest.mark.promise("kept")
def test_tcp_keepalive_is_on(lambda_server: LambdaServer, make_app: MakeApp) -> None:
    """A function may be silent for 15 minutes; NAT forgets a silent connection after 350 s."""
    app = make_app(ROUTES)
    with serving(app) as web:
        web.send()
        for number in map(int, os.listdir("/proc/self/fd")):
            try:
                sock = socket.socket(fileno=os.dup(number))
            except OSError:
                continue
            with sock:
                if sock.family == socket.AF_INET and _peer_port(sock) == lambda_server.port:
                    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
                    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) < 350
                    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
                    return
    raise AssertionError("no connection to the far end")


def _unacknowledged(sock: socket.socket) -> int:
    """Return the number of bytes that the peer's system has not received yet."""
    return int.from_bytes(fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4)), sys.byteorder)


def _peer_port(sock: socket.socket) -> int | None:
    try:
        return int(sock.getpeername()[1])
    except OSError:
        return None


@pytest.mark.promise("once")
def test_safe_request_is_not_sent_again_once_an_answer_began_on_a_kept_connection(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    lambda_server.script(far_end.respond(200, {}, b"1"), far_end.reset_after(b"HTTP/1.1 2"))
    with serving(make_app(ROUTES)) as web:
        assert [web.send().status for _ in range(2)] == [200, 502]
    assert len(lambda_server.invocations) == 2
