"""Find the backend of a request and return its response; a failure is a response, too.

Knows no framework: `middleware` sends the response to a WSGI server.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from wsgi_lambda.response.result import Result

from wsgi_lambda.authorize import asking, authorize
from wsgi_lambda.backends import Backend
from wsgi_lambda.backends.function import FunctionBackend
from wsgi_lambda.backends.rejection import NO_ROUTE, NUL_IN_PATH
from wsgi_lambda.config import read_configuration
from wsgi_lambda.config.sources import load_configuration
from wsgi_lambda.errors import LambdaError
from wsgi_lambda.event import body_limit, most_permissive
from wsgi_lambda.failures import fail, failure, private
from wsgi_lambda.invoke import Invoker
from wsgi_lambda.invoke.connections import Connections
from wsgi_lambda.invoke.kinds import make_invoker
from wsgi_lambda.log_lines import LogLines
from wsgi_lambda.options import Route
from wsgi_lambda.request import NoRequest, Request
from wsgi_lambda.response.wsgi import Response, from_werkzeug
from wsgi_lambda.routing import PRINCIPAL as PRINCIPAL
from wsgi_lambda.routing import RouteTable
from wsgi_lambda.startup import log_start
from wsgi_lambda.watch import UNWATCHED, AnyWatch, Watcher

#: The methods of a view, and in an app of a route that lists none. OPTIONS is the app's.
DEFAULT_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"))

Around = Callable[[Route, Invoker], Invoker]


class Dispatcher:
    """The backends of a configuration, and the way of a request through them.

    ``default_methods`` are the methods of a route that lists none, and of views;
    without them, such a route takes every method. ``around`` may replace or wrap the
    Invoker of each route and named function::

        Dispatcher(config, around=lambda route, invoker: Timed(invoker))

    Raises `ConfigError`. Nothing is opened, and no credentials are looked up,
    before the first request of a process.
    """

    #: The backend for a request that nobody owns: it rejects the request with a 404.
    no_route: Backend = NO_ROUTE

    def __init__(
        self,
        config: object,
        *,
        default_methods: frozenset[str] = frozenset(),
        around: Around = lambda _, invoker: invoker,
    ) -> None:
        configuration = load_configuration(config)
        # A closure, so that its secrets are not in vars(), which crash reporters show.
        self._load: Callable[[], Mapping[str, Any]] = lambda: configuration
        found = read_configuration(configuration)
        self.connections = Connections()
        #: The configured callable that returns who is asking, called with a framework's request.
        self.principal = found.principal

        self._lines = LogLines(found.whole.failure_log_limit)

        def make(route: Route) -> FunctionBackend:
            if not route.match.methods:
                route = route._replace(match=route.match.replace(methods=default_methods))
            invoker = around(route, make_invoker(route, self.connections))
            return FunctionBackend(route, invoker, self._lines.stream_ended)

        self._functions = {route.name: make(route) for route in found.functions}
        self._ask = None if found.principal is None else asking(found.principal)
        self._table: RouteTable[Backend] = RouteTable(
            map(make, found.routes), for_nul=NUL_IN_PATH, principal=self._ask
        )
        #: Return the backend that owns a request, or None if the app does. It is the
        #: table's own method: requests of the app pay for one call less.
        self.find: Callable[[WSGIEnvironment], Backend | None] = self._table.find
        self._watch = Watcher(self.routes, found.whole.observers, self._lines.limit).watch
        self._most = most_permissive(route.event for route in self.routes)
        log_start(self.routes, found.whole.observers)

    @property
    def configuration(self) -> Mapping[str, Any]:
        """The configuration that was given, or loaded. It may contain secrets."""
        return self._load()

    @property
    def backends(self) -> tuple[Backend, ...]:
        """The backends of the routes, in the order of matching."""
        return self._table.items

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes in the order of matching, then the named functions."""
        backends = (*self.backends, *self.functions.values())
        return tuple(backend.route for backend in backends if backend.route is not None)

    @property
    def functions(self) -> Mapping[str, FunctionBackend]:
        """The backends of the named functions, in the order of the configuration."""
        return self._functions

    def snapshot(self) -> dict[str, Any]:
        """Return the state of this process; `wsgi_lambda.observe.snapshot` describes it."""
        backends = (*self.backends, *self.functions.values())
        routes = [each.snapshot() for each in backends if isinstance(each, FunctionBackend)]
        return {"lambda_endpoints": self.connections.snapshot(), "routes": routes}

    def __getitem__(self, name: str) -> FunctionBackend:
        """Return the backend of a named function; raise a LookupError with the near match."""
        try:
            return self._functions[name]
        except KeyError:
            near = difflib.get_close_matches(name, self._functions, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise LookupError(f"WSGI_LAMBDA has no function {name!r}{hint}") from None

    def allowed_methods(self, path: str) -> frozenset[str]:
        """Return the methods of all routes of ``path`` (PATH_INFO); empty if there is none."""
        routes = [backend.route for backend in self._table.find_all(path) if backend.route]
        if len(routes) == 1:
            return routes[0].match.methods
        return frozenset().union(*(route.match.methods for route in routes))

    def body_limit(self, environ: WSGIEnvironment) -> int:
        """Return the most bytes of a request's body that any function can need."""
        if not environ.get("CONTENT_TYPE"):
            return self._most.max_payload_size or 1
        return body_limit(Request(environ), self._most)

    def respond(self, backend: Backend, request: Request) -> Response:
        """Return the response of ``backend``; a failure is logged and becomes one."""
        watch = self._watch(backend.route, request)
        try:
            response = self._respond(backend, request, watch)
        except LambdaError as error:
            response = error.response
        return response if watch is UNWATCHED else watch.ended(response)

    def respond_or_raise(self, backend: Backend, request: Request) -> Response:
        """Return the response of ``backend``; raise a failure, logged, with its `response`.

        An error of the function in plain mode is raised, too; its response is the
        one that `respond` returns. No cache may keep it, or a response of `on_error`.
        """
        watch = self._watch(backend.route, request)
        try:
            response = watch.ended(self._respond(backend, request, watch))
        except LambdaError as error:
            error.response = watch.ended(error.response)
            if error.has_own_response:
                error.response = private(error.response, keep=True)
            raise
        if response.function_error is None:
            return response
        failed = response.function_error
        failed.response, failed.has_own_response = private(response), True
        raise failed

    def invoke(
        self,
        backend: FunctionBackend,
        payload: bytes,
        *,
        tenant_id: str | None = None,
        is_safe: bool = False,
    ) -> Result:
        """Invoke a function with the bytes of an event of the app's own.

        With ``is_safe`` it may be sent again like a GET. A failure is logged, and
        raised with its `response`.
        """
        call, route = NoRequest(), backend.route
        watch = self._watch(route, call)
        try:
            result = backend.invoke(payload, call, tenant_id=tenant_id, is_safe=is_safe)
            self._lines.replied(call, route, result.status)
        except LambdaError as error:
            self._lines.failed(error, call, route)
            watch.replied(error)
            error.response = failure(error)
            watch.completed(call.delivery.status or error.status)
            raise
        except BaseException as error:
            watch.broke(error)
            raise
        watch.replied()
        watch.completed(result.status)
        return result

    def failure_response(self, error: LambdaError, request: Request) -> Response:
        """Return the response for an error of a framework's own; the error is logged."""
        self._lines.failed(error, request, None)
        return fail(error, request, None, self._lines.on_error_failed)

    def _respond(self, backend: Backend, request: Request, watch: AnyWatch) -> Response:
        """Return the response of ``backend``; raise a failure, logged, with its `response`."""
        route = backend.route
        try:
            if self._ask is not None and request.framework.principal is None:
                ask = partial(self._ask, request.environ)
                request.framework = request.framework._replace(principal=ask)
            refusal = None
            if route is not None and route.match.authorize is not None:
                refusal = _authorize(route, route.match.authorize, request)
            response = backend.respond(request) if refusal is None else refusal
        except LambdaError as error:
            self._fail(error, request, route, watch)
            raise
        except BaseException as error:
            watch.broke(error)
            raise
        if response.function_error is not None or request.delivery.log_result:
            self._lines.replied(request, route, response.status, response.function_error)
        if watch is not UNWATCHED:
            watch.replied(response.function_error)
        return response

    def _fail(
        self, error: LambdaError, request: Request, route: Route | None, watch: AnyWatch
    ) -> None:
        try:
            self._lines.failed(error, request, route)
            watch.replied(error)
            fail(error, request, route, self._lines.on_error_failed)
        except BaseException as broken:
            watch.broke(broken)
            raise


def _authorize(route: Route, hook: Callable[..., Any], request: Request) -> Response | None:
    before = request.environ.get("REMOTE_USER")
    refusal = authorize(hook, request, body_limit=body_limit(request, route.event))
    if refusal is not None:
        request.delivery.outcome = "denied"
        request.body.drain()
        return from_werkzeug(refusal, request.environ)
    if request.environ.get("REMOTE_USER") != before:
        # The user whom the hook has found wins over that of the framework.
        request.framework = request.framework._replace(principal=None)
    return None
