"""Serve a WSGI app on a real socket, and send plain HTTP requests to it.

The server is wsgiref's, with its validator of PEP 3333, so every test that
uses it checks the protocol as well.
"""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import ServerHandler, WSGIRequestHandler, WSGIServer
from wsgiref.validate import validator

from tests.servers.background import InBackground


@dataclass(frozen=True, slots=True)
class ClientResponse:
    """The response that a client got: status, headers in order, body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name: str) -> str | None:
        """Return the value of ``name``, or None; more than one value fails the test."""
        values = self.all(name)
        assert len(values) <= 1, f"{len(values)} headers {name}"
        return values[0] if values else None

    def json(self) -> Any:
        return json.loads(self.body)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 128


class WebServer(InBackground):
    """Serve ``app`` on a loopback port; ``failures`` contains exceptions of it or the validator."""

    def __init__(self, app: Callable[..., Iterable[bytes]], environ: Mapping[str, Any]) -> None:
        self.failures: list[BaseException] = []
        validated = validator(app)

        def with_environ(request_environ: dict[str, Any], start_response: Any) -> Any:
            request_environ.update(environ)
            for name in [name for name, value in environ.items() if value is None]:
                del request_environ[name]
            return validated(request_environ, start_response)

        failures = self.failures

        class Handler(WSGIRequestHandler):
            def get_environ(self) -> dict[str, Any]:
                environ = {**super().get_environ(), "RAW_URI": self.path}
                # wsgiref adds a default type if the client sends none.
                if self.headers.get("Content-Type") is None:
                    del environ["CONTENT_TYPE"]
                return environ

            def log_message(self, *_: Any) -> None:
                pass

            def handle(self) -> None:
                self.raw_requestline = self.rfile.readline(65537)
                if self.parse_request():
                    handler = Recorder(
                        self.rfile, self.wfile, self.get_stderr(), self.get_environ()
                    )
                    handler.request_handler = self
                    handler.run(self.server.get_app())

        class Recorder(ServerHandler):
            def cleanup_headers(self) -> None:
                """Do not add a Content-Length, which would hide a missing one."""

            def finish_content(self) -> None:
                if not self.headers_sent:
                    self.send_headers()

            def log_exception(self, exc_info: Any) -> None:
                failures.append(exc_info[1])

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.set_app(with_environ)
        self.address = ("127.0.0.1", self._server.server_port)

    def send(
        self,
        method: str = "GET",
        target: str = "/f",
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> ClientResponse:
        """Send a request with this target and these headers, unchanged; return the response.

        Content-Length is added if there is a body and no header frames it.
        """
        return send(self.address, method, target, headers, body)


@contextmanager
def serving(app: Callable[..., Iterable[bytes]], environ: Mapping[str, Any] | None = None) -> Any:
    """Serve ``app``, with ``environ`` merged into that of each request; None removes a name.

    At the end, an exception in the app or a violation of PEP 3333 fails the test.
    """
    with WebServer(app, environ or {}) as server:
        yield server
    assert not server.failures, server.failures


def send(
    address: tuple[str, int],
    method: str,
    target: str,
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
    *,
    is_closed: bool = True,
) -> ClientResponse:
    """Send a request like `WebServer.send`, to any server; see `send_bytes`."""
    lines = [(name, value) for name, value in headers]
    names = {name.lower() for name, _ in lines}
    if "host" not in names:
        lines.insert(0, ("Host", "shop.test"))
    if body and not names & {"content-length", "transfer-encoding"}:
        lines.append(("Content-Length", str(len(body))))
    head = f"{method} {target} HTTP/1.1\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in [*lines, ("Connection", "close")])
    request = head.encode("latin-1") + b"\r\n" + body
    return send_bytes(address, request, method, is_closed=is_closed)


def send_bytes(
    address: tuple[str, int], request: bytes, method: str = "GET", *, is_closed: bool = True
) -> ClientResponse:
    """Send ``request`` unchanged, close the sending side, and return the response.

    With ``is_closed=False`` the sending side stays open: uvicorn takes the end of a
    connection for a client that is gone.
    """
    with socket.create_connection(address, timeout=20) as sock:
        sock.sendall(request)
        if is_closed:
            sock.shutdown(socket.SHUT_WR)
        response = http.client.HTTPResponse(sock, method=method)
        try:
            response.begin()
            body = response.read()
            return ClientResponse(response.status, tuple(response.getheaders()), body)
        finally:
            response.close()
