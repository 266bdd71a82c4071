"""Call apps whose functions are views: `python -m bench.in_app 3`.

Prints the measurements of one round as JSON: CPU in µs of one GET, in payload 2.0
with proxy integration, whose invocation is replaced by a constant.
"""

from __future__ import annotations

import io
import json
import logging
import sys
import types
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from bench.calls import Call, costs, to_environ
from bench.environment import REGION
from wsgi_lambda.invoke.reply import Reply

RESULT = json.dumps(
    {"statusCode": 200, "headers": {"Content-Type": "text/plain"}, "body": "hello"}
).encode()

CONFIG = {
    "aws_region": REGION,
    "is_proxy_integration": True,
    "awsgateway_compatible": True,
    "awsgateway_compatible_payload_version": "2.0",
    "routes": {"/lambda1": {"function_name": "MyLambda"}},
}


class _Constant:
    """An Invoker that invokes nothing."""

    def invoke(self, _: object) -> Reply:
        headers = (("Content-Type", "application/json"), ("X-Amzn-RequestId", "1"))
        return Reply(200, headers, RESULT)


def measure(seconds: float) -> dict[str, float]:
    """Return the cost of a GET in each app, and of a view that returns the same text.

    The contenders take turns call by call: in a loop of its own, each would find its
    code in the CPU's caches, and cost less than it does in an app that serves
    other pages, too. These costs are measured as well, as ``flask, alone``.
    """
    logging.disable(logging.CRITICAL)
    with patch("wsgi_lambda.dispatcher.make_invoker", lambda *_: _Constant()):
        middleware = _getting(_middleware(), "/lambda1/x")
        flask, django = _flask(), _django()
    calls = {
        "middleware": middleware,
        "flask view": _getting(flask, "/view/x"),
        "flask": _getting(flask, "/lambda1/x"),
        "django view": _getting(django, "/view/x"),
        "django": _getting(django, "/lambda1/x"),
    }
    alone = costs(calls, seconds=seconds / 2, batch=200)
    in_turns = costs(calls, seconds=seconds, batch=1)
    return in_turns | {f"{name}, alone": cost for name, cost in alone.items()}


def _getting(app: Callable[..., Any], path: str) -> Call:
    """Return a function that makes a complete WSGI call, like gunicorn's for a browser."""
    template = to_environ("GET", path, b"")
    del template["CONTENT_TYPE"], template["CONTENT_LENGTH"]
    template |= {
        "QUERY_STRING": "a=1&b=2",
        "RAW_URI": f"{path}?a=1&b=2",
        "HTTP_ACCEPT_LANGUAGE": "en",
        "HTTP_ACCEPT_ENCODING": "gzip, br",
        "HTTP_COOKIE": "a=1",
    }

    def call() -> None:
        statuses: list[str] = []
        environ = {**template, "wsgi.input": io.BytesIO()}
        body = app(environ, lambda *given: statuses.append(given[0]))
        text = b"".join(body)
        if hasattr(body, "close"):
            body.close()
        if (statuses, text) != (["200 OK"], b"hello"):
            raise RuntimeError(f"the response was {statuses} {text!r}")

    return call


def _middleware() -> Callable[..., Any]:
    from wsgi_lambda import LambdaMiddleware

    return LambdaMiddleware(None, CONFIG)


def _flask() -> Callable[..., Any]:
    from flask import Flask

    from wsgi_lambda.flask import LambdaFunctions

    app = Flask(__name__)
    app.config["WSGI_LAMBDA"] = CONFIG
    LambdaFunctions(app)

    @app.get("/view/<name>")
    def view(name: str) -> Any:  # noqa: ARG001
        return "hello", 200, {"Content-Type": "text/plain"}

    return app


def _django() -> Callable[..., Any]:
    import django
    from django.conf import settings
    from django.core.handlers.wsgi import WSGIHandler

    urls = types.ModuleType("bench_urls")
    settings.configure(
        ROOT_URLCONF=urls,
        SECRET_KEY="x",
        ALLOWED_HOSTS=["127.0.0.1"],
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
            "wsgi_lambda.django",
        ],
        SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
        MIDDLEWARE=[
            "django.middleware.security.SecurityMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "wsgi_lambda.django.middleware.LambdaFunctionsMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "django.middleware.clickjacking.XFrameOptionsMiddleware",
        ],
        WSGI_LAMBDA=CONFIG,
    )
    django.setup()
    from django.http import HttpResponse
    from django.urls import include, path

    def view(request: object, name: str) -> HttpResponse:  # noqa: ARG001
        return HttpResponse("hello", content_type="text/plain")

    urls.urlpatterns = [  # type: ignore[attr-defined]
        path("view/<name>", view),
        path("", include("wsgi_lambda.django.urls")),
    ]
    return WSGIHandler()


if __name__ == "__main__":
    print(json.dumps(measure(float(sys.argv[1]))))
