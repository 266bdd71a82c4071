"""Find the backend of a request and return its response; a failure is a response, too.

Knows no framework: `middleware` sends the response to a WSGI server.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

from wsgi_lambda.authorize import authorize
from wsgi_lambda.backends import Backend
from wsgi_lambda.backends.function import FunctionBackend
from wsgi_lambda.backends.rejection import NO_ROUTE, NUL_IN_PATH
from wsgi_lambda.config import read_routes
from wsgi_lambda.config.sources import load_configuration
from wsgi_lambda.delivery import Delivery
from wsgi_lambda.errors import LambdaError, PayloadTooLarge
from wsgi_lambda.event import body_limit
from wsgi_lambda.gunicorn_timeout import warn_of_short_timeout
from wsgi_lambda.invoke import Invoker
from wsgi_lambda.invoke.connections import Connections
from wsgi_lambda.invoke.kinds import make_invoker
from wsgi_lambda.on_error import call_on_error
from wsgi_lambda.options import Route
from wsgi_lambda.printable import printable
from wsgi_lambda.request import Request
from wsgi_lambda.response.plain import decode_log
from wsgi_lambda.response.wsgi import Response, failure, from_werkzeug
from wsgi_lambda.routing import RouteTable

log = logging.getLogger("wsgi_lambda")
tail_log = logging.getLogger("wsgi_lambda.tail")

Around = Callable[[Route, Invoker], Invoker]


def _unchanged(route: Route, invoker: Invoker) -> Invoker:  # noqa: ARG001
    return invoker


class Dispatcher:
    """The backends of a configuration, and the way of a request through them.

    ``around`` may replace or wrap the Invoker of each route::

        Dispatcher(config, around=lambda route, invoker: Timed(invoker))

    Raises `ConfigError`. Nothing is opened, and no credentials are looked up,
    before the first request of a process.
    """

    #: The backend for a request that nobody owns: it rejects the request with a 404.
    no_route: Backend = NO_ROUTE

    def __init__(self, config: object, *, around: Around = _unchanged) -> None:
        configuration = load_configuration(config)
        # A closure, so that its secrets are not in vars(), which crash reporters show.
        self._load: Callable[[], Mapping[str, Any]] = lambda: configuration
        routes = read_routes(configuration)
        self.connections = Connections()
        backends = (
            FunctionBackend(route, around(route, make_invoker(route, self.connections)))
            for route in routes
        )
        self._table: RouteTable[Backend] = RouteTable(backends, for_nul=NUL_IN_PATH)
        #: Return the backend that owns a request, or None if the app does. It is the
        #: table's own method: requests of the app pay for one call less.
        self.find: Callable[[WSGIEnvironment], Backend | None] = self._table.find
        warn_of_short_timeout(routes)

    @property
    def configuration(self) -> Mapping[str, Any]:
        """The configuration that was given, or loaded. It may contain secrets."""
        return self._load()

    @property
    def backends(self) -> tuple[Backend, ...]:
        """All backends, in the order of matching."""
        return self._table.items

    def respond(self, backend: Backend, request: Request) -> Response:
        """Return the response of ``backend``; a failure is logged and becomes one."""
        route = backend.route
        try:
            if route is not None and route.match.authorize is not None:
                limit = body_limit(request, route.event)
                refusal = authorize(route.match.authorize, request, body_limit=limit)
                if refusal is not None:
                    request.body.drain()
                    return from_werkzeug(refusal, request.environ)
            return backend.respond(request)
        except LambdaError as error:
            _log_failure(error, request, route)
            request.body.drain()
            return _failure_response(error, request, route)
        finally:
            if request.delivery.log_result and tail_log.isEnabledFor(logging.INFO):
                _log_tail(request.delivery)


def _failure_response(error: LambdaError, request: Request, route: Route | None) -> Response:
    response = failure(error, trace=request.trace if request.delivery.attempts else "")
    if route is None or route.response.on_error is None:
        return response
    return call_on_error(route.response.on_error, request, error, response)


def _log_failure(error: LambdaError, request: Request, route: Route | None) -> None:
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
        printable(request.environ["REQUEST_METHOD"]),
        request.environ.get("PATH_INFO", ""),
        error.status,
        type(error).__name__,
        printable(error.message),
        printable("; ".join([*details, f"request {error.request_id}"])),
    )


def _log_tail(delivery: Delivery) -> None:
    lines = decode_log(delivery.log_result).splitlines()
    # Indented, so that no line can pass for a record of its own.
    text = "".join(f"\n    {printable(line)}" for line in lines)
    tail_log.info("request %s:%s", printable(delivery.request_id), text)
