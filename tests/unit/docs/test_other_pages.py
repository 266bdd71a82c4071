"""The command line, credentials, questions and architecture."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client, create_environ

from tests.conftest import MakeApp, defaults
from tests.servers.lambda_server import Exchange, LambdaServer, echo
from tests.unit.docs.pages import PAGES, block, blocks, code, page, rows, section
from tests.unit.docs.running import python
from tests.unit.test_imports import MAY_IMPORT
from wsgi_lambda import LambdaMiddleware
from wsgi_lambda.cli import main
from wsgi_lambda.options import OPTIONS
from wsgi_lambda.request import Request

COMMANDS = page("docs/command-line.md")
ARCHITECTURE = page("docs/architecture.md")
FAQ = page("docs/faq.md")


def help_of(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    with pytest.raises(SystemExit):
        main([*command, "--help"])
    return capsys.readouterr().out


@pytest.mark.parametrize("command", ["check", "routes", "invoke", "import-kong"])
def test_command_has_a_section_and_its_options_exist(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = section(COMMANDS, command)
    options = set(re.findall(r"`(--?[a-zA-Z-]+)", text)) | {
        option for option in ("--json", "--format") if f"`{option}" in text
    }
    shown = help_of(capsys, command)
    assert [option for option in options if option not in shown] == []


def test_commands_on_all_pages_exist(capsys: pytest.CaptureFixture[str]) -> None:
    shown = help_of(capsys)
    for path in PAGES:
        for command in re.findall(r"wsgi-lambda ([a-z][a-z-]+)", path.read_text("utf-8")):
            assert command in shown, (path.name, command)


def test_check_prints_lines_like_those_on_the_page(
    lambda_server: LambdaServer,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    def reply(status: int, head: str) -> Any:
        def step(exchange: Exchange) -> None:
            exchange.send(f"HTTP/1.1 {status} Any\r\n{head}\r\n".encode())

        return step

    error = "x-amzn-ErrorType: AccessDeniedException\r\nContent-Length: 0\r\n"
    lambda_server.script(reply(204, ""), reply(403, error))
    config = {
        **defaults(lambda_server),
        "aws_key": None,
        "aws_secret": None,
        "routes": {
            "/lambda1": {"function_name": "MyLambda"},
            "/shop": {"function_name": "orders", "methods": ["POST"]},
        },
    }
    (tmp_path / "settings.json").write_text(json.dumps(config))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    assert main(["check", str(tmp_path / "settings.json")]) == 1
    endpoint = f"http://{lambda_server.host}:{lambda_server.port}"
    printed = capsys.readouterr().out.replace(endpoint, "https://lambda.us-east-1.amazonaws.com")
    assert printed == block(COMMANDS, "text")


FILES = [
    name for row in rows(COMMANDS) for name in code(row[0]) if re.search(r":|\.json|\.to|\.y", name)
]


#: Loads each FILE in one process, and prints the paths of its routes.
LOAD = """
import contextlib, io, json, sys
from wsgi_lambda.cli import main
found = {}
for name in sys.argv[1:]:
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        main(["routes", name, "--json"])
    found[name] = [route["path"] for route in json.loads(printed.getvalue())]
print(json.dumps(found))
"""


def test_file_may_be_each_of_those_on_the_page(project: Path) -> None:
    config = '{"aws_region": "us-east-1", "routes": {"/lambda1": {"function_name": "f"}}}'
    toml = 'aws_region = "us-east-1"\n[routes."/lambda1"]\nfunction_name = "f"\n'
    flask = block(section(page("README.md"), "Around an app"), "python")
    lines = "".join(f"    {line}" for line in flask.splitlines(keepends=True))
    factory = f"def create_app():\n{lines}    return app\n"
    wsgi, settings = blocks(section(page("docs/django.md"), "Around the project"), "python")[:2]
    (project / "mysite" / "wsgi.py").write_text(wsgi)
    with (project / "mysite" / "settings.py").open("a") as file:
        file.write(settings)
    (project / "app.py").write_text(flask)
    (project / "shop.py").write_text(f"{factory}class settings:\n    WSGI_LAMBDA = {config}\n")
    (project / "settings.toml").write_text(toml)
    for suffix in ("json", "yaml", "yml"):
        (project / f"settings.{suffix}").write_text(config)
    names = [name.strip("'") for name in FILES]
    assert len(names) == 8
    found = json.loads(python(project, "-c", LOAD, *names))
    assert found == {name: ["/lambda1"] for name in names}


def test_routes_print_null_for_an_unset_condition(project: Path) -> None:
    assert '`"methods": null`' in COMMANDS
    app = block(section(page("README.md"), "Around an app"), "python")
    (project / "app.py").write_text(app)
    printed = json.loads(python(project, "-m", "wsgi_lambda", "routes", "app:app", "--json"))
    assert printed[0]["methods"] is None
    assert printed[0]["authorize"] is None


def test_role_on_the_page_is_a_valid_configuration() -> None:
    routes = eval(f"{{{block(page('docs/credentials.md'), 'python')}}}")
    LambdaMiddleware(None, {"aws_region": "us-east-1", "routes": routes})


@pytest.mark.parametrize(
    "row", rows(section(FAQ, "What about CORS and preflights?")), ids=lambda row: row[0]
)
def test_preflight_goes_where_the_table_shows(
    row: list[str], lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    options = eval(f"{{'methods': {found[0]}}}") if (found := re.findall(r"\[.*\]", row[0])) else {}
    app = make_app({"/f": {"function_name": "f", **options}})
    headers = {"Origin": "https://other.test", "Access-Control-Request-Method": "POST"}
    status = Client(app).options("/f", headers=headers).status_code
    assert status == (200 if row[1].startswith("the function") else 404)


def test_case_in_the_readme_of_the_tests_is_true(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    case = json.loads(block(page("tests/README.md"), "json"))
    lambda_server.script(echo())
    method, target = case["request"]["method"], case["request"]["target"]
    response = Client(make_app({"/f": {"function_name": "f"}})).open(target, method=method)
    assert response.json == case["event"]


def test_view_of_the_comparison_works(tmp_path: Path) -> None:
    source = f"""
import json
from flask import Flask, request
app = Flask("app")
class client:
    def invoke(FunctionName, Payload):
        import io
        return {{"Payload": io.BytesIO(Payload.encode())}}
{block(FAQ, "python", "client.invoke")}
print(app.test_client().post("/lambda1", json=[1]).text)
"""
    assert python(tmp_path, "-c", source) == "[1]\n"


def test_options_in_the_table_of_the_guide_are_on_the_page_of_all_options() -> None:
    table = section(page("docs/guide.md"), "The options most people set")
    names = [code(row[0])[0] for row in rows(table)]
    assert len(names) == 10
    assert set(names) <= set(OPTIONS)


def test_import_table_is_the_one_that_is_checked() -> None:
    shown: dict[str, set[str]] = {}
    for folders, imports in rows(section(ARCHITECTURE, "Who imports whom")):
        names = re.sub(r"\(.*?\)", "", imports)
        allowed = set() if names == "nothing" else {name.strip() for name in names.split(",")}
        shown |= dict.fromkeys(code(folders), allowed)
    assert shown == {
        name: set(may) for name, may in MAY_IMPORT.items() if name not in ("", "__main__")
    }


def test_files_in_the_drawing_of_the_rooms_exist() -> None:
    named = [name for cell, _ in rows(section(ARCHITECTURE, "The rooms")) for name in code(cell)]
    package = Path(LambdaMiddleware.__call__.__code__.co_filename).parent
    assert [name for name in named if not (package / name).exists()] == []


def test_files_that_a_contributor_changes_exist() -> None:
    package = Path(LambdaMiddleware.__call__.__code__.co_filename).parent
    named = re.findall(r"`([\w/]+\.(?:py|cfg))`", page("CONTRIBUTING.md"))
    assert "credentials/source.py" in named
    places = (package, package.parent)
    assert [name for name in named if not any((at / name).exists() for at in places)] == []


def test_invoker_on_the_page_takes_the_place_of_lambda() -> None:
    names: dict[str, Any] = {
        "handler": lambda event, context: {"received": event},
        "config": {"aws_region": "us-east-1", "routes": {"/f": {"function_name": "f"}}},
    }
    (snippet,) = blocks(ARCHITECTURE, "python")
    exec(snippet, names)
    environ = create_environ("/f?a=1")
    backend = names["dispatcher"].find(environ)
    response = names["dispatcher"].respond(backend, Request(environ))
    assert json.loads(b"".join(response.body)) == {"received": {"a": "1"}}
