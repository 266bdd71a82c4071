"""Run gunicorn as the app server of the tests."""

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
    """A gunicorn process; ``output`` contains what it wrote, once it has ended."""

    def __init__(self, address: tuple[str, int], process: subprocess.Popen[str]) -> None:
        self.address = address
        self.process = process
        self.output = ""

    def get(self, path: str = "/f") -> ClientResponse:
        return send(self.address, "GET", path)


def site(lambda_server: LambdaServer, routes: Mapping[str, Any]) -> str:
    """Return the source of a module with an ``app``: the middleware alone, around no app."""
    config = {
        "aws_region": "us-east-1",
        "aws_key": "AKID",
        "aws_secret": "secret",
        "host": lambda_server.host,
        "port": lambda_server.port,
        "tls_verify": str(lambda_server.ca_bundle),
        "routes": dict(routes),
    }
    return f"from wsgi_lambda import LambdaMiddleware\n\napp = LambdaMiddleware(None, {config!r})\n"


@contextlib.contextmanager
def gunicorn(
    folder: Path, source: str, *arguments: str, environ: Mapping[str, str] | None = None
) -> Iterator[Gunicorn]:
    """Serve the ``app`` of a module; at the end SIGTERM must stop it with exit status 0."""
    (folder / "lambda_site.py").write_text(source)
    inherited = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    project = str(Path(__file__).parents[2])
    own = {"HOME": str(folder), "PYTHONPATH": project, "TMPDIR": str(folder)}
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        address = listener.getsockname()
        bind = f"fd://{listener.fileno()}"
        command = [sys.executable, "-m", "gunicorn", "lambda_site:app", "--bind", bind]
        # A worker that is still starting does not handle SIGTERM.
        command += ["--graceful-timeout", "3", *arguments]
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**inherited, **own, **(environ or {})},
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
