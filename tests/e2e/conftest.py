"""The demo, started like by a person: one process for each framework, for all tests."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.tools.server_matrix import to_markdown

PROJECT = Path(__file__).parents[2]
PATIENCE = 40.0  # seconds, for a busy machine
READY = "Press Ctrl-C to stop"


@dataclass(frozen=True)
class Demo:
    """A running demo: its process and the file with its output."""

    process: subprocess.Popen[bytes]
    log: Path

    def output(self) -> str:
        return self.log.read_text()

    def wait_for(self, text: str) -> None:
        end = time.monotonic() + PATIENCE
        while text not in self.output():
            assert self.process.poll() is None, self.output()
            assert time.monotonic() < end, f"{text!r} was not printed:\n{self.output()}"
            time.sleep(0.02)

    @property
    def url(self) -> str:
        return re.search(r"open (http://127\.0\.0\.1:[0-9]+)/", self.output())[1]

    @property
    def guard_url(self) -> str:
        return re.search(r"emulator: (http://127\.0\.0\.1:[0-9]+) passes on", self.output())[1]

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False
            return session.request(
                method, self.url + path, timeout=PATIENCE, allow_redirects=False, **options
            )

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> requests.Response:
        return self.request("POST", path, **options)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@contextlib.contextmanager
def started(folder: Path, app: str = "flask", port: int = 0, **environ: str) -> Iterator[Demo]:
    """Run the demo, with its temporary files in ``folder``, as long as the context lasts."""
    temporary = folder / "tmp"
    temporary.mkdir()
    log = folder / "output"
    # The developer's own keys and endpoint must not have an effect.
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "DEMO_", "COV_CORE_", "COVERAGE_"))
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "sample_app.demo", "--app", app, "--port", str(port)],
            cwd=PROJECT,
            env={**inherited, "TMPDIR": str(temporary), **environ},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    demo = Demo(process, log)
    try:
        yield demo
    finally:
        if process.poll() is None:
            demo.end()


def _for_the_session(factory: pytest.TempPathFactory, app: str) -> Iterator[Demo]:
    folder = factory.mktemp(app)
    with started(folder, app) as demo:
        demo.wait_for(READY)
        yield demo
        assert demo.end() == 0, demo.output()
    assert "Traceback" not in demo.output()
    assert list((folder / "tmp").iterdir()) == []


@pytest.fixture(scope="session")
def flask_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    yield from _for_the_session(tmp_path_factory, "flask")


@pytest.fixture(scope="session")
def django_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    yield from _for_the_session(tmp_path_factory, "django")


# Not session-scoped: in random order, each change of the parameter would start a new demo.
@pytest.fixture(params=["flask", "django"])
def shop(request: pytest.FixtureRequest) -> Demo:
    """The shop in each framework."""
    return request.getfixturevalue(f"{request.param}_shop")


_MATRIX = pytest.StashKey[dict[tuple[str, str], str]]()


@pytest.fixture(scope="session")
def server_matrix(pytestconfig: pytest.Config) -> dict[tuple[str, str], str]:
    """The outcomes of `test_servers`, which are printed at the end of the run."""
    return pytestconfig.stash.setdefault(_MATRIX, {})


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In a worker of pytest-xdist, pass the outcomes to the process that prints them."""
    outcomes = session.config.stash.get(_MATRIX, {})
    if outcomes and hasattr(session.config, "workeroutput"):
        session.config.workeroutput["server_matrix"] = [[*key, outcomes[key]] for key in outcomes]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    for server, name, outcome in getattr(node, "workeroutput", {}).get("server_matrix", ()):
        node.config.stash.setdefault(_MATRIX, {})[server, name] = outcome


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    outcomes = config.stash.get(_MATRIX, {})
    if outcomes:
        terminalreporter.section("servers and requests")
        from tests.e2e.test_servers import KINDS, REQUESTS

        terminalreporter.write(to_markdown(outcomes, KINDS, REQUESTS))
