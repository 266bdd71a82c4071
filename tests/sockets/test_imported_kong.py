"""Files of Kong, imported by the command line and served by gunicorn, with a request a route."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests.conftest import ACCESS_KEY, SECRET_KEY
from tests.servers.gunicorn_server import Gunicorn, gunicorn
from tests.servers.lambda_server import LambdaServer
from tests.servers.web_server import send
from wsgi_lambda.cli import main

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests" / "unit" / "kong_import" / "cases"
REGION = "eu-west-1"

#: For each file: exit status, then a request (method, target, headers) and what the function got.
Request = tuple[str, str, dict[str, str]]
FILES: dict[str, tuple[int, list[tuple[Request, str, dict[str, Any]]]]] = {
    "header_routes.yml": (
        0,
        [
            (("GET", "/pay", {}), "pay-v1", {"request_method": "GET"}),
            (("PUT", "/pay/7", {"X-Canary": "1"}), "pay-v2", {"request_method": "PUT"}),
            (("GET", "/pay", {"X-Canary": "2"}), "pay-v1", {"request_method": "GET"}),
        ],
    ),
    "ingress.yml": (
        0,
        [(("POST", "/readings", {"Host": "shop.example"}), "read-meter", {"request_body": "a=1"})],
    ),
    "openapi_routes.yml": (
        0,
        [
            (("GET", "/pets", {}), "pets-list", {"path": "/pets", "pathParameters": None}),
            (
                ("GET", "/pets/7", {}),
                "pets-show",
                {
                    "path": "/pets/7",
                    "resource": "/pets/{petid}",
                    "pathParameters": {"petid": "7"},
                },
            ),
        ],
    ),
    # It exits with 1 because of key-auth and other protections.
    "placeholders_shell.yml": (
        1,
        [(("GET", "/rest/v1/rows", {}), "rows-api", {"path": "/rows"})],
    ),
    "service_path.yml": (
        0,
        [
            (("GET", "/shop/items/7", {}), "catalogue", {"path": "/internal/v2/items/7"}),
            (("GET", "/shop", {}), "catalogue", {"path": "/internal/v2"}),
        ],
    ),
}


@pytest.fixture
def far_server() -> Iterator[LambdaServer]:
    with LambdaServer(region=REGION, credentials={ACCESS_KEY: (SECRET_KEY, None)}) as server:
        server.respond(200, {}, b'{"statusCode": 200, "body": "of the function"}')
        yield server
        assert server.errors == []


@contextmanager
def serving_imported(
    configuration: str, wsgi: str, server: LambdaServer, folder: Path
) -> Iterator[Gunicorn]:
    """Serve ``wsgi``, the text of a module, which may import ``configuration``."""
    (folder / "lambda_settings.py").write_text(configuration, encoding="utf-8")
    environ = {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_ENDPOINT_URL_LAMBDA": f"http://{server.host}:{server.port}",
        "AWS_REGION": REGION,
        "KONG_AWS_REGION": REGION,
    }
    source = f"import os\n\nos.environ.update({environ!r})\n{wsgi}"
    with gunicorn(folder, source, "--threads", "2") as running:
        yield running


def wsgi_of_the_documentation() -> str:
    """Return the `wsgi.py` at the end of docs/kong.md."""
    text = (ROOT / "docs" / "kong.md").read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```$", text, re.S | re.M)[-1]


@pytest.mark.parametrize("name", FILES)
def test_imported_routes_run_their_functions(
    name: str, far_server: LambdaServer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    status, requests = FILES[name]
    assert main(["import-kong", str(CASES / name)]) == status
    configuration = capfd.readouterr().out
    wsgi = wsgi_of_the_documentation()
    with serving_imported(configuration, wsgi, far_server, tmp_path) as server:
        for (method, target, headers), function, event in requests:
            body = b"a=1" * (method in ("POST", "PUT"))
            form = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
            response = send(server.address, method, target, {**headers, **form}.items(), body)
            assert response.status == 200
            invocation = far_server.invocations[-1]
            assert unquote(invocation.path).split("/")[3] == function
            assert invocation.event.items() >= event.items()
        # Other requests reach the Flask app.
        assert b"was not found" in send(server.address, "GET", "/elsewhere").body
    assert len(far_server.invocations) == len(requests)


def test_every_case_is_served() -> None:
    assert {path.name for path in CASES.iterdir()} == set(FILES)
