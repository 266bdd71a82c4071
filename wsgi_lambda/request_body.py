"""The body of a request: read once, complete or not at all (RFC 9112, 6)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

from wsgi_lambda.errors import LengthRequired, PayloadTooLarge, RequestError
from wsgi_lambda.header_syntax import LENGTH

_BLOCK = 64 * 1024  # bytes of one read


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

    def read(self, limit: int) -> bytes:
        """Return the whole body; raise `PayloadTooLarge` if it exceeds ``limit`` bytes."""
        if self._bytes is None:
            self._bytes = b"".join(self._read(limit))
        _check_length(len(self._bytes), limit)
        return self._bytes

    def skip(self) -> int:
        """Read the body to its end, discard it, and return its length in bytes.

        An incomplete body is rejected here too, so that no function runs for
        half a request.
        """
        return len(self._bytes) if self._bytes is not None else sum(map(len, self._read(None)))

    def _read(self, limit: int | None) -> Iterator[bytes]:
        if self._failure is not None:
            raise self._failure
        try:
            yield from self._blocks(limit)
        except RequestError as error:
            self._failure = error
            raise

    def _blocks(self, limit: int | None) -> Iterator[bytes]:
        length = self._content_length()
        if length is None and not self._environ.get("wsgi.input_terminated"):
            return
        if length is not None:
            _check_length(length, limit)
        stream: IO[bytes] = self._environ["wsgi.input"]
        received = 0
        while length is None or received < length:
            block = _read_block(
                stream, _BLOCK if length is None else min(_BLOCK, length - received)
            )
            if not block:
                break
            received += len(block)
            if limit is not None and received > limit:
                raise PayloadTooLarge(detail=f"a chunked body, limit {limit} bytes")
            yield block
        if length is not None and received < length:
            raise RequestError(
                "The request's body is shorter than its Content-Length",
                detail=f"{received} of {length} bytes",
            )

    def _content_length(self) -> int | None:
        """Return the length of the body, or None if the server ends the stream itself."""
        length = self._environ.get("CONTENT_LENGTH", "")
        coding = self._environ.get("HTTP_TRANSFER_ENCODING", "").strip().lower()
        if coding and coding != "chunked":
            raise RequestError("The request's Transfer-Encoding is not supported")
        if coding and length:
            # RFC 9112, 6.3: a sign of request smuggling.
            raise RequestError("The request has a Content-Length and a Transfer-Encoding")
        if coding and not self._environ.get("wsgi.input_terminated"):
            raise LengthRequired
        if not length:
            return None
        if not LENGTH.fullmatch(length):
            raise RequestError("The request's Content-Length is invalid")
        return int(length)


class KnownBody:
    """A body that is already in memory, as a framework has read it."""

    def __init__(self, body: bytes) -> None:
        self._bytes = body

    def read(self, limit: int) -> bytes:
        """Return the body; raise `PayloadTooLarge` if it exceeds ``limit`` bytes."""
        _check_length(len(self._bytes), limit)
        return self._bytes

    def skip(self) -> int:
        """Return the length of the body in bytes."""
        return len(self._bytes)


def _check_length(length: int, limit: int | None) -> None:
    if limit is not None and length > limit:
        raise PayloadTooLarge(detail=f"a body of {length} bytes, limit {limit} bytes")


def _read_block(stream: IO[bytes], size: int) -> bytes:
    try:
        return stream.read(size)
    except OSError as error:
        # Servers raise it for an invalid chunk or a client that disconnected.
        raise RequestError("The request's body could not be read", detail=repr(error)) from error
