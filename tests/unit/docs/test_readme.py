"""The README: its length, and everything in it that can be run."""

from __future__ import annotations

import configparser
import json
import re
from pathlib import Path

import pytest

from tests.servers.lambda_server import LambdaServer
from tests.unit.docs.pages import ROOT, block, blocks, code, page, rows, save_files, section
from tests.unit.docs.running import far_end, gunicorn, request, run_handler, shell
from wsgi_lambda.options import OPTIONS

README = page("README.md")
MILLISECONDS = ("timeout",)


def test_it_fits_on_two_screens() -> None:
    assert len(README.splitlines()) <= 130
    assert len(README.split()) <= 800


def curl() -> tuple[str, str]:
    """Return the command and the output that the README prints."""
    command, output = block(README, "console").split("\n", 1)
    return command.removeprefix("$ "), output.strip()


def received(event: object, context: object) -> dict[str, object]:
    """Do what the README says of MyLambda."""
    assert 'returns `{"received": event}`' in README
    return {"received": event}


@pytest.mark.e2e
def test_flask_app_prints_what_curl_shows(lambda_server: LambdaServer, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(block(section(README, "Around an app"), "python"))
    command, output = curl()
    run_handler(lambda_server, received)
    (arguments,) = re.findall(r"gunicorn ([^`]+:app)`", README)
    with gunicorn(tmp_path, *arguments.split(), **far_end(lambda_server)) as port:
        assert shell(command, port, tmp_path) == output
        # Every other path is the app's, which has no page here.
        assert request(port, "GET", "/")[0] == 404


@pytest.mark.e2e
def test_django_project_prints_the_same(lambda_server: LambdaServer, project: Path) -> None:
    django = section(page("docs/django.md"), "Around the project")
    wsgi, settings = blocks(django, "python")[:2]
    assert wsgi.startswith("# mysite/wsgi.py\n")
    (project / "mysite" / "wsgi.py").write_text(wsgi)
    with (project / "mysite" / "settings.py").open("a") as file:
        file.write(settings)
    command, output = curl()
    run_handler(lambda_server, received)
    arguments = re.findall(r"`gunicorn ([^`]+)`", django)[0]
    with gunicorn(project, *arguments.split(), **far_end(lambda_server)) as port:
        assert shell(command, port, project) == output
        status, body = request(port, "GET", "/")
        assert (status, b"The install worked successfully" in body) == (200, True)


IN_APP = section(README, "In a Flask app or a Django project")


@pytest.mark.e2e
@pytest.mark.parametrize(("number", "app"), [(0, "app:app"), (1, "shop:application")])
def test_functions_in_an_app(
    lambda_server: LambdaServer, tmp_path: Path, number: int, app: str
) -> None:
    save_files(IN_APP, tmp_path)
    run_handler(lambda_server, received)
    with gunicorn(tmp_path, "--threads", "8", app, **far_end(lambda_server)) as port:
        for command, *shown in rows(IN_APP):
            line = code(command)[0]
            if number:
                for other in code(command)[1:]:
                    line = line.replace(other.rstrip("/"), other)
            printed = shell(line, port, tmp_path)
            cell = shown[0] if shown[number] == "the same" else shown[number]
            status, body = re.fullmatch(r"(\d+)[^`]*(?:`(.+)`)?", cell).groups()  # type: ignore[union-attr]
            assert printed.startswith(f"HTTP/1.1 {status} ")
            if body:
                assert json.loads(printed.partition("\n\n")[2]) == json.loads(body)


OPTIONS_TABLE = section(page("docs/guide.md"), "The options most people set")


@pytest.mark.parametrize("row", rows(OPTIONS_TABLE), ids=lambda row: row[0])
def test_options_have_the_defaults_in_the_table(row: list[str]) -> None:
    (name,), shown = code(row[0]), row[1]
    default = OPTIONS[name].default
    if shown in ("required", "unset", "all", "`AWS_REGION`"):
        assert default in (None, "", frozenset())
    else:
        # False is 0 to Python.
        expected = (
            json.loads(shown) / (1000 if name in MILLISECONDS else 1)
            if shown.isdigit()
            else json.loads(shown)
        )
        assert (type(expected) is bool, expected) == (type(default) is bool, default)


def test_versions_are_those_that_setup_cfg_tests() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    pythons = re.findall(r"Python :: (3\.\d+)", config["metadata"]["classifiers"])
    # An older Python would download hundreds of wheels before pip rejects it.
    before, _, _ = README.partition("pip install")
    assert f"Python {pythons[0]} to {pythons[-1]}" in before
    demo = config["options.extras_require"]["demo"]
    for name in ("Flask", "Django"):
        (minimum,) = re.findall(rf"{name.lower()} >= (\d+\.\d+)", demo)
        assert f"{name} {minimum}" in README


def test_extras_exist() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    for name in re.findall(r"extra\s+`(\w+)`", README):
        assert name in config["options.extras_require"]


def test_package_index_shows_the_same_app() -> None:
    app = block(section(README, "Around an app"), "python")
    assert block(page("docs/package.md"), "python") == app.removeprefix("# app.py\n")
