"""Open, reuse and close connections: deadline, idle limit, TCP keepalive."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection

from wsgi_lambda.wire.attempt import Attempt
from wsgi_lambda.wire.exchange import request_head
from wsgi_lambda.wire.open_connections import OpenConnections
from wsgi_lambda.wire.response_head import read_head

# NAT gateways and load balancers drop a connection after 350 s without a packet,
# and a function may run for 15 minutes before it responds.
# https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html
KEEPALIVE_IDLE = 45  # seconds
KEEPALIVE_INTERVAL = 45  # seconds
KEEPALIVE_PROBES = 4

_BLOCK = 256 * 1024  # bytes per write
# Bytes per read: a TLS record has no more (RFC 8446, 5.1), and each thread has its own buffer.
_MOST_RECEIVED = 16 * 1024

# A read takes a microsecond of CPU, over TLS four to twelve, however few bytes it yields.
_FEW = 128  # bytes: reads that yield fewer on average are counted
_MOST_LACKING = 16 * 1024 * _FEW  # bytes: after 16,384 reads of nearly nothing
_PAUSE = 0.02  # seconds
_PER_PAUSE = 8 * _FEW  # bytes: eight reads, since one yields no more than a TLS record


def socket_options() -> list[tuple[int, int, int]]:
    """Return urllib3's default options (TCP_NODELAY) and TCP keepalive.

    Example of an option: ``(IPPROTO_TCP, TCP_KEEPIDLE, 45)``.
    """
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    for name, value in (
        ("TCP_KEEPIDLE", KEEPALIVE_IDLE),
        ("TCP_KEEPINTVL", KEEPALIVE_INTERVAL),
        ("TCP_KEEPCNT", KEEPALIVE_PROBES),
    ):
        if hasattr(socket, name):  # pragma: no branch - Linux has all three
            options.append((socket.IPPROTO_TCP, getattr(socket, name), value))
    return [*HTTPConnection.default_socket_options, *options]


class IdleLimitedConnection(HTTPConnection):
    """A connection that is closed instead of reused after ``keepalive`` seconds without use.

    urllib3 keeps idle connections indefinitely. The server may close one at any
    time, and a request sent at that moment is lost. Sending it again could run
    the function twice, so the client closes first. With 0 the pool closes it
    after one request.
    """

    attempt: Attempt

    def __init__(
        self, *args: Any, keepalive: float, connections: OpenConnections, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.keepalive = keepalive
        self._connections = connections
        self.last_used = time.monotonic()

    @property
    def is_connected(self) -> bool:
        return time.monotonic() - self.last_used <= self.keepalive and super().is_connected

    def write(self, data: bytes) -> None:
        """Send all of ``data``; each wait ends at the deadline of the attempt."""
        self.sock.settimeout(self.attempt.remaining())
        sent = self.sock.send(data[:_BLOCK])
        view = memoryview(data)[sent:]
        while view:
            self.sock.settimeout(self.attempt.remaining())
            view = view[self.sock.send(view[:_BLOCK]) :]

    def receive(self) -> bytes:
        """Return what one read yields, b"" at the end; the wait ends at the attempt's deadline.

        After 16,384 reads of a few bytes each, it waits for 20 ms before every eighth of
        them, so that more bytes are there: the peer decides how many bytes a packet or a
        TLS record has, and this bounds the CPU that it takes.
        """
        attempt = self.attempt
        if attempt.lacking > _MOST_LACKING:
            time.sleep(min(_PAUSE, attempt.remaining()))
            attempt.lacking -= _PER_PAUSE
        self.sock.settimeout(attempt.remaining())
        received: bytes = self.sock.recv(_MOST_RECEIVED)
        self.last_used = time.monotonic()
        lacking = attempt.lacking + _FEW - len(received)
        attempt.lacking = lacking if lacking > 0 else 0
        if received:
            attempt.last_byte = self.last_used
        return received

    def interrupt(self) -> None:
        """End the connection, so that another thread that waits in `receive` goes on.

        It ends in all processes that have it. `close` closes it in this process alone.
        """
        if self.sock is not None:
            with suppress(OSError):  # the peer has closed it already
                self.sock.shutdown(socket.SHUT_RDWR)

    def connect(self) -> None:
        super().connect()
        self.attempt.opened = True
        self._connections.add(self)
        self.last_used = time.monotonic()

    def set_tunnel(
        self,
        host: str,
        port: int | None = None,
        headers: Mapping[str, str] | None = None,
        scheme: str = "http",
    ) -> None:
        super().set_tunnel(host, port, headers, scheme)
        authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._connect_head = request_head(
            "CONNECT", authority, [("Host", authority), *(headers or {}).items()]
        )

    def _tunnel(self) -> None:
        """Ask the proxy for a tunnel; urllib3 calls this before the TLS handshake."""
        self.write(self._connect_head)
        head, rest = read_head(self.receive)
        if head.status != 200 or rest:
            raise OSError(f"Tunnel connection failed: {head.status} {head.reason}")
        self.attempt.last_byte = 0.0  # the proxy responded, not the server

    def _new_conn(self) -> socket.socket:
        """Try the host's addresses in turn, each with an equal share of the time left."""
        addresses = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
        for tried, (family, kind, protocol, _, address) in enumerate(addresses):
            sock = socket.socket(family, kind, protocol)
            try:
                for name in self.socket_options or ():
                    sock.setsockopt(*name)
                sock.settimeout(self.attempt.remaining() / (len(addresses) - tried))
                sock.connect(address)
                # The TLS handshake gets the rest of the time.
                sock.settimeout(self.attempt.remaining())
            except OSError:
                sock.close()
                if tried + 1 == len(addresses):
                    raise
            else:
                return sock
        raise socket.gaierror(socket.EAI_NONAME, "the host has no address")


class IdleLimitedTLSConnection(IdleLimitedConnection, HTTPSConnection):
    """An idle-limited connection over TLS."""

    def connect(self) -> None:
        super().connect()
        # An end without an alert may be made by anybody on the way (RFC 9112, 9.8).
        self.sock.suppress_ragged_eofs = False  # type: ignore[union-attr]
