"""Call the configuration's own functions: who is asking, and whether a request is allowed."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from wsgi_lambda.errors import AuthorizeError, LambdaError
from wsgi_lambda.request import Request

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
    from werkzeug.exceptions import HTTPException
    from werkzeug.wrappers import Request as WerkzeugRequest
    from werkzeug.wrappers import Response


def authorize(
    hook: Callable[[WerkzeugRequest], Response | None], request: Request, *, body_limit: int
) -> Response | None:
    """Return None if ``hook`` allows the request, else the response of its refusal.

    The hook gets a Werkzeug Request whose body it may read: the event still
    contains it. Its changes of the environ (REMOTE_USER) reach the event. An
    HTTPException with a status below 500 (``abort(401)``) is a refusal, too.
    Raises `AuthorizeError` if the hook raises or returns anything else, and
    `RequestError` if the body that it reads is malformed or exceeds
    ``body_limit`` bytes.
    """
    # Only a configuration with `authorize` pays for this import.
    from werkzeug.exceptions import HTTPException
    from werkzeug.wrappers import Response

    try:
        # Its end closes the temporary files of uploads.
        with _readable(request, body_limit) as readable:
            result = hook(readable)
    except LambdaError:
        raise
    except HTTPException as error:
        if not _is_refusal(error):
            raise AuthorizeError(detail=f"{_name(hook)} raised {error!r}") from error
        result = error.get_response(request.environ)
    except Exception as error:
        raise AuthorizeError(detail=f"{_name(hook)} raised {error!r}") from error
    if result is None or isinstance(result, Response):
        return result
    raise AuthorizeError(
        detail=f"{_name(hook)} returned {type(result).__name__}, neither None nor a Response"
    )


def _readable(request: Request, body_limit: int) -> WerkzeugRequest:
    """Return a Werkzeug Request with the body that the event will contain."""
    from wsgi_lambda.readable_request import ReadableRequest

    stream = io.BufferedReader(_BodyStream(lambda: request.body.read(body_limit)))
    # The stream ends by itself, whatever the framing of the request was. Otherwise
    # the hook would see no body where a proxy has decoded chunks (uwsgi protocol).
    own = {"wsgi.input": stream, "wsgi.input_terminated": True}
    request.environ = {**request.environ, **own}
    return ReadableRequest(request.environ, populate_request=False)


def asking(
    principal: Callable[[WerkzeugRequest], str | None],
) -> Callable[[WSGIEnvironment], str | None]:
    """Return a function that calls ``principal`` with the Werkzeug Request of an environ."""
    from werkzeug.wrappers import Request as WerkzeugRequest

    return lambda environ: principal(WerkzeugRequest(environ, populate_request=False))


def _is_refusal(error: HTTPException) -> bool:
    # abort(Response(…)) has a response and no code.
    status = error.code if error.response is None else error.response.status_code
    return status is not None and status < 500


class _BodyStream(io.RawIOBase):
    """The body of a request as a stream, read when the hook reads it."""

    def __init__(self, read: Callable[[], bytes]) -> None:
        super().__init__()
        self._read = read

    @cached_property
    def _bytes(self) -> io.BytesIO:
        return io.BytesIO(self._read())

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._bytes.readinto(buffer)


def _name(hook: Callable[..., object]) -> str:
    return getattr(hook, "__qualname__", None) or type(hook).__name__
