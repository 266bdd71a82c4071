"""What the command line has the middleware and its steps do; all that it knows of them."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from werkzeug.test import EnvironBuilder, run_wsgi_app

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

from wsgi_lambda.credentials.source import CredentialSource
from wsgi_lambda.errors import LambdaError
from wsgi_lambda.event import build_event
from wsgi_lambda.invoke.client import LambdaClient
from wsgi_lambda.invoke.function import Function
from wsgi_lambda.middleware import LambdaMiddleware
from wsgi_lambda.options import Route
from wsgi_lambda.request import Request


@dataclass(frozen=True, slots=True)
class Shown:
    """The answer as a client gets it; ``body`` yields blocks as they come."""

    status: str
    headers: list[tuple[str, str]]
    body: Iterable[bytes]


def make_environ(
    path: str, method: str | None, *, headers: list[tuple[str, str]], body: bytes | None, user: str
) -> dict[str, Any]:
    """Return the environ that a server makes of such a request, as curl would send it.

    Without ``method`` it is a GET, with a body a POST; a body is a form unless
    ``headers`` say otherwise. ``path`` may have a query.
    """
    has_type = any(name.lower() == "content-type" for name, _ in headers)
    environ = EnvironBuilder(
        path=path,
        method=method or ("GET" if body is None else "POST"),
        headers=headers,
        data=body,
        content_type=None if has_type or body is None else "application/x-www-form-urlencoded",
        environ_base={"REMOTE_ADDR": "127.0.0.1", **({"REMOTE_USER": user} if user else {})},
    ).get_environ()
    return dict(environ)


def make_event(route: Route, environ: WSGIEnvironment) -> bytes:
    """Return the event for ``environ``; raises `LambdaError` where there is none."""
    return build_event(Request(environ), route)


def invoke(
    config: Mapping[str, Any], environ: WSGIEnvironment, show: Callable[[bytes], None]
) -> Shown:
    """Have the middleware answer ``environ``; ``show`` sees the event just before it is sent."""
    middleware = LambdaMiddleware(None, config)
    functions: dict[int, Any] = middleware._functions
    for key, function in functions.items():
        functions[key] = _Watched(function, show)
    body, status, headers = run_wsgi_app(middleware, environ)
    return Shown(status, headers.to_wsgi_list(), body)


class _Watched:
    """A function whose events are shown, whichever of its methods takes them."""

    def __init__(self, function: Function, show: Callable[[bytes], None]) -> None:
        self._function = function
        self._show = show

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._function, name)

        def watched(payload: bytes, *arguments: Any, **options: Any) -> Any:
            self._show(payload)
            return method(payload, *arguments, **options)

        return watched


def dry_run(route: Route) -> tuple[str, bool]:
    """Ask Lambda whether ``route`` may invoke its function; return its word, and whether it may.

    The function does not run.
    """
    dry = replace(route, target=replace(route.target, invocation_type="DryRun"))
    client = LambdaClient(route.transport)
    limit = route.answer.max_response_size
    try:
        with closing(client.session()):
            function = Function(dry, client, _source(route))
            reply = function.invoke(b"{}", {}, is_safe=False, max_response_size=limit)
    except LambdaError as error:
        return told(error), False
    if reply.status == 204:
        return "ok", True
    return f"Lambda answered {reply.status} {reply.error_type}".rstrip(), False


def identity(route: Route) -> str:
    """Say where the credentials of ``route`` come from, and nothing of what they are."""
    try:
        return _source(route).origin(time.monotonic() + route.target.timeout)
    except LambdaError:
        return "not to be had"


def _source(route: Route) -> CredentialSource:
    proxy_url = route.transport.proxy_url
    return CredentialSource(route.identity, region=route.target.aws_region, proxy_url=proxy_url)


def endpoint(route: Route) -> str:
    return f"{route.transport.scheme}://{route.transport.authority}"


def told(error: LambdaError) -> str:
    """Say what happened, as the log would."""
    return f"{type(error).__name__}: {error.detail or error.message}"


@contextmanager
def log_on_standard_error() -> Iterator[None]:
    """Have failures and the end of the function's own log on standard error."""
    log, handler = logging.getLogger("wsgi_lambda"), logging.StreamHandler(sys.stderr)
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
