"""`make dev`: the shop with its functions in its own process, which restarts when one changes."""

from __future__ import annotations

import re
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sample_app.processes import running, wait_until_ready
from tests.unit.docs.pages import ROOT
from tests.unit.docs.running import environ_of, free_port, request

pytestmark = pytest.mark.e2e
MAKEFILE = (ROOT / "Makefile").read_text()
CATALOGUE = "/lambda/catalogue?q=mug"


def until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.2)


@pytest.mark.parametrize("app", ["flask", "django"])
def test_function_that_was_edited_is_used(app: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "sample_app", tmp_path / "sample_app")
    (line,) = re.findall(rf"^DEV_{app} = (.*)$", MAKEFILE, re.MULTILINE)
    port = free_port()
    program, *arguments = line.replace("$(PORT)", str(port)).split()
    start = [sys.executable] if program == "python" else [sys.executable, "-m", program]
    # Warnings of the servers' own reloaders are not ours.
    environ = environ_of(tmp_path, {"WSGI_LAMBDA_LOCAL": "1", "PYTHONWARNINGS": ""})
    function = tmp_path / "sample_app" / "functions" / "catalogue" / "app.py"
    log = tmp_path / "log"

    def found() -> bytes:
        try:
            return request(port, "GET", CATALOGUE)[1]
        except OSError:  # it restarts
            return b""

    with (
        log.open("wb") as file,
        running([*start, *arguments], environ, cwd=tmp_path, stdout=file, stderr=file) as process,
    ):
        wait_until_ready(process, port, CATALOGUE, log.read_text)
        assert b'"found": 1' in found()
        function.write_text(function.read_text().replace('"found": len', '"edited": len'))
        until(lambda: b'"edited": 1' in found())
        assert request(port, "GET", "/")[0] == 200
        assert request(port, "GET", "/lambda/forbidden")[0] == 404
        assert request(port, "GET", "/lambda/broken")[0] == 500
