"""Serve Lambda's Invoke API on a loopback port, with scripted responses and faults.

It verifies Signature Version 4, written from AWS's description, and shares no
code with the package.
"""

from __future__ import annotations

import http.client
import json
import select
import socket
import ssl
import struct
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tests.servers.certificate import certificate
from tests.servers.received_request import Invocation, read_invocation
from tests.servers.sigv4 import Credentials, Refused, check_signature

Headers = Mapping[str, str] | Iterable[tuple[str, str]]


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One request and its connection, for a step that runs in the connection's thread.

    ``sent`` counts the bytes that were sent. In `LambdaServer.on_accept` the
    ``invocation`` is None, and with TLS nothing can be sent yet.
    """

    sock: socket.socket
    connection: int
    invocation: Invocation | None = None
    sent: int = 0
    closing: bool = False
    alerts: bool = True

    def send(self, data: bytes) -> None:
        """Send all of ``data``; raises OSError if the peer or the server closes the connection."""
        rest = memoryview(data)
        while rest:
            count = self.sock.send(rest)
            self.sent += count
            rest = rest[count:]

    def close(self) -> None:
        """Close the connection when the step returns, without a Connection header."""
        self.closing = True

    def cut(self) -> None:
        """Close the connection when the step returns, with TLS without the alert that ends it."""
        self.alerts = False
        self.close()

    def reset(self) -> None:
        """Reset the connection (RST, not FIN) when the step returns."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.cut()

    def ended(self, *, within: float | None = 0) -> bool:
        """Return whether the peer has closed its side or the server ends within ``within`` seconds.

        None waits without a limit. Nothing is read.
        """
        poll = select.poll()
        poll.register(self.sock, getattr(select, "POLLRDHUP", 0))
        return bool(poll.poll(None if within is None else within * 1000))


Step = Callable[[Exchange], None]


def respond(
    status: int, headers: Headers = (), body: bytes = b"", *, reason: str | None = None
) -> Step:
    """Send a response with Lambda's headers: JSON, request id and length.

    ``headers`` override these. After ``Connection: close`` the connection is closed.
    """
    own = list(headers.items() if isinstance(headers, Mapping) else headers)
    names = {name.lower() for name, _ in own}
    phrase = http.client.responses.get(status, "Unknown") if reason is None else reason

    def step(exchange: Exchange) -> None:
        defaults = [("Content-Type", "application/json"), ("X-Amzn-RequestId", str(uuid.uuid4()))]
        if status != 204 and "transfer-encoding" not in names:
            defaults.append(("Content-Length", str(len(body))))
        lines = own + [pair for pair in defaults if pair[0].lower() not in names]
        exchange.send(head(f"{status} {phrase}", lines) + body)
        if ("connection", "close") in [(name.lower(), value.lower()) for name, value in own]:
            exchange.close()

    return step


def echo() -> Step:
    """Respond with the event, like a function that returns its event."""

    def step(exchange: Exchange) -> None:
        event = exchange.invocation and exchange.invocation.body
        respond(200, {}, event or b"{}")(exchange)

    return step


def raw(data: bytes, close: bool = False) -> Step:
    """Send exactly ``data``, then close the connection if ``close`` is true."""

    def step(exchange: Exchange) -> None:
        exchange.send(data)
        if close:
            exchange.close()

    return step


def drip(data: bytes, interval: float, chunk: int = 1) -> Step:
    """Send ``chunk`` bytes every ``interval`` seconds until the peer or the server ends."""

    def step(exchange: Exchange) -> None:
        for start in range(0, len(data), chunk):
            exchange.send(data[start : start + chunk])
            if exchange.ended(within=interval):
                return exchange.close()
        return None

    return step


def endless(prefix_headers: Headers = ()) -> Step:
    """Send a 200 with only these headers, and a body that ends with the connection."""
    pairs = list(prefix_headers.items() if isinstance(prefix_headers, Mapping) else prefix_headers)

    def step(exchange: Exchange) -> None:
        exchange.send(head("200 OK", pairs))
        while True:  # ends with an OSError when the peer closes
            exchange.send(b"x" * 65536)

    return step


def never_read(exchange: Exchange) -> None:
    """Keep the connection open without reading or sending, until the peer or the server closes it.

    It is a step, for `LambdaServer.on_accept`.
    """
    exchange.ended(within=None)
    exchange.close()


def hang() -> Step:
    """Send no response; the connection ends when the peer or the server closes it."""
    return never_read


def reset_on_accept(exchange: Exchange) -> None:
    """Reset the connection without sending; a step, for `LambdaServer.on_accept`."""
    exchange.reset()


def reset_on_hello(exchange: Exchange) -> None:
    """Reset the connection once the peer has sent its TLS hello; for `LambdaServer.on_accept`.

    A reset before the hello is a race: if it arrives while the peer makes its
    `ssl.SSLSocket`, CPython 3.11 leaves that socket to the garbage collector, and
    the ResourceWarning fails a test.
    """
    select.select([exchange.sock], [], [])
    exchange.reset()


def reset() -> Step:
    """Reset the connection without sending."""
    return reset_on_accept


def reset_after(data: bytes) -> Step:
    """Send exactly ``data``, then reset the connection."""

    def step(exchange: Exchange) -> None:
        exchange.send(data)
        exchange.reset()

    return step


def close_after(step: Step) -> Step:
    """Run ``step``, then close the connection without ``Connection: close``.

    The connection is closed once `LambdaServer.open_connections` no longer counts it.
    """

    def closing(exchange: Exchange) -> None:
        step(exchange)
        exchange.close()

    return closing


def wait_for(event: threading.Event, step: Step) -> Step:
    """Run ``step`` once ``event`` is set; close if the peer or the server ends first."""

    def waiting(exchange: Exchange) -> None:
        while not event.wait(0.02):
            if exchange.ended():
                return exchange.close()
        return step(exchange)

    return waiting


def head(status: str, headers: Iterable[tuple[str, str]]) -> bytes:
    """Return a response head with exactly these headers."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode("latin-1")


class LambdaServer:
    """A stand-in for Lambda: it checks signatures, records requests and follows a script.

    Inside ``with`` it listens on ``host`` and ``port``. A complete request with
    a valid signature is in ``invocations``, and its `Exchange` in
    ``exchanges``, before its step runs. Other requests are rejected, with the
    reason in ``errors``, and use no step of the script. ``connections`` counts
    all accepted connections. ``on_accept`` is a step that runs for each of them
    before the TLS handshake. ``credentials`` may be changed at any time.
    """

    host = "127.0.0.1"

    def __init__(
        self,
        *,
        tls: bool = False,
        region: str = "us-east-1",
        credentials: Credentials | None = None,
        verify: bool = True,
    ) -> None:
        self.region = region
        self.credentials = dict(credentials or {})
        self.verify = verify
        self.on_accept: Step | None = None
        self.port = 0
        self.connections = 0
        self.invocations: list[Invocation] = []
        self.exchanges: list[Exchange] = []
        self.errors: list[str] = []
        self.ca_bundle: Path | None = None
        self._context: ssl.SSLContext | None = None
        self._default = respond(200, {}, b"{}")
        self._script: deque[Step] = deque()
        self._open: dict[int, socket.socket] = {}
        self._threads: list[threading.Thread] = []
        self._changed = threading.Condition()
        if tls:
            self.ca_bundle, key = certificate()
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(self.ca_bundle, key)

    def __enter__(self) -> LambdaServer:
        self._listener = socket.create_server((self.host, 0), backlog=128)
        # Accepted sockets inherit this.
        self._listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = self._listener.getsockname()[1]
        self._stop, self._stopped = socket.socketpair()
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close every connection and join every thread; RuntimeError if a step does not end."""
        self._stop.close()
        self._acceptor.join()
        self._stopped.close()
        self._listener.close()
        with self._changed:
            for sock in self._open.values():
                with suppress(OSError):  # the peer has closed it already
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        if any(thread.is_alive() for thread in self._threads):
            raise RuntimeError("a step did not end with the server")

    def respond(
        self, status: int, headers: Headers = (), body: bytes = b"", *, reason: str | None = None
    ) -> None:
        """Set the response (see the function `respond`) for when the script is empty."""
        self._default = respond(status, headers, body, reason=reason)

    def always(self, step: Step) -> None:
        """Run ``step`` for each request when the script is empty."""
        self._default = step

    def script(self, *steps: Step) -> None:
        """Append ``steps`` to the script, one for each of the next requests."""
        with self._changed:
            self._script.extend(steps)

    def open_connections(self) -> int:
        """Return how many connections the server has not closed yet."""
        with self._changed:
            return len(self._open)

    def wait_until(self, predicate: Callable[[], bool], timeout: float = 5) -> bool:
        """Return whether ``predicate`` becomes true; it is called again after every change."""
        with self._changed:
            return bool(self._changed.wait_for(predicate, timeout))

    def _accept(self) -> None:
        while self._stopped not in select.select([self._listener, self._stopped], [], [])[0]:
            with suppress(OSError):  # closed before it was accepted
                self._start(self._listener.accept()[0])

    def _start(self, sock: socket.socket) -> None:
        if self._context:
            sock = self._context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        with self._changed:
            self.connections += 1
            number = self.connections
            self._open[number] = sock
            self._changed.notify_all()
        thread = threading.Thread(target=self._serve, args=(number, sock), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _serve(self, number: int, sock: socket.socket) -> None:
        try:
            with suppress(OSError):  # the peer or this server has closed it
                self._serve_requests(number, sock)
        finally:
            with self._changed:
                sock.close()
                del self._open[number]
                self._changed.notify_all()

    def _serve_requests(self, number: int, sock: socket.socket) -> None:
        accepted = Exchange(sock=sock, connection=number)
        if self.on_accept:
            self.on_accept(accepted)
            if accepted.closing:
                return
        if isinstance(sock, ssl.SSLSocket):
            sock.do_handshake()
        with sock.makefile("rb") as reader:
            while self._exchange(reader, number, sock):
                pass

    def _exchange(self, reader: BinaryIO, number: int, sock: socket.socket) -> bool:
        """Read one request and run its step; return whether another may follow."""
        try:
            invocation = read_invocation(reader, number)
        except ValueError as error:
            self._reject(f"Malformed request: {error}")
            respond(400)(Exchange(sock=sock, connection=number))
            return False
        if invocation is None:
            return False
        exchange = Exchange(sock=sock, connection=number, invocation=invocation)
        self._next_step(invocation, exchange)(exchange)
        if isinstance(sock, ssl.SSLSocket) and exchange.closing and exchange.alerts:
            sock.settimeout(0)  # the peer's own alert may never come
            with suppress(OSError):
                sock.unwrap()
        return not exchange.closing and (invocation.header("connection") or "").lower() != "close"

    def _next_step(self, invocation: Invocation, exchange: Exchange) -> Step:
        try:
            if self.verify:
                check_signature(invocation, region=self.region, credentials=self.credentials)
        except Refused as refused:
            self._reject(str(refused))
            message = json.dumps({"message": refused.message}).encode()
            return respond(403, {"x-amzn-ErrorType": refused.error_type}, message)
        with self._changed:
            self.invocations.append(invocation)
            self.exchanges.append(exchange)
            self._changed.notify_all()
            return self._script.popleft() if self._script else self._default

    def _reject(self, reason: str) -> None:
        with self._changed:
            self.errors.append(reason)
            self._changed.notify_all()
