"""docs/streaming.md: the configuration works, the tables are those of the tests."""

from __future__ import annotations

import pytest
from flask import Flask
from werkzeug.test import Client

from tests.conftest import defaults
from tests.e2e.test_stream_servers import SERVERS
from tests.servers.app_servers import KINDS
from tests.servers.event_stream import EVENT_STREAM, WITH_HEAD, chunk, complete, stream
from tests.servers.lambda_server import LambdaServer
from tests.unit.docs.pages import ROOT, block, page, rows, section
from wsgi_lambda import LambdaMiddleware
from wsgi_lambda.response.stream_head import LIMIT

PAGE = page("docs/streaming.md")


def test_configuration_streams(lambda_server: LambdaServer) -> None:
    names: dict[str, dict[str, object]] = {}
    exec(block(PAGE, "python", "RESPONSE_STREAM"), names)
    config = {**names["WSGI_LAMBDA"], **defaults(lambda_server)}
    lambda_server.script(stream(chunk(b"data: tea\n\n"), complete()))
    response = Client(LambdaMiddleware(None, config)).get("/chat", buffered=False)
    assert (response.status_code, response.data) == (200, b"data: tea\n\n")


def test_hooks_of_an_app_do_not_see_a_stream(lambda_server: LambdaServer) -> None:
    app = Flask("shop")
    app.after_request(lambda response: pytest.fail("a hook saw the stream"))
    route = {"function_name": "f", "invoke_mode": "RESPONSE_STREAM"}
    config = {**defaults(lambda_server), "routes": {"/f": route}}
    app.wsgi_app = LambdaMiddleware(app.wsgi_app, config)  # type: ignore[method-assign]
    lambda_server.script(stream(chunk(b"one"), chunk(b"two"), complete()))
    assert app.test_client().get("/f").data == b"onetwo"


def test_servers_are_those_of_the_tests() -> None:
    measured = {name: cells for name, *cells in rows(section(PAGE, "Servers"))}
    assert list(measured) == list(KINDS)
    assert {name: measured[name][3] for name in SERVERS} == SERVERS


def test_types_are_those_of_the_code() -> None:
    types = [cells[0] for cells in rows(section(PAGE, "A function that streams"))]
    assert [f"`{WITH_HEAD}`" in types[0], f"`{EVENT_STREAM}`" in types[1]] == [True, True]
    assert f"{LIMIT // 1024} KiB" in PAGE


def test_screenshot_is_small() -> None:
    assert (ROOT / "docs" / "streaming.png").stat().st_size < 200_000  # bytes
