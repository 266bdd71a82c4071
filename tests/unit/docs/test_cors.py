"""docs/faq.md: what happens to a preflight, and three ways to respond to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import flask
import flask_cors
import pytest
from werkzeug.test import Client, TestResponse

from tests.conftest import defaults
from tests.servers.lambda_server import LambdaServer, respond
from tests.unit.docs.pages import block, importing, page, save_files, section
from tests.unit.docs.running import handler_of, run_handler
from wsgi_lambda import LambdaMiddleware

TEXT = section(page("docs/faq.md"), "What about CORS and preflights?")
ORIGIN = "https://pages.example"
PREFLIGHT = {
    "Origin": ORIGIN,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "content-type",
}
GATEWAY = {"awsgateway_compatible": True, "is_proxy_integration": True}
HANDLER = handler_of(block(TEXT, "python", "lambda_handler"))


def wrap(app: Any, server: LambdaServer, **options: Any) -> LambdaMiddleware:
    own = {"function_name": "f", **options}
    return LambdaMiddleware(app, {**defaults(server), "routes": {"/lambda1": own}})


def may_go_on(response: TestResponse) -> bool:
    """Return whether a browser sends the POST after this response to its preflight."""
    return (
        200 <= response.status_code < 300
        and response.headers.get("Access-Control-Allow-Origin") == ORIGIN
        and "POST" in response.headers.get("Access-Control-Allow-Methods", "")
        and "content-type" in response.headers.get("Access-Control-Allow-Headers", "").lower()
    )


def is_readable(response: TestResponse) -> bool:
    """Return whether a browser shows the response to the page."""
    return response.headers.getlist("Access-Control-Allow-Origin") == [ORIGIN]


def test_flask_cors_adds_its_headers_to_a_404(lambda_server: LambdaServer) -> None:
    app = flask.Flask("plain")
    flask_cors.CORS(app, origins=[ORIGIN])
    client = Client(wrap(app, lambda_server, methods=["POST"]))
    response = client.options("/lambda1", headers=PREFLIGHT)
    assert (response.status_code, is_readable(response)) == (404, True)
    assert not may_go_on(response)
    assert lambda_server.invocations == []
    assert not is_readable(client.post("/lambda1", headers={"Origin": ORIGIN}))


def test_function_may_respond(lambda_server: LambdaServer) -> None:
    app = wrap(None, lambda_server, methods=["POST", "OPTIONS"], **GATEWAY)
    run_handler(lambda_server, HANDLER, times=2)
    assert may_go_on(Client(app).options("/lambda1", headers=PREFLIGHT))
    response = Client(app).post("/lambda1", headers={"Origin": ORIGIN})
    assert (response.text, is_readable(response)) == ("ordered", True)


def test_app_may_respond(lambda_server: LambdaServer, tmp_path: Path) -> None:
    save_files(TEXT, tmp_path)
    with importing(tmp_path, "shop.app") as (shop,):
        client = Client(wrap(shop.app, lambda_server, methods=["POST"], **GATEWAY))
        assert may_go_on(client.options("/lambda1", headers=PREFLIGHT))
        assert lambda_server.invocations == []
        run_handler(lambda_server, HANDLER)
        response = client.post("/lambda1", headers={"Origin": ORIGIN})
    assert (response.text, is_readable(response)) == ("ordered", True)


@pytest.mark.parametrize("methods", [None, ["POST"]])
def test_middleware_may_respond(methods: Any, lambda_server: LambdaServer, tmp_path: Path) -> None:
    save_files(TEXT, tmp_path)
    app = flask.Flask("plain")
    routes = {"/lambda1": {"function_name": "f", "methods": methods}}
    app.config["WSGI_LAMBDA"] = {**defaults(lambda_server), "routes": routes}
    with importing(tmp_path, "shop.cors") as (cors,):
        names = {"app": app, "LambdaMiddleware": LambdaMiddleware, "AllowOrigin": cors.AllowOrigin}
        exec(block(TEXT, "python", "app.wsgi_app"), names)
    client = Client(app.wsgi_app)
    assert may_go_on(client.options("/lambda1", headers=PREFLIGHT))
    assert lambda_server.invocations == []
    lambda_server.script(respond(200, {}, b"7"))
    response = client.post("/lambda1", headers={"Origin": ORIGIN})
    assert (response.text, is_readable(response)) == ("7", True)
    assert is_readable(client.get("/page", headers={"Origin": ORIGIN}))
    assert not is_readable(client.get("/page", headers={"Origin": "https://other.example"}))
    assert client.options("/page", headers={"Origin": ORIGIN}).status_code == 404
