"""docs/flask.md: the functions in the app, the middleware around it, the tests."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.servers.lambda_server import LambdaServer, echo, respond
from tests.unit.docs.pages import block, importing, page, save_files, section
from tests.unit.docs.running import far_end, gunicorn, python, request, run_handler
from wsgi_lambda.flask import LambdaFunctions

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


# In the app


@pytest.fixture
def folder(lambda_server: LambdaServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return the folder of the page's files; each function returns its event."""
    save_files(PAGE, tmp_path)
    for name, value in {**far_end(lambda_server), "SECRET_KEY": "secret"}.items():
        monkeypatch.setenv(name, value)
    lambda_server.always(echo())
    return tmp_path


def events(server: LambdaServer) -> list[Any]:
    return [json.loads(invocation.body) for invocation in server.invocations]


def test_members(folder: Path, lambda_server: LambdaServer) -> None:
    with importing(folder, "members") as (members,):
        client = members.app.test_client()
        token = {"X-CSRFToken": client.get("/token").text}
        assert client.get("/lambda1?key1=value1").status_code == 401
        assert client.post("/lambda1").status_code == 400
        assert client.get("/pay/7").status_code == 405
        assert client.post("/pay/7", headers=token).status_code == 401
        assert lambda_server.invocations == []
        client.post("/login", headers=token)
        assert client.get("/lambda1?key1=value1").json == {"key1": "value1"}
        assert client.post("/pay/7", headers=token).json == {"order_id": "7"}
        client.post("/logout", headers=token)
        assert client.get("/lambda1").status_code == 401
        lambda_server.script(respond(200, {}, b'{"total": 12}'))
        assert client.get("/total/7").json == {"total": 12}
        assert events(lambda_server)[-1] == {"order": 7}


def test_factory_and_blueprint(folder: Path) -> None:
    with importing(folder, "store") as (store,):
        config = {"aws_region": "us-east-1", "functions": {"pay": {}}}
        clients = [store.create_app(config).test_client() for _ in range(2)]
        for client in clients:
            assert client.get("/payments/7").status_code == 405
            assert client.post("/payments/7").json == {"order_id": "7"}
            assert client.get("/payments/7/receipt").text == "Receipt 7"


def test_view_that_parses_the_form_first(folder: Path, lambda_server: LambdaServer) -> None:
    with importing(folder, "orders") as (orders,):
        client = orders.app.test_client()
        assert client.post("/orders/7", data={"x": "1"}).status_code == 400
        assert lambda_server.invocations == []
        event = {"amount": "3", "order_id": "7"}
        assert client.post("/orders/7", data={"amount": "3"}).json == event


def test_pages_for_failures(folder: Path, lambda_server: LambdaServer) -> None:
    failed = respond(200, {"X-Amz-Function-Error": "Unhandled"}, b'{"errorType": "KeyError"}')
    lambda_server.script(respond(404), failed)
    with importing(folder, "errors") as (errors,):
        client = errors.app.test_client()
        page = client.get("/lambda1")
        assert (page.status_code, page.text) == (502, "The shop is being repaired")
        assert "X-Amzn-RequestId" in page.headers
        checked = client.get("/checked/7")
        assert (checked.status_code, checked.json) == (409, {"failed": "KeyError"})


def test_recipes(folder: Path, lambda_server: LambdaServer) -> None:
    with importing(folder, "recipes") as (recipes,):
        client = recipes.app.test_client()
        assert client.post("/hook").status_code == 200
        assert client.post("/lambda1").status_code == 200
        assert [client.get("/quote").status_code for _ in range(11)] == [200] * 10 + [429]
        preflight = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
        sent = len(lambda_server.invocations)
        allowed = client.options("/lambda1", headers=preflight).headers
        assert allowed["Access-Control-Allow-Origin"] == "https://shop.example"
        assert len(lambda_server.invocations) == sent
        lambda_server.script(*[respond(200, {}, b'{"statusCode": 200, "body": "tea"}')] * 2)
        assert [client.get("/catalogue").text for _ in range(2)] == ["tea", "tea"]
        assert len(lambda_server.invocations) == sent + 1
        with client.session_transaction() as session:
            session["user"] = "ada"
        client.get("/catalogue?a=1")
        assert client.post("/buy", data={"a": "1"}).status_code == 400  # no CSRF token
        recipes.app.config["WTF_CSRF_ENABLED"] = False
        assert client.post("/buy", data={"a": "1"}).json == {"user": "ada", "a": "1"}
        assert client.get("/totals").json == [{"order": number} for number in range(3)]


def test_principal_of_the_page(folder: Path, lambda_server: LambdaServer) -> None:
    import flask

    names: dict[str, Any] = {"session": flask.session}
    exec(block(PAGE, "python", '"principal"'), names)
    app = Flask(__name__)
    app.secret_key = "secret"
    app.config["WSGI_LAMBDA"] = names["WSGI_LAMBDA"]
    LambdaFunctions(app)
    client = app.test_client()
    assert client.get("/lambda1").status_code == 404
    with client.session_transaction() as session:
        session["user"] = "ada"
    assert client.get("/lambda1").status_code == 200


def test_commands(folder: Path, lambda_server: LambdaServer) -> None:
    commands = block(section(PAGE, "Commands"), "sh").splitlines()
    with importing(folder, "members") as (members,):
        for line in commands:
            words = shlex.split(line)
            assert words[:3] == ["flask", "--app", "members"]
            if "check" in words:
                lambda_server.script(respond(204), respond(204))
            done = members.app.test_cli_runner().invoke(args=words[3:])
            assert done.exit_code == 0, done.output
    kinds = [each.header("x-amz-invocation-type") for each in lambda_server.invocations]
    # The last one asks for a page that requires a login.
    assert kinds == ["DryRun", "DryRun", "RequestResponse"]
    assert "< 401" in done.output
