"""docs/guide.md: the policy, the function, and each curl with its output."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.servers.lambda_server import LambdaServer
from tests.unit.docs.pages import block, blocks, page, section
from tests.unit.docs.running import far_end, gunicorn, handler_of, run_handler, shell

GUIDE = page("docs/guide.md")
APP = block(section(page("README.md"), "Around an app"), "python")
FIRST_HANDLER, SECOND_HANDLER = (each for each in blocks(GUIDE, "python") if "handler" in each)


def test_policy_names_its_functions() -> None:
    (policy,) = (json.loads(each) for each in blocks(GUIDE, "json") if '"Statement"' in each)
    for statement in policy["Statement"]:
        assert statement["Action"] == "lambda:InvokeFunction"
        assert all(re.fullmatch(r"arn:[^*]+", arn) for arn in statement["Resource"])


def with_options(options: dict[str, Any]) -> str:
    """Return the README's app with other options for its route."""
    plain = '{"function_name": "MyLambda"}'
    assert plain in APP
    return APP.replace(plain, repr({"function_name": "MyLambda", **options}))


def curls(heading: str) -> list[tuple[str, str]]:
    """Return each curl line of a section with the block that follows it."""
    pattern = r"^```sh\n(curl [^\n]+)\n```\n\n```(?:json|http)\n(.*?)^```$"
    return re.findall(pattern, section(GUIDE, heading), re.DOTALL | re.MULTILINE)


def body(shown: str) -> Any:
    """Return the JSON of a response, with or without its head."""
    return json.loads(shown.replace("\r", "").rpartition("\n\n")[2])


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("heading", "count"), [("5. Invoke it", 4), ("6. Get the whole request in the event", 1)]
)
def test_curl_prints_what_the_guide_shows(
    heading: str, count: int, lambda_server: LambdaServer, tmp_path: Path
) -> None:
    options: dict[str, Any] = {}
    if snippets := blocks(section(GUIDE, heading), "python"):
        routes = eval(f"{{{snippets[0]}}}")["routes"]
        options = routes["/lambda1"]
    (tmp_path / "app.py").write_text(with_options(options))
    (tmp_path / "hello.txt").write_text("hello")
    run_handler(lambda_server, handler_of(FIRST_HANDLER), count)
    lines = curls(heading)
    assert len(lines) == count
    with gunicorn(tmp_path, "--threads", "8", "app:app", **far_end(lambda_server)) as port:
        for command, shown in lines:
            assert body(shell(command, port, tmp_path)) == body(shown)


@pytest.mark.e2e
def test_function_chooses_the_response(lambda_server: LambdaServer, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(with_options({"is_proxy_integration": True}))
    run_handler(lambda_server, handler_of(SECOND_HANDLER))
    with gunicorn(tmp_path, "--threads", "8", "app:app", **far_end(lambda_server)) as port:
        printed = shell("curl -i http://127.0.0.1:8000/lambda1", port, tmp_path)
    assert printed.startswith("HTTP/1.1 201 Created")
    assert printed.endswith("<h1>Ordered</h1>")
