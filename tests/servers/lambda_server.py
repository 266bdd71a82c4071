"""The far end of the socket tests: Lambda's Invoke API, scripted, on a loopback port.

It is written from AWS's description of Signature Version 4, and shares no code
with what it tests.
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
    """What a step works with, in the connection's own thread.

    ``sent`` counts the bytes that were sent. At accept time there is no
    ``invocation``, and with TLS nothing can be sent.
    """

    sock: socket.socket
    connection: int
    invocation: Invocation | None = None
    sent: int = 0
    closing: bool = False

    def send(self, data: bytes) -> None:
        """Send all of ``data``; OSError once the peer has gone or the server ends."""
        rest = memoryview(data)
        while rest:
            count = self.sock.send(rest)
            self.sent += count
            rest = rest[count:]

    def close(self) -> None:
        """Have the connection closed, without a word, when the step returns."""
        self.closing = True

    def reset(self) -> None:
        """Have the connection reset (RST, not FIN) when the step returns."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def ended(self, *, within: float | None = 0) -> bool:
        """Return whether the peer has closed its side or the server ends, at most so late.

        ``within`` is in seconds, None for as long as it takes. Nothing is read.
        """
        poll = select.poll()
        poll.register(self.sock, getattr(select, "POLLRDHUP", 0))
        return bool(poll.poll(None if within is None else within * 1000))


Step = Callable[[Exchange], None]


def respond(
    status: int, headers: Headers = (), body: bytes = b"", *, reason: str | None = None
) -> Step:
    """Answer as Lambda does: JSON, with a request id and a length, unless ``headers`` has them.

    ``Connection: close`` among the headers is done as well as said.
    """
    given = list(headers.items() if isinstance(headers, Mapping) else headers)
    names = {name.lower() for name, _ in given}
    phrase = http.client.responses.get(status, "Unknown") if reason is None else reason

    def step(exchange: Exchange) -> None:
        usual = [("Content-Type", "application/json"), ("X-Amzn-RequestId", str(uuid.uuid4()))]
        if status != 204 and "transfer-encoding" not in names:
            usual.append(("Content-Length", str(len(body))))
        lines = given + [pair for pair in usual if pair[0].lower() not in names]
        exchange.send(_head(f"{status} {phrase}", lines) + body)
        if ("connection", "close") in [(name.lower(), value.lower()) for name, value in given]:
            exchange.close()

    return step


def echo() -> Step:
    """Answer with the event, as a function that returns what it is given."""

    def step(exchange: Exchange) -> None:
        event = exchange.invocation and exchange.invocation.body
        respond(200, {}, event or b"{}")(exchange)

    return step


def raw(data: bytes, close: bool = False) -> Step:
    """Send exactly ``data``, and close the connection if told to."""

    def step(exchange: Exchange) -> None:
        exchange.send(data)
        if close:
            exchange.close()

    return step


def drip(data: bytes, interval: float, chunk: int = 1) -> Step:
    """Send ``chunk`` bytes every ``interval`` seconds, and stop if the peer or the server ends."""

    def step(exchange: Exchange) -> None:
        for start in range(0, len(data), chunk):
            exchange.send(data[start : start + chunk])
            if exchange.ended(within=interval):
                return exchange.close()
        return None

    return step


def endless(prefix_headers: Headers = ()) -> Step:
    """Send a 200 with these headers alone, and a body until the peer goes away."""
    pairs = list(prefix_headers.items() if isinstance(prefix_headers, Mapping) else prefix_headers)

    def step(exchange: Exchange) -> None:
        exchange.send(_head("200 OK", pairs))
        while True:  # ends with the OSError of a connection that is no more
            exchange.send(b"x" * 65536)

    return step


def never_read(exchange: Exchange) -> None:
    """Keep the connection, reading and sending nothing, until the peer or the server closes it.

    It is a step itself, meant for `LambdaServer.on_accept`.
    """
    exchange.ended(within=None)
    exchange.close()


def hang() -> Step:
    """Never answer; the connection ends when the peer or the server closes it."""
    return never_read


def reset_on_accept(exchange: Exchange) -> None:
    """Reset the connection, nothing sent; a step itself, meant for `LambdaServer.on_accept`."""
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
    """Reset the connection, nothing sent."""
    return reset_on_accept


def reset_after(data: bytes) -> Step:
    """Send exactly ``data``, then reset the connection."""

    def step(exchange: Exchange) -> None:
        exchange.send(data)
        exchange.reset()

    return step


def close_after(step: Step) -> Step:
    """Do ``step``, then close the connection without having said so.

    It is closed once `LambdaServer.open_connections` no longer counts it.
    """

    def closing(exchange: Exchange) -> None:
        step(exchange)
        exchange.close()

    return closing


def wait_for(event: threading.Event, step: Step) -> Step:
    """Do ``step`` once ``event`` is set, or close if the peer or the server ends before."""

    def waiting(exchange: Exchange) -> None:
        while not event.wait(0.02):
            if exchange.ended():
                return exchange.close()
        return step(exchange)

    return waiting


def _head(status: str, headers: Iterable[tuple[str, str]]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode("latin-1")


class LambdaServer:
    """A far end that checks signatures, keeps what it was sent, and answers as told.

    Inside ``with`` it listens at ``host`` and ``port``. A request whose whole
    body arrived and whose signature is right is in ``invocations``, its
    `Exchange` in ``exchanges``, before its step runs. Why others were refused
    is in ``errors``; they take no step of the script. ``connections`` counts
    all that were accepted. A step in ``on_accept`` runs for each of them,
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
        self._listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # accepted ones too
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
                with suppress(OSError):  # the peer was faster
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        if any(thread.is_alive() for thread in self._threads):
            raise RuntimeError("a step did not end with the server")

    def respond(
        self, status: int, headers: Headers = (), body: bytes = b"", *, reason: str | None = None
    ) -> None:
        """Answer so, see `respond`, whenever the script has no step; at first, 200 and ``{}``."""
        self._default = respond(status, headers, body, reason=reason)

    def script(self, *steps: Step) -> None:
        """Do one of ``steps`` for each of the next requests, after those already scripted."""
        with self._changed:
            self._script.extend(steps)

    def open_connections(self) -> int:
        """Return how many connections are not closed yet at this end."""
        with self._changed:
            return len(self._open)

    def wait_until(self, predicate: Callable[[], bool], timeout: float = 5) -> bool:
        """Return whether ``predicate`` came true, asked anew whenever something happens here."""
        with self._changed:
            return bool(self._changed.wait_for(predicate, timeout))

    def _accept(self) -> None:
        while self._stopped not in select.select([self._listener, self._stopped], [], [])[0]:
            with suppress(OSError):  # gone before it was accepted
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
            with suppress(OSError):  # the peer went away, or this server ends
                self._converse(number, sock)
        finally:
            with self._changed:
                sock.close()
                del self._open[number]
                self._changed.notify_all()

    def _converse(self, number: int, sock: socket.socket) -> None:
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
        """Take one request and do its step; return whether another may follow."""
        try:
            invocation = read_invocation(reader, number)
        except ValueError as error:
            self._refuse(f"Malformed request: {error}")
            respond(400)(Exchange(sock=sock, connection=number))
            return False
        if invocation is None:
            return False
        exchange = Exchange(sock=sock, connection=number, invocation=invocation)
        self._next_step(invocation, exchange)(exchange)
        return not exchange.closing and (invocation.header("connection") or "").lower() != "close"

    def _next_step(self, invocation: Invocation, exchange: Exchange) -> Step:
        try:
            if self.verify:
                check_signature(invocation, region=self.region, credentials=self.credentials)
        except Refused as refused:
            self._refuse(str(refused))
            message = json.dumps({"message": refused.message}).encode()
            return respond(403, {"x-amzn-ErrorType": refused.error_type}, message)
        with self._changed:
            self.invocations.append(invocation)
            self.exchanges.append(exchange)
            self._changed.notify_all()
            return self._script.popleft() if self._script else self._default

    def _refuse(self, why: str) -> None:
        with self._changed:
            self.errors.append(why)
            self._changed.notify_all()
