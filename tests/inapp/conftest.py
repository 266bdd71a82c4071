"""Apps that use Lambda functions as views; the function returns its event."""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from flask import Flask

from tests.conftest import defaults
from tests.servers import lambda_server as far_end
from tests.servers.lambda_server import LambdaServer
from wsgi_lambda.flask import LambdaFunctions

MakeFlask = Callable[..., tuple[Flask, LambdaFunctions]]

V1 = {"awsgateway_compatible": True}
V2 = {**V1, "awsgateway_compatible_payload_version": "2.0"}
PROXY = {"is_proxy_integration": True}


@pytest.fixture
def far(lambda_server: LambdaServer) -> LambdaServer:
    """The far end: a function that returns its event, unless the script says otherwise."""
    lambda_server.always(far_end.echo())
    return lambda_server


@pytest.fixture
def make_flask(far: LambdaServer) -> MakeFlask:
    """Return a factory of apps: ``make_flask(routes, functions, **defaults)``."""

    def make(
        routes: dict[str, Any] | None = None,
        functions: dict[str, Any] | None = None,
        *,
        app: Flask | None = None,
        decorators: Any = (),
        **options: Any,
    ) -> tuple[Flask, LambdaFunctions]:
        app = app or Flask("shop")
        app.config.setdefault("SECRET_KEY", None)
        app.config["SECRET_KEY"] = app.config["SECRET_KEY"] or "a secret for tests"
        named = {
            path: {"function_name": own} if isinstance(own, str) else own
            for path, own in (routes or {}).items()
        }
        app.config["WSGI_LAMBDA"] = {
            **defaults(far, **options),
            "routes": named,
            "functions": functions or {},
        }
        return app, LambdaFunctions(app, decorators=decorators)

    return make


def events(server: LambdaServer) -> list[Any]:
    """Return the events that reached Lambda."""
    return [json.loads(invocation.body) for invocation in server.invocations]


def names(server: LambdaServer) -> list[str]:
    """Return the names of the functions that were invoked."""
    return [invocation.path.split("/")[3] for invocation in server.invocations]


def result(status: int = 200, body: str = "", **more: Any) -> far_end.Step:
    """Respond with the result of a proxy integration."""
    payload = {"statusCode": status, "body": body, **more}
    return far_end.respond(200, {}, json.dumps(payload).encode())


def function_error(status: int = 200) -> far_end.Step:
    """Respond with the error of a function."""
    body = b'{"errorType": "KeyError", "errorMessage": "\'sk-secret\'", "stackTrace": ["line 7"]}'
    headers = {"X-Amz-Function-Error": "Unhandled", "X-Amzn-RequestId": "r-7"}
    return far_end.respond(status, headers, body)


class Project:
    """A Django project whose settings and urls a test has set."""

    def __init__(self, urls: types.ModuleType) -> None:
        self._urls = urls

    @property
    def client(self) -> Any:
        """A client that CSRF protection applies to; it lets exceptions become responses."""
        from django.test import Client

        return Client(enforce_csrf_checks=True, raise_request_exception=False)

    def token(self, client: Any) -> str:
        """Return a CSRF token, whose cookie ``client`` has now."""
        text: str = client.get("/token/").content.decode()
        return text


MakeDjango = Callable[..., Project]


@pytest.fixture
def make_django(far: LambdaServer, request: pytest.FixtureRequest) -> Iterator[MakeDjango]:
    """Return a factory of projects: ``make_django(routes, functions, urls=…, **settings)``.

    ``urls`` are patterns in front of the included routes; ``options`` are defaults of
    the configuration; the other keywords are Django's settings.
    """
    from tests.inapp import django_project

    django_project.configure()
    from django.http import HttpResponse
    from django.middleware.csrf import get_token
    from django.test import override_settings
    from django.urls import clear_url_caches, include, path

    with ExitStack() as stack:

        def make(
            routes: dict[str, Any] | None = None,
            functions: dict[str, Any] | None = None,
            *,
            urls: Any = (),
            options: dict[str, Any] | None = None,
            below: str = "",
            **settings: Any,
        ) -> Project:
            named = {
                path: {"function_name": own} if isinstance(own, str) else own
                for path, own in (routes or {}).items()
            }
            config = {
                **defaults(far, **(options or {})),
                "routes": named,
                "functions": functions or {},
            }
            module = types.ModuleType("project_urls")
            stack.enter_context(
                override_settings(WSGI_LAMBDA=config, ROOT_URLCONF=module, **settings)
            )
            clear_url_caches()
            stack.callback(clear_url_caches)
            token = path("token/", lambda request: HttpResponse(get_token(request)))
            found = urls() if callable(urls) else urls
            module.urlpatterns = [  # type: ignore[attr-defined]
                token,
                *found,
                path(below, include("wsgi_lambda.django.urls")),
            ]
            return Project(module)

        yield make
