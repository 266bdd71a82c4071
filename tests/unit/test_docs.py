"""What the README and the guide say is what there is."""

from __future__ import annotations

import configparser
import http.client
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import wsgi_lambda
from bench.report import readme_table
from tests.tools.promises import PROMISES
from wsgi_lambda.config import read_routes

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = Path(wsgi_lambda.__file__).resolve().parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").glob("**/*.md")])


def blocks(text: str, language: str) -> list[str]:
    """Return the contents of the fenced blocks of ``language``."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def test_performance_is_what_was_measured() -> None:
    written = json.loads(
        (ROOT / "docs" / "measured" / "performance.json").read_text(encoding="utf-8")
    )
    assert readme_table(written) in README


def test_every_promise_is_in_the_table_with_all_its_tests() -> None:
    document = (ROOT / "docs" / "measured" / "reliability.md").read_text(encoding="utf-8")
    assert [text for text in PROMISES.values() if f"| {text} |" not in document] == []
    marked = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "tests").rglob("test_*.py")
        if "mark.promise(" in path.read_text(encoding="utf-8") and path.name != "test_docs.py"
    ]
    assert [path for path in marked if f"(../../{path})" not in document] == []


def test_lowest_versions_are_those_that_setup_cfg_allows() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    allowed = config["options"]["install_requires"].split("\n")
    tested = (ROOT / "tests" / "lowest.txt").read_text().splitlines()
    lowest = [line.replace("==", ">=").removesuffix(".0") for line in tested]
    assert sorted(lowest) == sorted(filter(None, allowed))


def test_docs_is_of_this_version() -> None:
    version = re.escape(wsgi_lambda.__version__)
    assert re.search(rf"\bThis is {version}\b", README)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_snippets_parse(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for block in blocks(text, "json"):
        json.loads(block)
    for block in blocks(text, "python"):
        # One that begins with a key is a part of a configuration.
        compile(f"{{{block}}}" if block.startswith('"') else block, document.name, "exec")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_relative_links_lead_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.is_relative_to(ROOT)
        assert target.is_file(), link
        assert not anchor or anchor in headings(target), link


def headings(document: Path) -> set[str]:
    """Return the anchors that a reader of Markdown makes of the headings."""
    titles = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_routes_snippet_is_a_right_configuration() -> None:
    (snippet,) = (block for block in blocks(README, "python") if block.startswith("WSGI_LAMBDA"))
    names: dict[str, Any] = {}
    exec(snippet, names)
    routes = read_routes(names["WSGI_LAMBDA"], environ={})
    assert [route.target.function_name for route in routes] == ["MyLambda", "orders", "catalogue"]


def test_policy_names_its_functions() -> None:
    guide = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
    policies = [json.loads(block) for block in blocks(guide, "json") if '"Statement"' in block]
    statements = [statement for policy in policies for statement in policy["Statement"]]
    assert statements
    for statement in statements:
        assert statement["Action"] == "lambda:InvokeFunction"
        assert all(re.fullmatch(r"arn:[^*]+", arn) for arn in statement["Resource"])


@contextmanager
def pasted(module: str, folder: Path) -> Iterator[socket.socket]:
    """Write the README's snippet into an empty folder and start it with the README's command.

    Yields a connection. gunicorn inherits a socket that listens already, so
    that a request waits until the app is there, and gets a reset if it dies.
    """
    (snippet,) = (b for b in blocks(README, "python") if b.startswith(f"# {module}.py\n"))
    (folder / f"{module}.py").write_text(snippet, encoding="utf-8")
    (arguments,) = re.findall(rf"`gunicorn ([^`]*\b{module}:\w+)`", README)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environ |= {"HOME": str(folder), "PYTHONPATH": str(PACKAGE.parent)}
    # gunicorn leaves a socket to the garbage collector.
    environ["PYTHONWARNINGS"] = "error,ignore::ResourceWarning"
    environ.pop("GUNICORN_CMD_ARGS", None)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        command = [sys.executable, "-m", "gunicorn", "--bind", f"fd://{listener.fileno()}"]
        process = subprocess.Popen(
            [*command, *arguments.split()],
            cwd=folder,
            env=environ,
            pass_fds=[listener.fileno()],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    try:
        with socket.create_connection(address, timeout=30) as connection:
            yield connection
    finally:
        process.terminate()
        try:
            output, _ = process.communicate(timeout=20)
        finally:
            process.kill()
        print(output)
    assert process.returncode == 0, output
    assert "Traceback" not in output


def get(connection: socket.socket, path: str) -> tuple[int, str, bytes]:
    """Return status, type and body of one answer."""
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    with http.client.HTTPResponse(connection) as response:
        response.begin()
        body = response.read()
        return response.status, response.headers.get_content_type(), body


@pytest.mark.e2e
@pytest.mark.parametrize("module", ["app", "shop"])
def test_pasted_snippet_serves_its_page_and_its_route(module: str, tmp_path: Path) -> None:
    with pasted(module, tmp_path) as connection:
        assert get(connection, "/") == (200, "text/html", b"A page of the app")
        # Without keys nothing can be invoked; the app alone would say 404.
        status, kind, body = get(connection, "/lambda1?key1=value1")
    assert (status, kind) == (500, "application/json")
    answer = json.loads(body)
    assert answer.pop("request_id")
    assert answer == {"message": "The server has no credentials for the function"}
