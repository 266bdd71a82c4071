"""The view of a WSGI environ that the steps need, read when asked.

Text in an environ is bytes in disguise (PEP 3333: latin-1); everything here
gives real text back.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import IO, TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

from wsgi_lambda.errors import LengthRequired, PayloadTooLarge, RequestError
from wsgi_lambda.header_syntax import LENGTH

_BLOCK = 64 * 1024  # bytes read at once
#: What may stand in a path unescaped: pchar and "/" of RFC 3986.
PATH_SAFE = "/!$&'()*+,;=:@~"


class Request:
    """One request: its parts as text, its body as bytes."""

    def __init__(self, environ: WSGIEnvironment) -> None:
        self.environ = environ
        self._input: IO[bytes] = environ["wsgi.input"]
        self._body: bytes | None = None
        self._failure: RequestError | None = None

    @property
    def method(self) -> str:
        return decode(self.environ["REQUEST_METHOD"])

    @property
    def query(self) -> bytes:
        """The raw query, without its question mark."""
        return encode(self.environ.get("QUERY_STRING", ""))

    @property
    def raw_target(self) -> str:
        """The target as the client sent it, in latin-1; "" where the server does not say."""
        raw: str = self.environ.get("REQUEST_URI") or self.environ.get("RAW_URI") or ""
        return raw

    @property
    def target(self) -> str:
        """The request's target as the client sent it, or quoted anew where no server says."""
        if self.raw_target:
            return decode(self.raw_target)
        path = self.environ.get("SCRIPT_NAME", "") + self.environ.get("PATH_INFO", "")
        quoted = quote(encode(path), safe=PATH_SAFE)
        query = self.environ.get("QUERY_STRING", "")
        return decode(f"{quoted}?{query}" if query else quoted)

    @cached_property
    def headers(self) -> dict[str, str]:
        """Values by lower-case name; the server has joined repeated ones with commas."""
        found = {
            name[5:].replace("_", "-").lower(): decode(value)
            for name, value in self.environ.items()
            if name.startswith("HTTP_")
        }
        for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            if self.environ.get(name):
                found[name.replace("_", "-").lower()] = decode(self.environ[name])
        return found

    def header(self, name: str) -> str:
        """Return the value of one header, "" where there is none."""
        return decode(self.environ.get(f"HTTP_{name.upper().replace('-', '_')}", ""))

    @property
    def content_type(self) -> str:
        """The Content-Type with its parameters, as it came."""
        return decode(self.environ.get("CONTENT_TYPE", ""))

    @cached_property
    def media_type(self) -> str:
        """The Content-Type without parameters, in lower case."""
        return self.content_type.partition(";")[0].strip().lower()

    def read_body(self, limit: int) -> bytes:
        """Return the whole body, at most ``limit`` bytes.

        Raises `PayloadTooLarge` for a longer one, `LengthRequired` where the
        server does not say where a chunked one ends, `RequestError` for one
        that is shorter than its Content-Length or framed badly.
        """
        if self._body is None:
            self._body = b"".join(self._read(limit))
        if len(self._body) > limit:
            raise PayloadTooLarge(detail=f"a body of {len(self._body)} bytes, limit {limit}")
        return self._body

    def skip_body(self) -> int:
        """Read the body to its end and forget it; return its length, bytes.

        A body that arrives only in part is refused all the same, so that no
        function runs for half a request.
        """
        return len(self._body) if self._body is not None else sum(map(len, self._read(None)))

    def _read(self, limit: int | None) -> Iterator[bytes]:
        """Yield the body once; after a failure there is no rest that could pass for the whole."""
        if self._failure is not None:
            raise self._failure
        try:
            yield from self._blocks(limit)
        except RequestError as error:
            self._failure = error
            raise

    def _blocks(self, limit: int | None) -> Iterator[bytes]:
        length = self._content_length()
        if length is None and not self.environ.get("wsgi.input_terminated"):
            return
        if limit is not None and length is not None and length > limit:
            raise PayloadTooLarge(detail=f"a body of {length} bytes, limit {limit}")
        received = 0
        while length is None or received < length:
            wanted = _BLOCK if length is None else min(_BLOCK, length - received)
            block = _read(self._input, wanted)
            if not block:
                break
            received += len(block)
            if limit is not None and received > limit:
                raise PayloadTooLarge(detail=f"a chunked body, limit {limit}")
            yield block
        if length is not None and received < length:
            raise RequestError(
                "The request's body is shorter than its Content-Length",
                detail=f"{received} of {length} bytes",
            )

    def _content_length(self) -> int | None:
        """Return the body's length, None where the server ends the stream itself."""
        length = self.environ.get("CONTENT_LENGTH", "")
        coding = self.environ.get("HTTP_TRANSFER_ENCODING", "").strip().lower()
        if coding and coding != "chunked":
            raise RequestError("The request's Transfer-Encoding is not supported")
        if coding and length:
            # RFC 9112, 6.3: the mark of request smuggling.
            raise RequestError("The request has a Content-Length and a Transfer-Encoding")
        if coding and not self.environ.get("wsgi.input_terminated"):
            raise LengthRequired
        if not length:
            return None
        if not LENGTH.fullmatch(length):
            raise RequestError("The request's Content-Length is no length")
        return int(length)


def decode(text: str) -> str:
    """Return the text that a WSGI string stands for: UTF-8 where it is, else latin-1."""
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text


def encode(text: str) -> bytes:
    """Return the bytes that a WSGI string stands for."""
    return text.encode("latin-1")


def _read(stream: IO[bytes], size: int) -> bytes:
    try:
        return stream.read(size)
    except OSError as error:
        # What the servers raise for a bad chunk or a client that went away.
        raise RequestError("The request's body could not be read", detail=repr(error)) from error
