"""Serve any bytes over TCP, at any pace, to a client that sends one HTTP request."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Event

from tests.servers.background import InBackground
from tests.servers.certificate import certificate

#: Gets the head of the request and the connection, and an event that is set at the end.
Answer = Callable[[bytes, socket.socket, Event], None]


class _Server(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = False
    request_queue_size = 50


class RawService(InBackground):
    """Let ``answer`` respond to each request on a loopback port, then close the connection."""

    def __init__(self, answer: Answer, *, tls: bool = False) -> None:
        self._scheme = "https" if tls else "http"
        self.ended = ended = Event()

        class Handler(BaseRequestHandler):
            def handle(self) -> None:
                head = b""
                with suppress(OSError), secured(self.request) as connection:
                    while b"\r\n\r\n" not in head and (data := connection.recv(65536)):
                        head += data
                    answer(head, connection, ended)

        def secured(connection: socket.socket) -> socket.socket:
            if not tls:
                return connection
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate())
            return context.wrap_socket(connection, server_side=True)

        self._server = _Server(("127.0.0.1", 0), Handler)

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        super().__exit__()

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_address[1]}"


def reply(body: bytes, status: str = "200 OK", *lines: str) -> Answer:
    """Send a complete response."""
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *lines, "", ""])

    def answer(_: bytes, connection: socket.socket, ended: Event) -> None:
        connection.sendall(head.encode() + body)

    return answer


def endless(start: bytes, part: bytes, pause: float = 0) -> Answer:
    """Send ``start``, then ``part`` again and again, until the client or the test ends."""

    def answer(_: bytes, connection: socket.socket, ended: Event) -> None:
        connection.sendall(start)
        while not ended.wait(pause):
            connection.sendall(part)

    return answer
