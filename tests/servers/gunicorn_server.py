"""gunicorn as the near end of the tests."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.servers.lambda_server import LambdaServer
from tests.servers.web_server import ClientResponse, send


class Gunicorn:
    """A running server, and what it has written once it has ended."""

    def __init__(self, address: tuple[str, int], process: subprocess.Popen[str]) -> None:
        self.address = address
        self.process = process
        self.output = ""

    def get(self, path: str = "/f") -> ClientResponse:
        return send(self.address, "GET", path)


def site(far_end: LambdaServer, routes: Mapping[str, Any]) -> str:
    """Return the source of an ``app``: the middleware alone, with ``far_end`` for its Lambda."""
    config = {
        "aws_region": "us-east-1",
        "aws_key": "AKID",
        "aws_secret": "secret",
        "host": far_end.host,
        "port": far_end.port,
        "tls_verify": str(far_end.ca_bundle),
        "routes": dict(routes),
    }
    return f"from wsgi_lambda import LambdaMiddleware\n\napp = LambdaMiddleware(None, {config!r})\n"


@contextlib.contextmanager
def gunicorn(folder: Path, source: str, *arguments: str) -> Iterator[Gunicorn]:
    """Serve the ``app`` of a module; SIGTERM at the end must end it cleanly."""
    (folder / "lambda_site.py").write_text(source)
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
