"""The far end of the conformance tests: Lambda's Invoke API, scripted, on a loopback port.

It is written from AWS's description of Signature Version 4, and shares no code
with what it tests.
"""

from __future__ import annotations

import atexit
import hashlib
import hmac
import http.client
import json
import posixpath
import re
import select
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote, unquote

Headers = Mapping[str, str] | Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One request as it was on the wire, its body without chunks; ``connection`` counts from 1."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""
    connection: int = 0

    @property
    def path(self) -> str:
        """The target up to its question mark, still percent-encoded."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    @property
    def event(self) -> Any:
        """What the function would have been given; ValueError if the body is not JSON."""
        return json.loads(self.body)

    def all(self, name: str) -> list[str]:
        """Return the values of ``name`` in their order, its case ignored."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name: str) -> str | None:
        """Return the first value of ``name``, its case ignored, or None."""
        return next(iter(self.all(name)), None)


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


def answer(
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
        answer(200, {}, event or b"{}")(exchange)

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


# Signature Version 4, from AWS's description of it.


class Refused(Exception):
    """Why AWS would not take a request: its error type, its message, and what helps to debug."""

    def __init__(self, error_type: str, message: str, detail: str = "") -> None:
        super().__init__(f"{error_type}: {message}" + (detail and f"\n{detail}"))
        self.error_type, self.message = error_type, message


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a signing key is good for; ``date`` is YYYYMMDD."""

    date: str
    region: str
    service: str

    def __str__(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


def canonical_request(request: Invocation, signed_headers: str) -> str:
    """Return the text that AWS hashes for ``request``, its payload hash made from the body."""
    headers = [f"{name}:{_canonical_value(request, name)}" for name in signed_headers.split(";")]
    return "\n".join(
        [
            request.method,
            _canonical_path(request.path),
            _canonical_query(request.query),
            *headers,
            "",
            signed_headers,
            hashlib.sha256(request.body).hexdigest(),
        ]
    )


def _canonical_path(path: str) -> str:
    """Normalize the path, and encode it again: all services but S3 have it encoded twice."""
    normal = posixpath.normpath(re.sub("/+", "/", path or "/"))
    if path.endswith("/") and normal != "/":
        normal += "/"
    return quote(normal, safe="/", encoding="latin-1")


def _canonical_query(query: str) -> str:
    pairs = [pair.partition("=")[::2] for pair in query.split("&") if pair]
    encoded = [tuple(quote(unquote(part), safe="") for part in pair) for pair in pairs]
    return "&".join(f"{name}={value}" for name, value in sorted(encoded))


def _canonical_value(request: Invocation, name: str) -> str:
    return ",".join(re.sub(" +", " ", value.strip()) for value in request.all(name))


def signing_key(secret: str, scope: Scope) -> bytes:
    """Return the key that AWS derives from ``secret`` for ``scope``."""
    key = f"AWS4{secret}".encode()
    for part in str(scope).split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def signature(secret: str, scope: Scope, timestamp: str, canonical: str) -> str:
    """Return the signature of a canonical request; ``timestamp`` is its x-amz-date."""
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    string_to_sign = f"AWS4-HMAC-SHA256\n{timestamp}\n{scope}\n{digest}"
    return hmac.new(signing_key(secret, scope), string_to_sign.encode(), "sha256").hexdigest()


Credentials = Mapping[str, tuple[str, str | None]]

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/,\s]+)/(\d{8})/([^/,\s]+)/([^/,\s]+)/aws4_request, *"
    r"SignedHeaders=([^,\s]+), *Signature=([0-9a-f]{64})"
)


def check_signature(request: Invocation, *, region: str, credentials: Credentials) -> None:
    """Raise `Refused` unless AWS would take ``request`` as signed for Lambda in ``region``.

    ``credentials`` has the secret and the session token, or None, of each key id.
    """
    authorization = request.header("authorization")
    if authorization is None:
        raise Refused("MissingAuthenticationTokenException", "Missing Authentication Token")
    match = _AUTHORIZATION.fullmatch(authorization)
    if match is None:
        raise Refused("IncompleteSignatureException", f"Not of Version 4: {authorization!r}")
    key_id, date, scope_region, service, signed, given = match.groups()
    scope = Scope(date=date, region=scope_region, service=service)
    _check_scope(scope, region)
    secret = _secret_of(request, key_id, credentials)
    timestamp = _check_date(request, scope)
    _check_signed_headers(request, signed)
    canonical = canonical_request(request, signed)
    if not hmac.compare_digest(signature(secret, scope, timestamp, canonical), given):
        message = "The request signature we calculated does not match the signature you provided."
        raise _invalid(message, f"The canonical request:\n{canonical}")


def _invalid(message: str, detail: str = "") -> Refused:
    return Refused("InvalidSignatureException", message, detail)


def _check_scope(scope: Scope, region: str) -> None:
    if scope.region != region:
        raise _invalid(f"Credential should be scoped to a valid region, not '{scope.region}'.")
    if scope.service != "lambda":
        raise _invalid("Credential should be scoped to correct service: 'lambda'.")


def _secret_of(request: Invocation, key_id: str, credentials: Credentials) -> str:
    secret, token = credentials.get(key_id, (None, None))
    if secret is None or request.header("x-amz-security-token") != token:
        message = "The security token included in the request is invalid."
        raise Refused("UnrecognizedClientException", message)
    return secret


def _check_date(request: Invocation, scope: Scope) -> str:
    """Return x-amz-date, which is the scope's day and within five minutes of now."""
    timestamp = request.header("x-amz-date") or ""
    try:
        sent = datetime.strptime(timestamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        message = f"X-Amz-Date must be YYYYMMDDTHHMMSSZ, not {timestamp!r}"
        raise Refused("IncompleteSignatureException", message) from None
    if not timestamp.startswith(f"{scope.date}T"):
        raise _invalid(f"Date in Credential scope does not match {timestamp}.")
    age = datetime.now(UTC) - sent
    if age > timedelta(minutes=5):
        raise _invalid(f"Signature expired: {timestamp} is {age} old.")
    if age < timedelta(minutes=-5):
        raise _invalid(f"Signature not yet current: {timestamp} is {-age} ahead.")
    return timestamp


def _check_signed_headers(request: Invocation, signed_headers: str) -> None:
    names = signed_headers.split(";")
    if names != sorted({name.lower() for name in names}):
        raise _invalid(f"SignedHeaders must be lower case and sorted: {signed_headers}")
    if absent := [name for name in names if not request.all(name)]:
        raise _invalid(f"Signed, but not sent: {absent}")
    for name in ("host", "x-amz-security-token"):
        if name not in names and (name == "host" or request.all(name)):
            raise _invalid(f"'{name}' must be a 'SignedHeader' in the AWS Authorization.")
    payload = hashlib.sha256(request.body).hexdigest()
    if request.header("x-amz-content-sha256") not in (None, payload):
        message = "The provided 'x-amz-content-sha256' header does not match what was computed."
        raise _invalid(message)


# Requests as they come.


def read_invocation(reader: BinaryIO, connection: int) -> Invocation | None:
    """Read one request; None if there is none, OSError if it is cut short, ValueError if bad."""
    line = reader.readline(65537)
    if not line:
        return None
    method, target, version = line.decode("latin-1").split()
    if version != "HTTP/1.1":
        raise ValueError(f"not HTTP/1.1: {line!r}")
    headers = tuple(_read_headers(reader))
    head = Invocation(method=method, target=target, headers=headers, connection=connection)
    return replace(head, body=_read_body(reader, head))


def _read_headers(reader: BinaryIO) -> Iterable[tuple[str, str]]:
    while (line := _read_line(reader)) != b"":
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or not name or name != name.strip():
            raise ValueError(f"not a header: {line!r}")
        yield name, value.strip(" \t")


def _read_body(reader: BinaryIO, head: Invocation) -> bytes:
    lengths, codings = head.all("content-length"), head.all("transfer-encoding")
    if codings:
        if codings != ["chunked"] or lengths:
            raise ValueError(f"framed by {codings} and {lengths}")
        return _read_chunks(reader)
    if len(lengths) > 1 or not all(re.fullmatch("[0-9]+", length) for length in lengths):
        raise ValueError(f"not one length: {lengths}")
    return _read_exactly(reader, int(lengths[0]) if lengths else 0)


def _read_chunks(reader: BinaryIO) -> bytes:
    body = bytearray()
    while size := int(_read_line(reader).partition(b";")[0], 16):
        body += _read_exactly(reader, size)
        if _read_exactly(reader, 2) != b"\r\n":
            raise ValueError("a chunk is longer than it says")
    list(_read_headers(reader))  # the trailer
    return bytes(body)


def _read_line(reader: BinaryIO) -> bytes:
    line = reader.readline(65537)
    if not line:
        raise ConnectionError("the request was cut short")
    if not line.endswith(b"\r\n"):
        raise ValueError(f"not a line: {line[:80]!r}")
    return line[:-2]


def _read_exactly(reader: BinaryIO, size: int) -> bytes:
    data = reader.read(size)
    if len(data) < size:
        raise ConnectionError("the request was cut short")
    return data


# The server.

_CERTIFICATE = """
[req]
prompt = no
distinguished_name = name
x509_extensions = extensions
[name]
CN = localhost
[extensions]
basicConstraints = critical, CA:TRUE
keyUsage = critical, digitalSignature, keyCertSign
subjectKeyIdentifier = hash
subjectAltName = DNS:localhost, IP:127.0.0.1
"""


class OpenSSLMissingError(RuntimeError):
    """There is no ``openssl`` program, which the certificate is made with."""


@cache
def certificate() -> tuple[Path, Path]:
    """Return the files of a self-signed certificate for this host and of its key.

    They are made once for the process, and removed at its end.
    """
    program = shutil.which("openssl")
    if program is None:
        raise OpenSSLMissingError("the TLS server needs the openssl program")
    directory = Path(tempfile.mkdtemp(prefix="lambda-server-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    config, cert, key = (directory / name for name in ("req.cnf", "cert.pem", "key.pem"))
    config.write_text(_CERTIFICATE)
    command = [program, "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-sha256", "-days", "30"]
    files = ["-config", str(config), "-out", str(cert), "-keyout", str(key)]
    subprocess.run([*command, *files], check=True, capture_output=True)
    return cert, key


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
        self._default = answer(200, {}, b"{}")
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

    def answer(
        self, status: int, headers: Headers = (), body: bytes = b"", *, reason: str | None = None
    ) -> None:
        """Answer so, see `answer`, whenever the script has no step; at first, 200 and ``{}``."""
        self._default = answer(status, headers, body, reason=reason)

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
            answer(400)(Exchange(sock=sock, connection=number))
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
            return answer(403, {"x-amzn-ErrorType": refused.error_type}, message)
        with self._changed:
            self.invocations.append(invocation)
            self.exchanges.append(exchange)
            self._changed.notify_all()
            return self._script.popleft() if self._script else self._default

    def _refuse(self, why: str) -> None:
        with self._changed:
            self.errors.append(why)
            self._changed.notify_all()
