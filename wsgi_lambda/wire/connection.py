"""Open, reuse and close connections: deadline, idle limit, TCP keepalive."""

from __future__ import annotations

import io
import queue
import socket
import time
from typing import Any, Literal

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from wsgi_lambda.wire.attempt import Attempt
from wsgi_lambda.wire.response_head import StrictResponse

# NAT gateways and load balancers drop a connection after 350 s without a packet,
# and a function may run for 15 minutes before it responds.
# https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html
KEEPALIVE_IDLE = 45  # seconds
KEEPALIVE_INTERVAL = 45  # seconds
KEEPALIVE_PROBES = 4

_BLOCK = 256 * 1024  # bytes per write
_RECORD = 16 * 1024  # bytes: the largest TLS record (RFC 8446, 5.1)


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


class _DeadlineSocket:
    """A connected socket; each wait ends at the deadline of the connection's attempt."""

    def __init__(self, sock: socket.socket, connection: IdleLimitedConnection) -> None:
        self._sock = sock
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def settimeout(self, value: float | None) -> None:
        """Do nothing: urllib3 sets a timeout per step, this class one per wait."""

    def sendall(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            self._sock.settimeout(self._connection.attempt.remaining())
            view = view[self._sock.send(view[:_BLOCK]) :]

    def makefile(self, mode: str) -> io.BufferedReader:  # noqa: ARG002
        return io.BufferedReader(_DeadlineReader(self._sock, self._connection))


class _DeadlineReader(io.RawIOBase):
    def __init__(self, sock: socket.socket, connection: IdleLimitedConnection) -> None:
        super().__init__()
        self._sock = sock
        # The socket stays open until the last file made from it is closed.
        self._file = sock.makefile("rb", buffering=0)
        self._connection = connection

    def readable(self) -> Literal[True]:
        return True

    def readinto(self, buffer: Any) -> int:
        attempt = self._connection.attempt
        self._sock.settimeout(attempt.remaining())
        count = self._sock.recv_into(buffer)
        self._connection.last_used = time.monotonic()
        attempt.received = attempt.received or bool(count)
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


class IdleLimitedConnection(HTTPConnection):
    """A connection that is closed instead of reused after ``keepalive`` seconds without use.

    urllib3 keeps idle connections indefinitely. The server may close one at any
    time, and a request sent at that moment is lost. Sending it again could run
    the function twice, so the client closes first. With 0 the pool closes it
    after one request.
    """

    response_class = StrictResponse
    attempt: Attempt

    def __init__(self, *args: Any, keepalive: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.keepalive = keepalive
        self._pending: list[bytes] | None = None
        self.last_used = time.monotonic()

    @property
    def is_connected(self) -> bool:
        return time.monotonic() - self.last_used <= self.keepalive and super().is_connected

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send the head and a small body in one write: one packet, one TLS record."""
        self._pending = []
        try:
            super().request(*args, **kwargs)
            self._flush()
        finally:
            self._pending = None

    def send(self, data: Any) -> None:
        if self._pending is None:
            super().send(data)
        elif len(data) <= _RECORD:
            self._pending.append(data)
        else:
            self._flush()
            super().send(data)

    def putheader(self, header: Any, *values: Any) -> None:
        """Write one header; raises ValueError for a line break, which would start another."""
        line = f"{header}: {values[0]}"
        if "\n" in line or "\r" in line:
            raise ValueError(f"the header {header!r} contains a line break")
        # http.client's putheader() ends with this call; its checks take longer
        # than a signature.
        self._output(line.encode("latin-1"))  # type: ignore[attr-defined]

    def _flush(self) -> None:
        if self._pending:
            super().send(b"".join(self._pending))
            self._pending = []

    def connect(self) -> None:
        super().connect()
        self.sock = _DeadlineSocket(self.sock, self)
        self.attempt.opened = True
        self.last_used = time.monotonic()

    def _tunnel(self) -> None:
        # The deadline also holds for the proxy's response to CONNECT.
        sock, self.sock = self.sock, _DeadlineSocket(self.sock, self)
        super()._tunnel()
        self.sock = sock

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


class Pool(urllib3.HTTPConnectionPool):
    """A pool whose ``timeout`` is an `Attempt`, which goes to the connection it takes."""

    ConnectionCls = IdleLimitedConnection

    def urlopen(self, *args: Any, **kwargs: Any) -> Any:
        # This pool never waits for a free connection. The unused argument passes
        # the attempt to _get_conn(), which runs before a tunnel is opened.
        kwargs["pool_timeout"] = kwargs["timeout"]
        # urllib3 copies the headers and iterates over them; with a dict this takes
        # a fifth of the time.
        kwargs["headers"] = dict(kwargs["headers"].lower_items())
        return super().urlopen(*args, **kwargs)

    def _get_conn(self, timeout: Any = None) -> Any:
        conn: Any = super()._get_conn()
        conn.attempt = timeout
        conn.attempt.reused = conn.attempt.opened = not conn.is_closed
        return conn

    def _put_conn(self, conn: Any) -> None:
        """Keep the connection, or close it if it must not be kept.

        `pool_size` connections may be kept already: urllib3 would log a warning
        each time, and a burst is not a problem. With a `keepalive` of 0 none is
        kept.
        """
        # urllib3 closes idle connections only when it takes them from the pool again.
        if conn is not None and not conn.keepalive:
            conn.close()
        try:
            self.pool.put(conn, block=False)  # type: ignore[union-attr]
        except (AttributeError, queue.Full):  # a closed pool is None
            if conn is not None:
                conn.close()


class PoolTLS(Pool, urllib3.HTTPSConnectionPool):
    """A pool of TLS connections."""

    ConnectionCls = IdleLimitedTLSConnection
