"""Under gunicorn's kinds of workers, with real sockets on both sides."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lambda_server import LambdaServer, echo, wait_for
from tests.web_server import HTTPAnswer, send

pytestmark = pytest.mark.e2e

APP = """
from wsgi_lambda import LambdaMiddleware

app = LambdaMiddleware(None, {{
    "aws_region": "us-east-1", "aws_key": "AKID", "aws_secret": "secret",
    "host": "127.0.0.1", "port": {port}, "tls_verify": {bundle!r},
    "routes": {{
        "/f": {{"function_name": "f", "timeout": 5000}},
        "/long": {{"function_name": "f", "timeout": 45000}},
    }},
}})
"""
WARNING = "gunicorn kills a sync worker after 30 s"


class Gunicorn:
    """A running server, and what it has written once it has ended."""

    def __init__(self, address: tuple[str, int], process: subprocess.Popen[str]) -> None:
        self.address = address
        self.process = process
        self.output = ""

    def get(self, path: str = "/f") -> HTTPAnswer:
        return send(self.address, "GET", path)


@contextlib.contextmanager
def gunicorn(folder: Path, far_end: LambdaServer, *arguments: str) -> Iterator[Gunicorn]:
    """Serve an app whose Lambda is ``far_end``; SIGTERM at the end must end it cleanly."""
    settings = {"port": far_end.port, "bundle": str(far_end.ca_bundle)}
    (folder / "lambda_site.py").write_text(APP.format(**settings))
    inherited = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    project = str(Path(__file__).parents[2])
    environ = {**inherited, "HOME": str(folder), "PYTHONPATH": project, "TMPDIR": str(folder)}
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        address = listener.getsockname()
        bind = f"fd://{listener.fileno()}"
        command = [sys.executable, "-m", "gunicorn", "lambda_site:app", "--bind", bind]
        # A worker that is still on its way up does not hear the end.
        command += ["--graceful-timeout", "3", *arguments]
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environ,
            pass_fds=[listener.fileno()],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    server = Gunicorn(address, process)
    try:
        yield server
    finally:
        process.terminate()
        server.output, _ = process.communicate(timeout=20)
        print(server.output)
    assert process.returncode == 0, server.output


@pytest.fixture
def far_end() -> Iterator[LambdaServer]:
    with LambdaServer(tls=True, credentials={"AKID": ("secret", None)}) as server:
        yield server
        assert server.errors == []


@pytest.mark.parametrize(
    ("arguments", "is_warned"),
    [
        ([], True),
        (["--preload"], True),
        (["--timeout", "60"], False),
        (["--timeout", "0"], False),
        (["--threads", "2"], False),
        (["--worker-class", "gthread"], False),
    ],
    ids=["sync", "preload", "long-timeout", "no-timeout", "threads", "gthread"],
)
def test_short_timeout_of_a_sync_worker_is_told(
    arguments: list[str], is_warned: bool, far_end: LambdaServer, tmp_path: Path
) -> None:
    with gunicorn(tmp_path, far_end, *arguments) as server:
        assert server.get().status == 200
    assert (WARNING in server.output) == is_warned, server.output
    assert ("/long may wait for 45 s" in server.output) == is_warned


@pytest.mark.parametrize("preload", [[], ["--preload"]], ids=["load", "preload"])
@pytest.mark.parametrize(
    "kind",
    [["--timeout", "60"], ["--threads", "4"], ["--worker-class", "gevent"]],
    ids=["sync", "gthread", "gevent"],
)
def test_every_worker_has_sockets_of_its_own(
    kind: list[str], preload: list[str], far_end: LambdaServer, tmp_path: Path
) -> None:
    with gunicorn(tmp_path, far_end, "--workers", "2", *kind, *preload) as server:
        for _ in range(12):
            assert server.get().status == 200
    assert len(far_end.invocations) == 12
    # One connection a worker that had a request, none shared between two.
    assert 1 <= far_end.connections <= 2


def test_end_of_the_server_lets_an_invocation_end(far_end: LambdaServer, tmp_path: Path) -> None:
    may_answer = threading.Event()
    far_end.script(wait_for(may_answer, echo()))
    answers: list[int] = []
    with gunicorn(tmp_path, far_end, "--threads", "2") as server:
        client = threading.Thread(target=lambda: answers.append(server.get().status))
        client.start()
        assert far_end.wait_until(lambda: len(far_end.invocations) == 1, timeout=20)
        server.process.terminate()
        may_answer.set()
        client.join()
    assert answers == [200]
