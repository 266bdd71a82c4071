"""docs/flask.md: the factory, the login, the tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.servers.lambda_server import LambdaServer
from tests.unit.docs.pages import importing, page, save_files
from tests.unit.docs.running import far_end, gunicorn, python, request, run_handler

PAGE = page("docs/flask.md")


@pytest.mark.e2e
def test_factory_serves_its_page_and_its_route(lambda_server: LambdaServer, tmp_path: Path) -> None:
    save_files(PAGE, tmp_path)
    run_handler(lambda_server, lambda event, context: event)
    assert "\ngunicorn --threads 8 'shop:create_app()'\n" in PAGE
    command = ("--threads", "8", "shop:create_app()")
    with gunicorn(tmp_path, *command, **far_end(lambda_server)) as port:
        assert request(port, "GET", "/") == (200, b"A page of the app")
        assert request(port, "GET", "/lambda1?a=1") == (200, b'{"a": "1"}')


def test_test_of_a_reader_passes(tmp_path: Path) -> None:
    save_files(PAGE, tmp_path)
    printed = python(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_shop.py")
    assert "1 passed" in printed


@pytest.fixture
def client(
    lambda_server: LambdaServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[FlaskClient]:
    save_files(PAGE, tmp_path)
    for name, value in {**far_end(lambda_server), "SECRET_KEY": "secret"}.items():
        monkeypatch.setenv(name, value)
    run_handler(lambda_server, lambda event, context: event, times=3)
    with importing(tmp_path, "app") as (module,):
        app: Flask = module.app
        yield app.test_client()


def test_session_of_flask_lets_a_user_pass(
    client: FlaskClient, lambda_server: LambdaServer
) -> None:
    assert client.get("/lambda1").status_code == 401
    client.set_cookie("session", "eyJ1c2VyX2lkIjo3fQ.forged.forged")
    assert client.get("/lambda1").status_code == 401
    assert lambda_server.invocations == []
    assert client.post("/login").text == "Welcome"
    assert client.get("/lambda1?a=1").json == {"a": "1"}
    assert client.post("/lambda1", data={"b": "2"}).json == {"b": "2"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "http://evil.test"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost"}, 200),
    ],
)
def test_page_of_another_site_cannot_use_the_session(
    client: FlaskClient, headers: dict[str, str], status: int
) -> None:
    client.post("/login")
    assert client.post("/lambda1", headers=headers).status_code == status


def test_user_is_the_principal_of_api_gateways_events(
    client: FlaskClient, lambda_server: LambdaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import app

    from wsgi_lambda import LambdaMiddleware

    config = {**app.app.config["WSGI_LAMBDA"], "awsgateway_compatible": True}
    app.app.wsgi_app = LambdaMiddleware(app.app.wsgi_app.app, config)
    client.post("/login")
    client.get("/lambda1")
    (invocation,) = lambda_server.invocations
    assert json.loads(invocation.body)["requestContext"]["authorizer"] == {"principalId": "7"}
