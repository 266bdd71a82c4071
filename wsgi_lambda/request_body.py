"""The body of a request: read once, complete or not at all (RFC 9112, 6)."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

from wsgi_lambda.errors import LengthRequired, PayloadTooLarge, RequestError
from wsgi_lambda.header_syntax import LENGTH

_BLOCK = 64 * 1024  # bytes of one read
# uWSGI's options that make it speak HTTP: `http-socket = :80`, `protocol = http`.
_HTTP_SOCKET = re.compile(r"https?(?:11)?-socket=|(?:socket-)?protocol=b?'https?")

#: How much of a body is still read after the response is known, and for how long.
DRAIN_SIZE = 32 * 1024 * 1024  # bytes
DRAIN_SECONDS = 2.0


class RequestBody:
    """The body that a WSGI server offers in ``wsgi.input``.

    It is read at the first `read` or `skip`. Where the server does not end
    ``wsgi.input`` itself (``wsgi.input_terminated``), exactly Content-Length
    bytes are read. Both methods raise `RequestError` for a body that is shorter
    than its Content-Length or has invalid framing, and `LengthRequired` for a
    chunked body whose end the server does not mark. After a failure they raise
    the same error again, so a partial body is never taken for a complete one.
    """

    def __init__(self, environ: WSGIEnvironment) -> None:
        self._environ = environ
        self._bytes: bytes | None = None
        self._failure: RequestError | None = None
        self._received = 0  # bytes of wsgi.input
        # True at the end of the body, and if its end is unknown.
        self._is_over = False

    @property
    def length(self) -> int:
        """The number of bytes that were read so far."""
        return self._received

    def check_framing(self) -> None:
        """Raise the `RequestError` of a body whose end is unknown, without reading it."""
        self._content_length()

    def read(self, limit: int) -> bytes:
        """Return the whole body; raise `PayloadTooLarge` if it exceeds ``limit`` bytes."""
        if self._bytes is None:
            self._bytes = b"".join(self._read(limit))
        _check_length(len(self._bytes), limit)
        return self._bytes

    def skip(self, limit: int) -> int:
        """Read the body to its end, discard it, and return its length in bytes.

        An incomplete body is rejected here too, so that no function runs for
        half a request, and so is one of more than ``limit`` bytes.
        """
        if self._is_over and self._failure is None:
            _check_length(self._received, limit)
            return self._received
        return sum(map(len, self._read(limit)))

    def drain(self) -> None:
        """Read and discard the rest of the body, up to 32 MiB or for 2 s.

        A server that responds and closes the connection while the body is still
        arriving resets it: nginx then reports a 502 instead of the response. The
        time is checked between reads. A body whose end is unknown (411, invalid
        framing) is left alone. Never raises `RequestError`.
        """
        if self._is_over:
            return
        most, end = self._received + DRAIN_SIZE, time.monotonic() + DRAIN_SECONDS
        with suppress(RequestError):
            for _ in self._blocks(None, self._received):
                if self._received >= most or time.monotonic() >= end:
                    break
        self._is_over = True

    def _read(self, limit: int | None) -> Iterator[bytes]:
        if self._failure is not None:
            raise self._failure
        try:
            yield from self._blocks(limit)
        except RequestError as error:
            self._failure = error
            # More of a body over the limit follows; after other errors its end is unknown.
            self._is_over = not isinstance(error, PayloadTooLarge)
            raise
        self._is_over = True

    def _blocks(self, limit: int | None, start: int = 0) -> Iterator[bytes]:
        """Yield the body from byte ``start`` on, which must be the next of ``wsgi.input``."""
        self._received = start
        length = self._content_length()
        if length is None and not self._environ.get("wsgi.input_terminated"):
            return
        if length is not None:
            _check_length(length, limit)
        while length is None or self._received < length:
            wanted = _BLOCK if length is None else min(_BLOCK, length - self._received)
            block = self._read_block(wanted)
            if not block:
                break
            if limit is not None and self._received > limit:
                raise PayloadTooLarge(detail=f"a chunked body, limit {limit} bytes")
            yield block
        if length is not None and self._received < length:
            raise _too_short(self._received, length)
        if length is not None and self._coding() and self._read_block(1):
            raise RequestError("The request's body is longer than its Content-Length")

    def _read_block(self, size: int) -> bytes:
        stream: IO[bytes] = self._environ["wsgi.input"]
        try:
            block = stream.read(size)
        except Exception as error:
            # For an invalid chunk or a client that disconnected, servers raise OSError,
            # ValueError (cheroot) or errors of their own.
            raise RequestError(
                "The request's body could not be read", detail=repr(error)
            ) from error
        self._received += len(block)
        return block

    def _coding(self) -> str:
        coding: str = self._environ.get("HTTP_TRANSFER_ENCODING", "")
        return coding.strip().lower() if coding else ""

    def _content_length(self) -> int | None:
        """Return the length of the body, or None if the server ends the stream itself."""
        length = self._environ.get("CONTENT_LENGTH", "")
        coding = self._coding()
        if coding and coding != "chunked":
            raise RequestError("The request's Transfer-Encoding is not supported")
        if coding and length and not _is_decoded(self._environ):
            # RFC 9112, 6.3: a sign of request smuggling.
            raise RequestError("The request has a Content-Length and a Transfer-Encoding")
        if coding and not length and not self._environ.get("wsgi.input_terminated"):
            raise LengthRequired
        if not length:
            return None
        if not LENGTH.fullmatch(length):
            raise RequestError("The request's Content-Length is invalid")
        return int(length)


class KnownBody:
    """A body that is already in memory, as a framework has read it.

    ``length`` is the Content-Length of the request, "" without one.
    """

    def __init__(self, body: bytes, length: str = "") -> None:
        self._bytes = body
        self._length = int(length) if LENGTH.fullmatch(length) else 0

    @property
    def length(self) -> int:
        """The number of bytes."""
        return len(self._bytes)

    def read(self, limit: int) -> bytes:
        """Return the body; raise `PayloadTooLarge` if it exceeds ``limit`` bytes.

        Raises `RequestError` if the body is shorter than its Content-Length.
        """
        _check_length(len(self._bytes), limit)
        if len(self._bytes) < self._length:
            raise _too_short(len(self._bytes), self._length)
        return self._bytes

    def skip(self, limit: int) -> int:
        """Return the length of the body in bytes; raise `PayloadTooLarge` over ``limit``."""
        return len(self.read(limit))

    def drain(self) -> None:
        """Do nothing: the body was read to its end."""


def _check_length(length: int, limit: int | None) -> None:
    if limit is not None and length > limit:
        raise PayloadTooLarge(detail=f"a body of {length} bytes, limit {limit} bytes")


def _too_short(received: int, length: int) -> RequestError:
    return RequestError(
        "The request's body is shorter than its Content-Length",
        detail=f"{received} of {length} bytes",
    )


def _is_decoded(environ: WSGIEnvironment) -> bool:
    """Return whether a proxy may have decoded a chunked body and added its Content-Length.

    nginx does so for the uwsgi protocol, and still passes Transfer-Encoding on.
    gunicorn marks the end of such a body; uWSGI reads no more than Content-Length
    bytes. The HTTP sockets of uWSGI decode nothing.
    """
    if environ.get("wsgi.input_terminated"):
        return True
    if "uwsgi.version" not in environ or "UWSGI_ROUTER" in environ:
        return False
    # Only uWSGI has this module; the environ does not show the kind of a socket.
    options = getattr(sys.modules.get("uwsgi"), "opt", {})
    return not any(_HTTP_SOCKET.match(f"{name}={options[name]!r}") for name in options)
