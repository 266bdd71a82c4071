"""Log a failure, and make its response."""

from __future__ import annotations

import logging
import uuid
from dataclasses import replace

from wsgi_lambda.delivery import Delivery
from wsgi_lambda.errors import LambdaError, PayloadTooLarge
from wsgi_lambda.on_error import call_on_error
from wsgi_lambda.options import Route
from wsgi_lambda.printable import printable
from wsgi_lambda.request import Request
from wsgi_lambda.response.headers import without
from wsgi_lambda.response.plain import decode_log
from wsgi_lambda.response.wsgi import Response, failure

log = logging.getLogger("wsgi_lambda")
tail_log = logging.getLogger("wsgi_lambda.tail")


def fail(error: LambdaError, request: Request, route: Route | None) -> Response:
    """Log ``error`` and return its response, which it gets as well."""
    method, path = request.environ["REQUEST_METHOD"], request.environ.get("PATH_INFO", "")
    log_failure(error, method, path, route)
    request.body.drain()
    default = failure(error, trace=request.trace if request.delivery.attempts else "")
    response = default
    if route is not None and route.response.on_error is not None:
        response = call_on_error(route.response.on_error, request, error, default)
    error.response, error.has_own_response = response, response is not default
    return response


def private(response: Response, *, keep: bool = False) -> Response:
    """Return ``response`` for no shared cache; ``keep`` keeps a Cache-Control of its own."""
    header = ("Cache-Control", "private, no-store")
    others = without(response.headers, [header])
    if keep and len(others) < len(response.headers):
        return response
    return replace(response, headers=[*others, header])


def log_failure(error: LambdaError, method: str, path: str, route: Route | None) -> None:
    error.request_id = error.request_id or str(uuid.uuid4())
    details = [error.detail] if error.detail else []
    if route is not None:
        details.append(f"function {route.target.function_name}, region {route.target.aws_region}")
        details.append(f"host {route.transport.authority}")
        if isinstance(error, PayloadTooLarge):
            details.append(f"{error.option} is {getattr(route.event, error.option)}")
    log.log(
        logging.ERROR if error.status >= 500 else logging.WARNING,
        "%s %r: %d %s: %s (%s)",
        printable(method),
        path,
        error.status,
        type(error).__name__,
        printable(error.message),
        printable("; ".join([*details, f"request {error.request_id}"])),
    )


def log_tail(delivery: Delivery) -> None:
    if not delivery.log_result or not tail_log.isEnabledFor(logging.INFO):
        return
    lines = decode_log(delivery.log_result).splitlines()
    # Indented, so that no line can pass for a record of its own.
    text = "".join(f"\n    {printable(line)}" for line in lines)
    tail_log.info("request %s:%s", printable(delivery.request_id), text)
