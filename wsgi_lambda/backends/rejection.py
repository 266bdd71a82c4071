"""Backends for requests that no route owns, and that the app must not get."""

from __future__ import annotations

from collections.abc import Callable

from wsgi_lambda.errors import LambdaError, RequestError
from wsgi_lambda.request import Request
from wsgi_lambda.response.wsgi import Response


class Rejection:
    """Rejects every request with a new error."""

    route = None

    def __init__(self, make_error: Callable[[], LambdaError]) -> None:
        self._make_error = make_error

    def respond(self, request: Request) -> Response:  # noqa: ARG002
        """Raise the error."""
        raise self._make_error()


#: For a path with NUL, of a route or of the app: C code takes it for the end of the path.
NUL_IN_PATH = Rejection(lambda: RequestError("The request's path contains NUL"))

#: For a path without a route, if there is no app.
NO_ROUTE = Rejection(lambda: LambdaError("No route for this path", status=404))
