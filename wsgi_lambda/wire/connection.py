"""Connections and their pool: idle limit, total deadline, TCP keepalive."""

from __future__ import annotations

import io
import socket
import time
from typing import Any, Literal

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from wsgi_lambda.wire.attempt import Attempt
from wsgi_lambda.wire.response_head import StrictResponse

# NAT gateways and load balancers forget a silent connection after 350 s, and a
# function may be silent for 15 minutes.
# https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html
KEEPALIVE_IDLE = 45  # seconds
KEEPALIVE_INTERVAL = 45  # seconds
KEEPALIVE_PROBES = 4

_BLOCK = 256 * 1024  # bytes written at once
_RECORD = 16 * 1024  # bytes: what TLS sends in one piece


def socket_options() -> list[tuple[int, int, int]]:
    """Return urllib3's own options (TCP_NODELAY), and TCP keepalive where there is any."""
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
    """A connected socket whose every wait ends at the attempt's deadline."""

    def __init__(self, sock: socket.socket, connection: _Watched) -> None:
        self._sock = sock
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def settimeout(self, value: float | None) -> None:
        """Do nothing: urllib3 sets one before each step, here each wait has its own."""

    def sendall(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            self._sock.settimeout(self._connection.attempt.remaining())
            view = view[self._sock.send(view[:_BLOCK]) :]

    def makefile(self, mode: str) -> io.BufferedReader:  # noqa: ARG002
        return io.BufferedReader(_DeadlineReader(self._sock, self._connection))


class _DeadlineReader(io.RawIOBase):
    def __init__(self, sock: socket.socket, connection: _Watched) -> None:
        super().__init__()
        self._sock = sock
        # The socket counts its files: it stays open until the last is closed.
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


class _Watched(HTTPConnection):
    """A connection that is closed, not used, when idle for longer than ``keepalive`` s.

    urllib3 keeps an idle connection for ever; the far end hangs up when it
    likes, and a request that meets the hang-up is lost. Sending it again could
    run the function twice, so we hang up first.
    """

    response_class = StrictResponse
    attempt: Attempt

    def __init__(self, *args: Any, keepalive: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._keepalive = keepalive
        self._held: list[bytes] | None = None
        self.last_used = time.monotonic()

    @property
    def is_connected(self) -> bool:
        return time.monotonic() - self.last_used <= self._keepalive and super().is_connected

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send a request's head and a small body in one piece: one packet, one TLS record."""
        self._held = []
        try:
            super().request(*args, **kwargs)
            self._release()
        finally:
            self._held = None

    def send(self, data: Any) -> None:
        if self._held is None:
            super().send(data)
        elif len(data) <= _RECORD:
            self._held.append(data)
        else:
            self._release()
            super().send(data)

    def putheader(self, header: Any, *values: Any) -> None:
        """Write one header; a line end in it, which would begin another, is a ValueError."""
        line = f"{header}: {values[0]}"
        if "\n" in line or "\r" in line:
            raise ValueError(f"a line end in the header {header!r}")
        # What http.client does after its own checks, which take longer than a signature.
        self._output(line.encode("latin-1"))  # type: ignore[attr-defined]

    def _release(self) -> None:
        if self._held:
            super().send(b"".join(self._held))
            self._held = []

    def connect(self) -> None:
        super().connect()
        self.sock = _DeadlineSocket(self.sock, self)
        self.attempt.opened = True
        self.last_used = time.monotonic()

    def _tunnel(self) -> None:
        # The proxy's word on CONNECT is awaited like any other.
        sock, self.sock = self.sock, _DeadlineSocket(self.sock, self)
        super()._tunnel()
        self.sock = sock

    def _new_conn(self) -> socket.socket:
        """Try every address of the host, each with its share of the time left."""
        addresses = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
        for tried, (family, kind, protocol, _, address) in enumerate(addresses):
            sock = socket.socket(family, kind, protocol)
            try:
                for name in self.socket_options or ():
                    sock.setsockopt(*name)
                sock.settimeout(self.attempt.remaining() / (len(addresses) - tried))
                sock.connect(address)
                # What is left is for the handshake.
                sock.settimeout(self.attempt.remaining())
            except OSError:
                sock.close()
                if tried + 1 == len(addresses):
                    raise
            else:
                return sock
        raise socket.gaierror(socket.EAI_NONAME, "the host has no address")


class _WatchedTLS(_Watched, HTTPSConnection):
    pass


class Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Watched

    def urlopen(self, *args: Any, **kwargs: Any) -> Any:
        # This pool never waits for a connection, so that this argument is free
        # to carry the attempt to where one is taken, before any tunnel.
        kwargs["pool_timeout"] = kwargs["timeout"]
        # urllib3 copies and walks through them; a dict takes a fifth of the time.
        kwargs["headers"] = dict(kwargs["headers"].lower_items())
        return super().urlopen(*args, **kwargs)

    def _get_conn(self, timeout: Any = None) -> Any:
        conn: Any = super()._get_conn()
        conn.attempt = timeout
        conn.attempt.reused = conn.attempt.opened = not conn.is_closed
        return conn


class PoolTLS(Pool, urllib3.HTTPSConnectionPool):
    ConnectionCls = _WatchedTLS
