"""The steps in order, and nothing else."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

from wsgi_lambda.authorize import ask
from wsgi_lambda.config import read_routes
from wsgi_lambda.credentials.source import CredentialSource
from wsgi_lambda.errors import LambdaError, RequestError
from wsgi_lambda.event import LONGEST_ESCAPE, build_event
from wsgi_lambda.gunicorn_timeout import warn_of_short_timeout
from wsgi_lambda.invoke.client import LambdaClient
from wsgi_lambda.invoke.function import Function
from wsgi_lambda.invoke.request_headers import headers_beside
from wsgi_lambda.options import Route, Transport
from wsgi_lambda.request import Request
from wsgi_lambda.response import from_reply
from wsgi_lambda.response.wsgi import Response, failure, finish
from wsgi_lambda.routing import RouteTable

log = logging.getLogger("wsgi_lambda")

# RFC 9110, 9.2.1: what a client may repeat without asking.
_SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))


class LambdaMiddleware:
    """Answer the requests of configured paths with AWS Lambda functions.

    ::

        app.wsgi_app = LambdaMiddleware(app.wsgi_app, app.config["WSGI_LAMBDA"])

        WSGI_LAMBDA = {
            "aws_region": "us-east-1",
            "routes": {"/lambda1": {"function_name": "MyLambda"}},
        }

    The options are described in the README; `ConfigError`, raised here, names
    all that are wrong. Any other request goes to ``app`` untouched: the same
    environ, its input unread. With ``app`` None it is answered 404.

    Surprises: this stands outside the app, so that the app's login, CSRF
    protection and own middlewares do not see the routes' requests. A path that
    holds NUL is answered 400, whoever owns it. Nothing is opened, and no
    credentials are looked up, before the first request of a process.
    """

    def __init__(self, app: WSGIApplication | None, config: Mapping[str, Any]) -> None:
        self.app = app
        routes = read_routes(config)
        clients: dict[Transport, LambdaClient] = {
            transport: LambdaClient(transport) for transport in {r.transport for r in routes}
        }
        sources: dict[object, CredentialSource] = {}
        self._functions = {
            id(route): Function(route, clients[route.transport], _source(route, sources))
            for route in routes
        }
        self._table = RouteTable(routes)
        warn_of_short_timeout(routes)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if "\0" in environ.get("PATH_INFO", ""):
            error = RequestError("The request's path holds a NUL")
            return _send(self._failed(error, environ), environ, start_response)
        route = self._table.find(environ)
        if route is not None:
            return self._serve(route, environ, start_response)
        if self.app is not None:
            return self.app(environ, start_response)
        unrouted = LambdaError("No route for this path", status=404)
        return _send(self._failed(unrouted, environ), environ, start_response)

    def _serve(
        self, route: Route, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        request = Request(environ)
        try:
            if route.match.authorize is not None:
                limit = route.event.max_payload_size * LONGEST_ESCAPE
                refusal = ask(route.match.authorize, request, body_limit=limit)
                if refusal is not None:
                    return refusal(environ, start_response)
            answer = self._invoke(route, request)
        except LambdaError as error:
            answer = self._failed(error, environ, route)
        return _send(answer, environ, start_response)

    def _invoke(self, route: Route, request: Request) -> Response:
        payload = build_event(request, route)
        reply = self._functions[id(route)].invoke(
            payload,
            headers_beside(request, route.target),
            is_safe=request.method in _SAFE_METHODS,
            max_response_size=route.answer.max_response_size,
        )
        return from_reply(reply, route)

    def _failed(
        self, error: LambdaError, environ: WSGIEnvironment, route: Route | None = None
    ) -> Response:
        """Write what happened to the log, and return what the client may know of it."""
        error.request_id = error.request_id or str(uuid.uuid4())
        known = [error.detail] if error.detail else []
        if route is not None:
            target = route.target
            known.append(f"function {target.function_name}, region {target.aws_region}")
            known.append(f"host {route.transport.authority}")
        log.log(
            logging.ERROR if error.status >= 500 else logging.WARNING,
            "%s %r: %d %s: %s (%s)",
            environ["REQUEST_METHOD"],
            environ.get("PATH_INFO", ""),
            error.status,
            type(error).__name__,
            error.message,
            "; ".join([*known, f"request {error.request_id}"]),
        )
        return failure(error)


def _source(route: Route, sources: dict[object, CredentialSource]) -> CredentialSource:
    """Return the source that all routes of the same identity share."""
    region, proxy_url = route.target.aws_region, route.transport.proxy_url
    key = (route.identity, region, proxy_url)
    if key not in sources:
        sources[key] = CredentialSource(route.identity, region=region, proxy_url=proxy_url)
    return sources[key]


def _send(
    answer: Response, environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    status, headers, body = finish(answer, environ["REQUEST_METHOD"])
    start_response(status, headers)
    return [body] if body else []
