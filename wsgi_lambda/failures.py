"""Make the response of a failure."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

from wsgi_lambda.errors import LambdaError
from wsgi_lambda.options import Route
from wsgi_lambda.request import Request
from wsgi_lambda.response.headers import JSON_TYPE, end_to_end, without
from wsgi_lambda.response.wsgi import Response


def fail(
    error: LambdaError,
    request: Request,
    route: Route | None,
    log_broken: Callable[[LambdaError, Route, Exception], None],
) -> Response:
    """Return the response of ``error``, which gets it as well; its ``request_id`` must be set.

    ``log_broken`` logs an exception of `on_error`.
    """
    request.body.drain()
    default = failure(error, trace=request.trace if request.delivery.attempts else "")
    response = default
    if route is not None and route.response.on_error is not None:
        # Only a configuration with `on_error` pays for this import.
        from wsgi_lambda.on_error import call_on_error

        log = partial(log_broken, error, route)
        response = call_on_error(route.response.on_error, request, error, default, log)
    error.response, error.has_own_response = response, response is not default
    return response


def failure(error: LambdaError, *, trace: str = "") -> Response:
    """Return the JSON response for ``error``, whose ``request_id`` must be set.

    ``trace`` is that of the invocation, "" if none was sent.
    """
    body = json.dumps({"message": error.message, "request_id": error.request_id}).encode()
    headers = [
        JSON_TYPE,
        ("X-Amzn-RequestId", error.request_id),
        ("X-Amzn-Trace-Id", trace),
        ("Retry-After", error.retry_after),
    ]
    # Lambda's own id is foreign text.
    given = end_to_end((name, value) for name, value in headers if value)
    return Response.whole(error.status, given, body)


def private(response: Response, *, keep: bool = False) -> Response:
    """Return ``response`` for no shared cache; ``keep`` keeps a Cache-Control of its own."""
    header = ("Cache-Control", "private, no-store")
    others = without(response.headers, [header])
    if keep and len(others) < len(response.headers):
        return response
    return response._replace(headers=[*others, header])
