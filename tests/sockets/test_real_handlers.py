"""Handlers of other libraries route requests right behind our routes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import serverless_wsgi
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, APIGatewayRestResolver
from chalice import Chalice
from flask import Flask
from lambdarest import create_lambda_handler

from tests.servers.web_server import serving
from wsgi_lambda import LambdaMiddleware
from wsgi_lambda.dispatcher import Dispatcher
from wsgi_lambda.invoke import Invocation
from wsgi_lambda.invoke.reply import Reply

Handler = Callable[[Any, Any], Any]


class Context:
    """What Lambda gives to a handler, as far as these libraries read it."""

    function_name = "f"
    memory_limit_in_mb = 128
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:f"
    aws_request_id = "b1b1b1b1"


class InProcess:
    """Runs a handler in this process."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    def invoke(self, invocation: Invocation) -> Reply:
        result = self._handler(json.loads(invocation.payload), Context())
        return Reply(200, (), json.dumps(result).encode())


def chalice() -> Handler:
    app = Chalice(app_name="shop")

    @app.route("/l")
    def everything() -> Any:
        return {"view": "list"}

    @app.route("/l/{id}")
    def one(id: str) -> Any:
        return {"view": "one", "id": id}

    return app


def lambdarest() -> Handler:
    handler = create_lambda_handler(error_handler=None)

    @handler.handle("get", path="/l")
    def everything(event: Any) -> Any:
        return {"view": "list"}

    @handler.handle("get", path="/l/<string:id>")
    def one(event: Any, id: str) -> Any:
        return {"view": "one", "id": id}

    return handler


def powertools(make: Callable[[], Any]) -> Handler:
    app = make()

    @app.get("/l")
    def everything() -> Any:
        return {"view": "list"}

    @app.get("/l/<id>")
    def one(id: str) -> Any:
        return {"view": "one", "id": id}

    return lambda event, context: app.resolve(event, context)


def flask() -> Handler:
    app = Flask(__name__)

    @app.get("/l")
    def everything() -> Any:
        return {"view": "list"}

    @app.get("/l/<id>")
    def one(id: str) -> Any:
        return {"view": "one", "id": id}

    return lambda event, context: serverless_wsgi.handle_request(app, event, context)


HANDLERS: dict[str, tuple[Callable[[], Handler], str]] = {
    "Chalice": (chalice, "1.0"),
    "lambdarest": (lambdarest, "1.0"),
    "Powertools-REST": (lambda: powertools(APIGatewayRestResolver), "1.0"),
    "Powertools-HTTP": (lambda: powertools(APIGatewayHttpResolver), "2.0"),
    "serverless-wsgi-REST": (flask, "1.0"),
    "serverless-wsgi-HTTP": (flask, "2.0"),
}

ROUTES: dict[str, dict[str, Any]] = {
    "one-prefix": {"/l": {}},
    "root": {"/": {}},
    "greedy-template": {"/{proxy+}": {}},
    "prefix-and-template": {"/l": {}, "/l/{id}": {}},
    "exact-and-template": {"/l": {"exact": True}, "/l/{id}": {}},
    "routes-for-GET": {"/l": {"methods": ["GET"]}, "/l/{id}": {"methods": ["GET"]}},
}

#: Chalice compares its views with `resourcePath`, so it needs a route for each view,
#: as `chalice deploy` makes them in a REST API.
NEEDS_A_ROUTE_FOR_EACH_VIEW = {"Chalice": {"one-prefix", "root", "greedy-template"}}


@pytest.mark.parametrize(
    ("library", "routes"),
    [
        pytest.param(library, routes, id=f"{library}-{name}")
        for library in HANDLERS
        for name, routes in ROUTES.items()
        if name not in NEEDS_A_ROUTE_FOR_EACH_VIEW.get(library, ())
    ],
)
def test_handler_routes_right(library: str, routes: dict[str, Any]) -> None:
    make, version = HANDLERS[library]
    config = {
        "aws_region": "us-east-1",
        "function_name": "f",
        "awsgateway_compatible": True,
        "awsgateway_compatible_payload_version": version,
        "is_proxy_integration": True,
        "routes": routes,
    }
    handler = make()
    app = LambdaMiddleware(None, config)
    app.dispatcher = Dispatcher(config, around=lambda route, invoker: InProcess(handler))
    with serving(app) as web:
        found = [web.send("GET", path) for path in ("/l", "/l/7", "/l/x.y-z")]
    assert [response.status for response in found] == [200, 200, 200]
    assert [response.json() for response in found] == [
        {"view": "list"},
        {"view": "one", "id": "7"},
        {"view": "one", "id": "x.y-z"},
    ]
