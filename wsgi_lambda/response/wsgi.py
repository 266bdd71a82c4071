"""A response, and how it reaches a WSGI server."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
    from werkzeug.wrappers import Response as WerkzeugResponse

from wsgi_lambda.errors import FunctionError
from wsgi_lambda.header_syntax import Headers
from wsgi_lambda.response.headers import without

# RFC 9110, 15.3.5, 15.3.6 and 15.4.5: these do not have a body.
BODILESS = frozenset((204, 205, 304))
_RESET_CONTENT = 205
_LENGTH = [("Content-Length", "")]
_LENGTH_AND_TYPE = [*_LENGTH, ("Content-Type", "")]


class Response(NamedTuple):
    """What the client gets.

    ``body`` may have a ``close()``, which the server calls at the end.
    ``length`` is that of the body in bytes, None while nobody knows it: then the
    headers contain a Content-Length already, or the server frames the body.
    """

    status: int
    headers: Headers
    body: Iterable[bytes]
    length: int | None
    #: The reason phrase, "" for the usual one of the status.
    phrase: str = ""
    #: The Content-Length for HEAD, if it is not ``length``: a function may leave out the body.
    head_length: int | None = None
    #: The error of a function that this response passes on in plain mode.
    function_error: FunctionError | None = None

    @property
    def is_stream(self) -> bool:
        """Whether the server frames the body, because nobody knows its length before its end."""
        names = (name.lower() for name, _ in self.headers)
        return self.length is None and "content-length" not in names

    @classmethod
    def whole(cls, status: int, headers: Headers, body: bytes) -> Response:
        """Return a response whose body is in memory."""
        return cls(status, headers, (body,) if body else (), len(body))


def from_werkzeug(response: WerkzeugResponse, environ: WSGIEnvironment) -> Response:
    """Return a Werkzeug response as one of ours; its headers stay as they are."""
    body, status, headers = response.get_wsgi_response(environ)
    code, _, phrase = status.partition(" ")
    return Response(int(code), headers, body, length=None, phrase=phrase)


def finish(response: Response, method: str) -> tuple[str, Headers, Iterable[bytes]]:
    """Return status line, headers and body as ``start_response`` and the server take them.

    Content-Length is set where the length is known. A body that is not sent
    (HEAD, 204, 205, 304) is closed. Example:
    ``("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "2")], (b"ok",))``.
    """
    status = response.status
    status_line = f"{status} {response.phrase or _phrase(status)}"
    headers, length, body = response.headers, response.length, response.body
    if method == "HEAD" or status in BODILESS:
        _close(body)
        body = ()
        # Without one, servers write `Content-Length: 0`, or an empty chunk after the head.
        length = length if response.head_length is None else response.head_length
    if status in BODILESS:
        length = 0 if status == _RESET_CONTENT else None
        headers = without(headers, _LENGTH if length == 0 else _LENGTH_AND_TYPE)
    if length is None:
        # wsgiref adds `Content-Length: 0` to a response without chunks, also to a HEAD or a 204.
        return status_line, headers, body or iter((b"",))
    return status_line, [*headers, ("Content-Length", str(length))], body


def for_framework(response: Response, method: str) -> Response:
    """Return ``response`` as a web framework takes it, which frames the body itself.

    Content-Length is left to the framework, whose hooks may change the body. Where
    no body is sent (HEAD, 204, 205, 304), the headers are final: without a
    Content-Length it is an empty stream, because a framework adds `Content-Length: 0` to
    any other.
    """
    if method != "HEAD" and response.status not in BODILESS:
        return response
    _, headers, _ = finish(response, method)
    return Response(response.status, headers, iter(()), length=None, phrase=response.phrase)


def _close(body: Iterable[bytes]) -> None:
    close = getattr(body, "close", None)
    if close is not None:
        close()


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
