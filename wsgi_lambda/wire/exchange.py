"""Send a request and receive its response, over one open connection."""

from __future__ import annotations

import io
import ssl
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from urllib3.exceptions import ProtocolError

from wsgi_lambda.wire.framing import body_after
from wsgi_lambda.wire.header_lines import HeaderLines
from wsgi_lambda.wire.response_head import read_head

_RECORD = 16 * 1024  # bytes: the largest TLS record (RFC 8446, 5.1)


class Connection(Protocol):
    """An open connection whose waits end at a deadline."""

    def write(self, data: bytes) -> None:
        """Send all of ``data``."""

    def receive(self) -> bytes:
        """Return what one read yields, at most 16 KiB; b"" at the end of the connection."""

    def interrupt(self) -> None:
        """End the connection, also for another thread that waits in `receive`."""

    def close(self) -> None:
        """Close the connection."""


class WireResponse:
    """A response whose body is still on the connection: what requests calls ``raw``.

    The connection is given back by `read` at the end of the body, or by `release_conn`
    after the end, if it may be used again. Any other end closes it: an error, `close`,
    `release_conn` before the end, or bytes after the end. The body is returned as
    received; Content-Encoding is not decoded. Reading raises ProtocolError for a
    malformed or truncated body, and OSError.
    """

    def __init__(
        self,
        connection: Connection,
        method: str,
        *,
        is_sent: bool,
        give_back: Callable[[Connection], None],
    ) -> None:
        head, buffer = read_head(connection.receive)
        self.version, self.status, self.reason, fields = head
        self.headers = HeaderLines(fields)
        self._body, is_kept = body_after(head, method, buffer)
        self._is_kept = is_kept and is_sent
        self._connection: Connection | None = connection
        self._give_back = give_back
        self._unread: io.BytesIO | None = None
        self._finish()

    @property
    def is_over(self) -> bool:
        """Whether the body has been received to its end."""
        return self._body.is_over

    @property
    def length_remaining(self) -> int | None:
        """The number of bytes of the body to come; None if nobody knows it."""
        return self._body.remaining

    def read_some(self) -> bytes:
        """Return the bytes that are there, else those of the next read; b"" at the end only."""
        if self._body.is_over:
            return b""
        if self._connection is None:
            raise ProtocolError("the response was closed before its end")
        try:
            block = self._body.take()
            while not block and not self._body.is_over:
                if received := self._connection.receive():
                    block = self._body.take(received)
                else:
                    self._body.end()
        except BaseException:
            self.close()
            raise
        return block

    def read(self, amt: int | None = None, decode_content: object = None) -> bytes:  # noqa: ARG002
        """Return at most ``amt`` bytes of the body, or all of it; b"" at its end."""
        block = self._unread.read(amt) if self._unread else b""
        if amt is not None:
            if not block:
                self._unread = io.BytesIO(self.read_some())
                block = self._unread.read(amt)
                self._finish()
            return block
        block += self.read_some()
        if self._body.is_over:
            self._finish()
            return block
        whole = io.BytesIO()
        while block:
            whole.write(block)
            block = self.read_some()
        self._finish()
        return whole.getvalue()

    def stream(self, amt: int, decode_content: object = None) -> Iterator[bytes]:
        """Yield the body in blocks of at most ``amt`` bytes."""
        return iter(lambda: self.read(amt, decode_content), b"")

    def release_conn(self) -> None:
        """Give the connection back if the body has been read to its end, else close it."""
        self._finish()
        self.close()

    def interrupt(self) -> None:
        """Let another thread that waits for bytes go on; they end here."""
        if self._connection is not None:
            self._connection.interrupt()

    def close(self) -> None:
        """Close the connection now, unless it has been given back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _finish(self) -> None:
        if self._body.is_over:
            connection = self._connection
            if connection is not None and self._is_kept and not self._body.buffer:
                self._connection = None
                self._give_back(connection)
            self.close()


class Unshown(bytes):
    """Bytes whose repr hides them: the head of a request contains a session token."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{len(self)} bytes>"


def request_head(method: str, target: str, headers: Iterable[tuple[str, str]]) -> Unshown:
    """Return the head of a request; raises ValueError for a line break, which would start a line.

    ``headers`` contain Host, and Content-Length if there is a body.
    """
    lines = [f"{method} {target} HTTP/1.1", *[f"{name}: {value}" for name, value in headers]]
    lines += ("", "")
    head = "\r\n".join(lines)
    if not head.count("\r") == head.count("\n") == len(lines) - 1:
        broken = next((line for line in lines if "\r" in line or "\n" in line), "")
        raise ValueError(f"a line break in the request's line {broken.partition(':')[0]!r}")
    return Unshown(head.encode("latin-1"))


def exchange(
    connection: Connection,
    method: str,
    head: bytes,
    body: bytes | None,
    give_back: Callable[[Connection], None],
) -> WireResponse:
    """Send a request, and return its response once the head has been received.

    A small body goes out with the head: one packet, one TLS record.
    """
    body = body or b""
    try:
        if len(body) <= _RECORD:
            connection.write(Unshown(head + body))
        else:
            connection.write(head)
            connection.write(body)
        is_sent = True
    except (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
        # The peer may have sent a response without reading the whole request (413).
        is_sent = False
    return WireResponse(connection, method, is_sent=is_sent, give_back=give_back)
