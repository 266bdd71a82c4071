"""The pool of connections: idle limit, total deadline, one TLS context, TCP keepalive.

The only file that knows urllib3. It knows nothing of Lambda.
"""

from __future__ import annotations

import io
import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Callable
from typing import Any, Literal
from urllib.parse import unquote_to_bytes

import urllib3
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util import parse_url

from wsgi_lambda.head import StrictResponse

#: What urllib3 raises while an answer's body is read.
PoolError = urllib3.exceptions.HTTPError

# NAT gateways and load balancers forget a silent connection after 350 s, and a
# function may be silent for 15 minutes.
# https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html
KEEPALIVE_IDLE = 45  # seconds
KEEPALIVE_INTERVAL = 45  # seconds
KEEPALIVE_PROBES = 4

_BLOCK = 256 * 1024  # bytes written or read at once
_RECORD = 16 * 1024  # bytes: what TLS sends in one piece


def _socket_options() -> list[tuple[int, int, int]]:
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


class Attempt(urllib3.Timeout):
    """One try at a request: when it must have ended, and how far it came.

    urllib3's own timeouts start anew with every read, so that a peer which
    sends a byte a second is never late. This one is a point in time, asked
    before every single wait. It does not bound the look-up of a host name,
    which the system's resolver does.
    """

    def __init__(self, deadline: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._deadline = deadline
        self._clock = clock
        self.opened = False  # a connection stood, so that bytes may have left
        self.reused = False  # it had served before
        self.received = False  # a byte of an answer came

    def remaining(self) -> float:
        """Return the seconds left; raise TimeoutError if there are none."""
        left = self._deadline - self._clock()
        if left <= 0:
            raise TimeoutError("the deadline passed")
        return left

    def clone(self) -> Attempt:
        # urllib3 clones a timeout for each request; this one is made for one.
        return self

    def start_connect(self) -> float:
        return self._clock()

    @property
    def connect_timeout(self) -> float:
        return self.remaining()

    @property
    def read_timeout(self) -> float:
        return self.remaining()


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


class _Pool(urllib3.HTTPConnectionPool):
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


class _PoolTLS(_Pool, urllib3.HTTPSConnectionPool):
    ConnectionCls = _WatchedTLS


class EndpointAdapter(HTTPAdapter):
    """The requests adapter for one endpoint; its ``timeout`` must be an `Attempt`.

    Nothing is retried or redirected here. ``tls_verify`` is True, False or the
    path of a CA bundle; the certificates are read once. ``proxy_url`` is an
    HTTP proxy: it is given the absolute form for ``http``, CONNECT for
    ``https``. Opens no connection before the first request.
    """

    def __init__(
        self,
        *,
        scheme: str,
        host: str,
        port: int,
        tls_verify: bool | str,
        keepalive: float,
        pool_size: int,
        proxy_url: str | None = None,
    ) -> None:
        settings: dict[str, Any] = {
            "maxsize": pool_size,
            "keepalive": keepalive,
            "socket_options": _socket_options(),
        }
        proxy = parse_url(proxy_url) if proxy_url else None
        if proxy:
            settings["_proxy_headers"] = _proxy_headers(proxy.auth)
            proxy = proxy._replace(auth=None, port=proxy.port or 80)
        self._pool: _Pool
        self._is_forwarded = proxy is not None and scheme == "http"
        if scheme == "https":
            context = _tls_context(tls_verify)
            self._pool = _PoolTLS(host, port, ssl_context=context, _proxy=proxy, **settings)
        else:
            server = (proxy.host or "", proxy.port) if proxy else (host, port)
            self._pool = _Pool(*server, **settings)
        super().__init__(pool_maxsize=pool_size)

    def get_connection_with_tls_context(self, *_: Any, **__: Any) -> _Pool:
        return self._pool

    def cert_verify(self, *_: Any) -> None:
        """The context has the certificates; urllib3 would load them for each connection."""

    def build_response(self, req: PreparedRequest, resp: Any) -> Response:
        """Do what requests does, but for cookies, which nobody keeps, and the text's encoding."""
        response = Response()
        response.status_code, response.reason = resp.status, resp.reason
        # As good a mapping without case as requests' own, and there already.
        response.headers = resp.headers
        response.raw = resp
        response.url = req.url or ""
        response.request = req
        response.connection = self
        return response

    def request_url(self, request: PreparedRequest, proxies: Any) -> str:  # noqa: ARG002
        return (request.url or "") if self._is_forwarded else request.path_url


def _proxy_headers(user: str | None) -> dict[str, str]:
    if not user:
        return {}
    return {"Proxy-Authorization": f"Basic {b64encode(unquote_to_bytes(user)).decode()}"}


def _tls_context(verify: bool | str) -> ssl.SSLContext:
    # Python's own, looked up now: urllib3 keeps the class that was there when
    # it was imported, which gevent may have replaced since (--preload).
    if verify:
        return ssl.create_default_context(
            cafile=DEFAULT_CA_BUNDLE_PATH if verify is True else str(verify)
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def read_body(response: Response, limit: int) -> bytes | None:
    """Return the answer's body as it came, None if it is longer than ``limit`` bytes.

    On every path the connection is given back, closed unless it is clean.
    """
    raw = response.raw
    body: bytes | None = None
    try:
        if raw.length_remaining is None:
            body = _read_blocks(raw, limit)
        elif raw.length_remaining <= limit:
            # No byte more is read than the answer's Content-Length.
            body = raw.read(decode_content=False)
    finally:
        if body is None:
            raw.close()
        raw.release_conn()
    return body


def _read_blocks(raw: Any, limit: int) -> bytes | None:
    parts: list[bytes] = []
    received = 0
    while block := raw.read(min(_BLOCK, limit + 1 - received), decode_content=False):
        parts.append(block)
        received += len(block)
        if received > limit:
            return None
    return b"".join(parts)


def root_cause(error: BaseException) -> BaseException:
    """Return the system's error (of the socket, TLS or the resolver) that ``error`` stems from.

    requests and urllib3 wrap it up to four times, as cause, context, reason or
    argument. Where there is none, ``error`` itself.
    """
    queue, seen = [error], {id(error)}
    while queue:
        current = queue.pop(0)
        if isinstance(current, OSError) and not isinstance(current, PoolError):
            module = type(current).__module__
            if not module.startswith(("requests", "urllib3")):
                return current
        inner = (current.__cause__, current.__context__, getattr(current, "reason", None))
        for item in (*inner, *current.args):
            if isinstance(item, BaseException) and id(item) not in seen:
                seen.add(id(item))
                queue.append(item)
    return error
