"""docs/local.md: a function is deployed to the emulator and invoked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sample_app.emulator import emulator, function_names
from tests.unit.docs.pages import block, blocks, page, save_files, section
from tests.unit.docs.running import python
from wsgi_lambda import LambdaMiddleware

PAGE = page("docs/local.md")
GUIDE = page("docs/guide.md")
APP = block(section(page("README.md"), "Flask"), "python")


@pytest.mark.e2e
def test_function_is_deployed_and_invoked(tmp_path: Path) -> None:
    save_files(PAGE, tmp_path)
    (tmp_path / "app.py").write_text(APP)
    handlers = [each for each in blocks(GUIDE, "python") if "lambda_handler" in each]
    (tmp_path / "lambda_function.py").write_text(handlers[0])
    deploy = tmp_path / "deploy.py"
    with emulator() as peer:
        deploy.write_text(deploy.read_text().replace("http://127.0.0.1:4566", peer.url))
        python(tmp_path, "deploy.py")
        exports = block(section(PAGE, "Your app with an emulator"), "sh")
        exports = exports.replace("http://127.0.0.1:4566", peer.url)
        environ = dict(word.split("=") for word in exports.split() if "=" in word)
        command = ["-m", "wsgi_lambda", "invoke", "app:app", "/lambda1?key1=value1"]
        assert "wsgi-lambda invoke app:app '/lambda1?key1=value1' --event" in PAGE
        event = python(tmp_path, *command, "--event", **environ)
        printed = python(tmp_path, *command, **environ)
    assert event == '{\n  "key1": "value1"\n}\n'
    assert '{"received": {"key1": "value1"}}' in printed


def test_options_lead_to_the_same_place() -> None:
    names: dict[str, Any] = eval(f"{{{block(PAGE, 'python', 'disable_https')}}}")
    config = {"aws_region": "us-east-1", "routes": {"/f": {"function_name": "f"}}, **names}
    LambdaMiddleware(None, config)
    assert f"http://{names['host']}:{names['port']}" in block(PAGE, "sh", "AWS_ENDPOINT")


def test_shop_has_ten_functions() -> None:
    assert len(function_names()) == 10
    assert "a shop with ten functions" in PAGE
