"""docs/routing.md: paths, conditions, order, `authorize`, files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client

from tests.conftest import MakeApp
from tests.servers.lambda_server import LambdaServer
from tests.unit.docs.pages import block, code, importing, page, rows, save_files, section
from tests.unit.docs.running import python
from wsgi_lambda import ConfigError, LambdaMiddleware
from wsgi_lambda.dispatcher import Dispatcher

PAGE = page("docs/routing.md")
PATHS = rows(section(PAGE, "Paths"))


def owned(config: Any, path: str, **options: Any) -> int:
    """Return the status of a request: 404 is the app's, any other that of a route."""
    # As PATH_INFO: in a URL, "//pay" would be a host.
    environ = {"PATH_INFO": path}
    client = Client(LambdaMiddleware(None, config))
    return client.open("/", environ_overrides=environ, **options).status_code


@pytest.mark.parametrize("row", PATHS, ids=lambda row: row[0])
def test_path_matches_as_the_table_shows(row: list[str]) -> None:
    path, *options = code(row[0])
    matches, others = code(row[2]), code(row[3])
    if row[2] == "every path":
        matches = ["/", "/a/b"]
    route = {"function_name": "f", "exact": options == ["exact: true"]}
    config = {"aws_region": "us-east-1", "routes": {path: route}}
    # Without credentials, a route is a 500.
    assert {each: owned(config, each) for each in matches} == dict.fromkeys(matches, 500)
    assert {each: owned(config, each) for each in others} == dict.fromkeys(others, 404)


def test_five_functions_of_a_rest_api(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "api.py").write_text(block(PAGE, "python", "list-todos"))
    requests = [
        ("GET", "/todos", "list-todos"),
        ("POST", "/todos/", "add-todo"),
        ("GET", "/todos/7", "show-todo"),
        ("PUT", "/todos/7", "change-todo"),
        ("DELETE", "/todos/7", "delete-todo"),
        ("DELETE", "/todos", None),
        ("GET", "/todos/7/x", None),
    ]
    with importing(tmp_path, "api"):
        dispatcher = Dispatcher("api:WSGI_LAMBDA")
    for method, path, function in requests:
        backend = dispatcher.find({"REQUEST_METHOD": method, "PATH_INFO": path})
        route = backend and backend.route
        assert (route and route.target.function_name) == function


@pytest.mark.parametrize("row", rows(section(PAGE, "Order")), ids=lambda row: row[0][:40])
def test_order_is_that_of_the_table(row: list[str]) -> None:
    if "configuration" in row[0]:
        routes: dict[str, Any] = {"/a": [{"methods": ["GET"]}, {"methods": ["GET", "PUT"]}]}
    elif "consumers" in row[0] or "headers" in row[0]:
        first, second = map(json.loads, code(row[1]))
        routes = {"/a": [second, first]}
    elif "exact" in row[0]:
        routes = {"/todos": [{}, {"exact": True}]}
    else:
        routes = {path: {} for path in reversed(code(row[1]))}
    config = {"function_name": "f", "aws_region": "us-east-1", "routes": routes}
    found = [backend.route for backend in Dispatcher(config).backends]
    if len(routes) > 1:
        ordered = [str(route.path) for route in found if route]
        for first, second in zip(*[iter(code(row[1]))] * 2, strict=True):
            assert ordered.index(first) < ordered.index(second)
    else:
        assert [route.match for route in found if route] == sorted(
            (route.match for route in found if route),
            key=lambda match: (not match.exact, not match.consumers, not match.headers),
        )


@pytest.mark.parametrize(
    ("method", "host", "status"),
    [
        ("POST", "any.test", 500),
        ("GET", "eu.shop.example", 500),
        ("GET", "a.shop.test:8000", 500),
        ("GET", "any.test", 404),
    ],
)
def test_configuration_on_the_page_is_valid(method: str, host: str, status: int) -> None:
    names: dict[str, Any] = {}
    exec(block(PAGE, "python", "catalogue"), names)
    assert owned(names["WSGI_LAMBDA"], "/shop/x", method=method, headers={"Host": host}) == status


@pytest.mark.parametrize(
    ("token", "status"), [("a long random string", 200), ("another", 401), ("", 401)]
)
def test_authorize_lets_the_right_token_pass(
    token: str, status: int, lambda_server: LambdaServer, make_app: MakeApp, tmp_path: Path
) -> None:
    save_files(PAGE, tmp_path)
    with importing(tmp_path, "auth"):
        app = make_app({"/f": {"function_name": "f", "authorize": "auth:check"}})
        response = Client(app).get("/f", headers={"X-Token": token})
    assert response.status_code == status
    assert len(lambda_server.invocations) == (status == 200)


@pytest.mark.parametrize("source", ["settings.toml", "settings.json", "shop.settings:WSGI_LAMBDA"])
def test_configuration_may_be_a_file_or_an_import_path(source: str, tmp_path: Path) -> None:
    assert f'"{source}"' in PAGE or source == "settings.json"
    save_files(PAGE, tmp_path)
    config = {"aws_region": "us-east-1", "routes": {"/lambda1": {"function_name": "f"}}}
    (tmp_path / "settings.json").write_text(json.dumps({"WSGI_LAMBDA": config}))
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "settings.py").write_text(f"WSGI_LAMBDA = {config}")
    app = f"from wsgi_lambda import LambdaMiddleware; app = LambdaMiddleware(None, {source!r})"
    show = "app({'REQUEST_METHOD': 'GET', 'PATH_INFO': '/other'}, lambda status, *_: print(status))"
    assert python(tmp_path, "-c", f"{app}\n{show}") == "404 Not Found\n"


def test_all_errors_are_reported_together() -> None:
    config = {"routes": {"/a": {"timout": 1}, "/b": {"function_name": "f", "timeout": "long"}}}
    with pytest.raises(ConfigError) as raised:
        LambdaMiddleware(None, config)
    assert "routes['/a']" in str(raised.value)
    assert "routes['/b'].timeout" in str(raised.value)
