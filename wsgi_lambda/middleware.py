"""The WSGI middleware: send the response of the backend that owns a request, or call the app."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

from wsgi_lambda.dispatcher import Dispatcher
from wsgi_lambda.request import Request
from wsgi_lambda.response.wsgi import finish

# Where Werkzeug's and WhiteNoise's middlewares keep the app that they wrap.
_WRAPPED = ("app", "application")
_MOST_LAYERS = 20


class LambdaMiddleware:
    """Respond to configured paths with AWS Lambda functions.

    ::

        app.wsgi_app = LambdaMiddleware(app.wsgi_app, app.config["WSGI_LAMBDA"])

        WSGI_LAMBDA = {
            "aws_region": "us-east-1",
            "routes": {"/lambda1": {"function_name": "MyLambda"}},
        }

    The configuration is a mapping, the path of a .toml, .json, .yaml or .yml file,
    or ``"module:attribute"``; docs/options.md lists the options. `ConfigError`,
    raised here, lists every problem. Any other request goes to ``app`` untouched: the same
    environ, its input unread. Without an app (None) it gets a 404.

    Surprises: the middleware stands outside the app, so the app's login, CSRF
    protection and own middlewares do not see the requests of routes. A path
    with NUL gets a 400, even outside the routes. Nothing is opened, and no credentials
    are looked up, before the first request of a process.
    """

    def __init__(
        self, app: WSGIApplication | None, config: Mapping[str, Any] | str | os.PathLike[str]
    ) -> None:
        if app is not None and not callable(app):
            raise TypeError(f"app must be a WSGI app or None, not {type(app).__name__}")
        self.app = app
        self.dispatcher = Dispatcher(config)

    @property
    def configuration(self) -> Mapping[str, Any]:
        """The configuration that was given, or loaded. It may contain secrets."""
        return self.dispatcher.configuration

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        backend = self.dispatcher.find(environ)
        if backend is None:
            if self.app is not None:
                return self.app(environ, start_response)
            backend = self.dispatcher.no_route
        response = self.dispatcher.respond(backend, Request(environ))
        status, headers, body = finish(response, environ["REQUEST_METHOD"])
        start_response(status, headers)
        return body


def find_middleware(layer: Any) -> LambdaMiddleware | None:
    """Return the first `LambdaMiddleware` among ``layer`` and the apps that it wraps, else None."""
    for _ in range(_MOST_LAYERS):
        if isinstance(layer, LambdaMiddleware):
            return layer
        layer = next((getattr(layer, name) for name in _WRAPPED if hasattr(layer, name)), None)
    return None
