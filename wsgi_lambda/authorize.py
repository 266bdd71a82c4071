"""Ask the configuration's own function whether a request may go on."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from wsgi_lambda.errors import AuthorizeError, LambdaError
from wsgi_lambda.request import Request

if TYPE_CHECKING:
    from werkzeug.wrappers import Request as WerkzeugRequest
    from werkzeug.wrappers import Response


def ask(
    authorize: Callable[[WerkzeugRequest], Response | None], request: Request, *, body_limit: int
) -> Response | None:
    """Return None where the request may go on, else the answer to it.

    ``authorize`` gets a Werkzeug Request whose body it may read: the event has
    it all the same. What it sets in the environ (REMOTE_USER) is what the event
    sees. Raises `AuthorizeError` where it raises or returns anything else, and
    `RequestError` where the body that it reads is malformed or over
    ``body_limit`` bytes: nothing goes on by mistake.
    """
    # Only a configuration that asks for it pays for the import.
    from werkzeug.wrappers import Request as WerkzeugRequest
    from werkzeug.wrappers import Response

    body = io.BufferedReader(_Body(lambda: request.read_body(body_limit)))
    request.environ = {**request.environ, "wsgi.input": body}
    try:
        answer = authorize(WerkzeugRequest(request.environ, populate_request=False))
    except LambdaError:
        raise
    except Exception as error:
        raise AuthorizeError(detail=f"{_name(authorize)} raised {error!r}") from error
    if answer is None or isinstance(answer, Response):
        return answer
    raise AuthorizeError(
        detail=f"{_name(authorize)} returned {type(answer).__name__}, neither None nor a Response"
    )


class _Body(io.RawIOBase):
    """The request's body, read when it is asked for."""

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


def _name(authorize: Callable[..., object]) -> str:
    return getattr(authorize, "__qualname__", None) or type(authorize).__name__
