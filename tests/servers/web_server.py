"""The near end of the socket tests: a WSGI server on a real socket, and a plain client.

The server is wsgiref's, under its own validator of PEP 3333, so that every
test through it is a test of the protocol as well.
"""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import ServerHandler, WSGIRequestHandler, WSGIServer
from wsgiref.validate import validator


@dataclass(frozen=True, slots=True)
class ClientResponse:
    """One HTTP answer: status, headers in their order, body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name: str) -> str | None:
        """Return the only value of ``name``, or None; two of them fail the test."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times"
        return values[0] if values else None

    def json(self) -> Any:
        return json.loads(self.body)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 128


class WebServer:
    """Serve ``app`` on a loopback port; ``failures`` holds what it or the validator raised."""

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
                found = {**super().get_environ(), "RAW_URI": self.path}
                # wsgiref invents a type where the client names none.
                if self.headers.get("Content-Type") is None:
                    del found["CONTENT_TYPE"]
                return found

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
                """Add no Content-Length of the server's own."""

            def finish_content(self) -> None:
                if not self.headers_sent:
                    self.send_headers()

            def log_exception(self, exc_info: Any) -> None:
                failures.append(exc_info[1])

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.set_app(with_environ)
        self.address = ("127.0.0.1", self._server.server_port)

    def __enter__(self) -> WebServer:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def send(
        self,
        method: str = "GET",
        target: str = "/f",
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> ClientResponse:
        """Send one request, its target and headers as they are, and return the answer.

        Content-Length is added where there is a body and no header frames it.
        """
        return send(self.address, method, target, headers, body)


@contextmanager
def serving(app: Callable[..., Iterable[bytes]], environ: Mapping[str, Any] | None = None) -> Any:
    """Serve ``app``, with ``environ`` laid over that of each request; None takes a name out.

    At the end nothing may have been raised.
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
) -> ClientResponse:
    """Do what `WebServer.send` does, with any server."""
    lines = [(name, value) for name, value in headers]
    names = {name.lower() for name, _ in lines}
    if "host" not in names:
        lines.insert(0, ("Host", "shop.test"))
    if body and not names & {"content-length", "transfer-encoding"}:
        lines.append(("Content-Length", str(len(body))))
    head = f"{method} {target} HTTP/1.1\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in [*lines, ("Connection", "close")])
    return send_bytes(address, head.encode("latin-1") + b"\r\n" + body, method)


def send_bytes(address: tuple[str, int], request: bytes, method: str = "GET") -> ClientResponse:
    """Send ``request`` as it is, say that no more comes, and return the answer."""
    with socket.create_connection(address, timeout=20) as sock:
        sock.sendall(request)
        sock.shutdown(socket.SHUT_WR)
        response = http.client.HTTPResponse(sock, method=method)
        try:
            response.begin()
            body = response.read()
            return ClientResponse(response.status, tuple(response.getheaders()), body)
        finally:
            response.close()
