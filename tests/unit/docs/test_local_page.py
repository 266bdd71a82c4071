"""docs/local.md: a function is deployed to the emulator and invoked."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from sample_app.emulator import function_names
from sample_app.processes import running, wait_until_ready
from tests.unit.docs.pages import block, blocks, page, save_files, section
from tests.unit.docs.running import environ_of, free_port, python
from wsgi_lambda import LambdaMiddleware

PAGE = page("docs/local.md")
GUIDE = page("docs/guide.md")
APP = block(section(page("README.md"), "Around an app"), "python")


@pytest.mark.e2e
def test_function_is_deployed_and_invoked(tmp_path: Path) -> None:
    save_files(PAGE, tmp_path)
    (tmp_path / "app.py").write_text(APP)
    handlers = [each for each in blocks(GUIDE, "python") if "lambda_handler" in each]
    (tmp_path / "lambda_function.py").write_text(handlers[0])
    deploy = tmp_path / "deploy.py"
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    (start,) = re.findall(r"`([^`]+) python -m ministack`", PAGE)
    started = dict(word.split("=") for word in start.split())
    environ = environ_of(tmp_path, {**started, "GATEWAY_PORT": str(port), "PYTHONWARNINGS": ""})
    command = [sys.executable, "-m", "ministack"]
    with (
        (tmp_path / "log").open("wb") as log,
        running(command, environ, stdout=log, stderr=log, cwd=tmp_path) as process,
    ):
        wait_until_ready(process, port, "/_ministack/health", (tmp_path / "log").read_text)
        deploy.write_text(deploy.read_text().replace("http://127.0.0.1:4566", url))
        python(tmp_path, "deploy.py")
        exports = block(section(PAGE, "Your app with an emulator"), "sh")
        exports = exports.replace("http://127.0.0.1:4566", url)
        environ = dict(word.split("=") for word in exports.split() if "=" in word)
        command = ["-m", "wsgi_lambda", "invoke", "app:app", "/lambda1?key1=value1"]
        assert "wsgi-lambda invoke app:app '/lambda1?key1=value1' --event" in PAGE
        event = python(tmp_path, *command, "--event", **environ)
        printed = python(tmp_path, *command, **environ)
    assert event == '{\n  "key1": "value1"\n}\n'
    assert '{"received": {"key1": "value1"}}' in printed


def test_app_runs_its_handler_without_aws(tmp_path: Path) -> None:
    save_files(section(PAGE, "Your app without AWS"), tmp_path)
    command = block(section(PAGE, "Your app without AWS"), "sh").strip()
    assert command == "WSGI_LAMBDA_LOCAL=1 flask --app app run --debug"
    code = "from app import app; print(app.test_client().get('/orders?item=mug').text)"
    printed = python(tmp_path, "-c", code, WSGI_LAMBDA_LOCAL="1")
    assert printed == '{"ordered": "mug", "function": "orders"}\n'


def test_options_lead_to_the_same_place() -> None:
    names: dict[str, Any] = eval(f"{{{block(PAGE, 'python', 'disable_https')}}}")
    config = {"aws_region": "us-east-1", "routes": {"/f": {"function_name": "f"}}, **names}
    LambdaMiddleware(None, config)
    assert f"http://{names['host']}:{names['port']}" in block(PAGE, "sh", "AWS_ENDPOINT")


def test_shop_has_eleven_functions() -> None:
    assert len(function_names()) + 1 == 11  # one streams, without the emulator
    assert "a shop with eleven functions" in PAGE
