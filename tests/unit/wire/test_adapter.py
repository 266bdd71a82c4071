"""Deadline, causes, addresses, headers; tests/sockets counts the connections."""

from __future__ import annotations

import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import gevent.ssl
import pytest
import requests
import urllib3

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


def test_adapters_share_the_context_of_the_default_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    def context_of(host: str, tls_verify: bool) -> Any:
        adapter = EndpointAdapter(
            scheme="https", host=host, port=443, tls_verify=tls_verify, keepalive=1, pool_size=1
        )
        return adapter.get_connection_with_tls_context().conn_kw["ssl_context"]

    context = context_of("one.test", True)
    assert context_of("other.test", True) is context
    assert context_of("other.test", False) is not context
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    # gevent may replace the class after the first request of the parent process.
    monkeypatch.setattr(ssl, "SSLContext", gevent.ssl.SSLContext)
    assert type(context_of("one.test", True)) is gevent.ssl.SSLContext


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


def adapter_of(port: int, scheme: str = "http") -> EndpointAdapter:
    return EndpointAdapter(
        scheme=scheme, host="127.0.0.1", port=port, tls_verify=True, keepalive=1, pool_size=1
    )


@pytest.mark.parametrize(
    ("scheme", "response", "kind"),
    [
        ("http", b"", requests.ReadTimeout),
        ("http", b"SSH-2.0-x\r\n", requests.ConnectionError),
        ("https", b"SSH-2.0-x\r\n", requests.exceptions.SSLError),
    ],
    ids=["silent", "no HTTP", "no TLS"],
)
def test_failure_is_an_error_of_requests(
    scheme: str, response: bytes, kind: type[Exception]
) -> None:
    """Instrumentation of requests knows these."""
    with socket.create_server(("127.0.0.1", 0)) as far, ThreadPoolExecutor(1) as threads:
        port = far.getsockname()[1]
        request = requests.Request("POST", f"{scheme}://127.0.0.1:{port}/", data=b"{}").prepare()
        seconds = 10 if response else 0.2
        adapter = adapter_of(port, scheme)
        sent = threads.submit(adapter.send, request, timeout=Attempt(time.monotonic() + seconds))
        with far.accept()[0] as peer:
            peer.sendall(response)
            with pytest.raises(kind) as caught:
                sent.result(20)
    assert type(caught.value) is kind
    adapter.close()


@pytest.mark.parametrize("forged", ["a\r\nX-Amz-Tenant-Id: b", "a\nb", "a\rb"])
def test_header_with_a_line_break_is_not_sent(forged: str) -> None:
    request = requests.Request("POST", "http://127.0.0.1/", data=b"{}").prepare()
    request.headers["X-Added"] = forged  # as an instrumentation may, past requests' own check
    with socket.create_server(("127.0.0.1", 0)) as far:
        adapter = adapter_of(far.getsockname()[1])
        with pytest.raises(ValueError, match="X-Added"):
            adapter.send(request, timeout=Attempt(time.monotonic() + 10))  # type: ignore[arg-type]
        far.setblocking(False)
        with pytest.raises(BlockingIOError):
            far.accept()


def test_body_without_a_length_is_not_sent() -> None:
    """The peer would take it for another request."""
    request = requests.Request("POST", "http://127.0.0.1/", data=b"{}").prepare()
    del request.headers["Content-Length"]
    with pytest.raises(ValueError, match="needs a Content-Length"):
        adapter_of(9).send(request, timeout=Attempt(time.monotonic() + 10))  # type: ignore[arg-type]


def test_attempt_that_is_restarted_has_its_time_again() -> None:
    now = 100.0
    attempt = Attempt(101.0, clock=lambda: now)
    now = 102.0
    with pytest.raises(TimeoutError):
        attempt.remaining()
    attempt.restart(5.0)
    assert attempt.remaining() == 5.0
    # Instrumentations of requests may write it to their log.
    assert repr(attempt) == f"Attempt{repr(urllib3.Timeout()).removeprefix('Timeout')}"
