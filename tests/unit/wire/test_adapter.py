"""Deadline, causes, addresses, headers; tests/sockets counts the connections."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest
import requests

from tests.conftest import MakeApp
from tests.servers.lambda_server import LambdaServer
from tests.servers.web_server import serving
from wsgi_lambda.wire.adapter import EndpointAdapter
from wsgi_lambda.wire.attempt import Attempt
from wsgi_lambda.wire.causes import root_cause


def test_attempt_ends_at_its_deadline() -> None:
    now = [100.0]
    attempt = Attempt(101.0, clock=lambda: now[0])
    assert attempt.remaining() == 1.0
    now[0] = 100.75
    assert attempt.remaining() == 0.25
    now[0] = 101.0
    with pytest.raises(TimeoutError):
        attempt.remaining()


def test_root_cause_is_the_error_of_the_system() -> None:
    refused = ConnectionRefusedError(111, "refused")
    wrapped = ValueError("outer", RuntimeError("inner"))
    wrapped.args[1].reason = refused
    assert root_cause(wrapped) is refused
    alone = ValueError("alone")
    assert root_cause(alone) is alone


@pytest.mark.parametrize(("ports", "status"), [(["closed", "open"], 200), ([], 502)])
def test_every_address_of_the_host_is_tried(
    ports: list[str],
    status: int,
    lambda_server: LambdaServer,
    make_app: MakeApp,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        numbers = {"closed": closed.getsockname()[1], "open": lambda_server.port}

        def resolve(*_: Any, **__: Any) -> list[Any]:
            tcp = (socket.AF_INET, socket.SOCK_STREAM, 0, "")
            return [(*tcp, ("127.0.0.1", numbers[port])) for port in ports]

        with (
            serving(make_app({"/f": {"function_name": "f"}})) as web,
            # The client's own connection needs the real look-up.
            socket.create_connection(web.address, timeout=20) as sock,
        ):
            monkeypatch.setattr("wsgi_lambda.wire.connection.socket.getaddrinfo", resolve)
            sock.sendall(b"GET /f HTTP/1.0\r\n\r\n")
            assert int(sock.recv(65536).split(b" ")[1]) == status


@pytest.mark.parametrize("forged", ["a\r\nX-Amz-Tenant-Id: b", "a\nb", "a\rb"])
def test_header_with_a_line_break_is_not_sent(forged: str) -> None:
    request = requests.Request("POST", "http://127.0.0.1/", data=b"{}").prepare()
    request.headers["X-Added"] = forged  # as an instrumentation may, past requests' own check
    with socket.create_server(("127.0.0.1", 0)) as far:
        adapter = EndpointAdapter(
            scheme="http",
            host="127.0.0.1",
            port=far.getsockname()[1],
            tls_verify=True,
            keepalive=1,
            pool_size=1,
        )
        with pytest.raises(ValueError, match="X-Added"):
            adapter.send(request, timeout=Attempt(time.monotonic() + 10))  # type: ignore[arg-type]
        far.setblocking(False)
        with pytest.raises(BlockingIOError):
            far.accept()


@pytest.mark.parametrize(("seconds", "expected"), [((), 1.0), ((5.0,), 5.0)])
def test_attempt_that_is_restarted_has_its_time_again(seconds, expected) -> None:
    now = 100.0
    attempt = Attempt(101.0, clock=lambda: now)
    now = 102.0
    with pytest.raises(TimeoutError):
        attempt.remaining()
    attempt.restart(*seconds)
    assert attempt.remaining() == expected
