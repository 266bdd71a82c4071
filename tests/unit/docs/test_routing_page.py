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
    (path,), matches, others = map(code, row)
    if row[1] == "the same":
        matches, others = code(PATHS[0][1]), code(PATHS[0][2])
    if row[1] == "every path":
        matches = ["/", "/a/b"]
    config = {"aws_region": "us-east-1", "routes": {path: {"function_name": "f"}}}
    # Without credentials, a route is a 500.
    assert {each: owned(config, each) for each in matches} == dict.fromkeys(matches, 500)
    assert {each: owned(config, each) for each in others} == dict.fromkeys(others, 404)


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
    exec(block(PAGE, "python", "WSGI_LAMBDA"), names)
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
