"""A request becomes a response: one file for each kind of backend.

Takes a `Request` that the route owns, returns a `Response`, or raises the
`LambdaError` that becomes one. Never routes, logs failures or knows a framework.
"""

from __future__ import annotations

from typing import Protocol

from wsgi_lambda.options import Route
from wsgi_lambda.request import Request
from wsgi_lambda.response.wsgi import Response


class Backend(Protocol):
    """Responds to the requests of one route, from any number of threads."""

    @property
    def route(self) -> Route | None:
        """The route; None if the backend only rejects requests that no route owns."""
        ...

    def respond(self, request: Request) -> Response:
        """Return the response; raise `LambdaError` if there is none."""
        ...
