"""Lambda, web servers and shells for the snippets."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ACCESS_KEY, SECRET_KEY
from tests.servers.lambda_server import Exchange, LambdaServer
from tests.unit.docs.pages import ROOT

#: Where the apps of the pages listen.
ADDRESS = "http://127.0.0.1:8000"


def handler_of(source: str, name: str = "lambda_handler") -> Callable[[Any, Any], Any]:
    """Return the handler that a snippet defines."""
    names: dict[str, Any] = {}
    exec(source, names)
    return names[name]


def run_handler(server: LambdaServer, handler: Callable[[Any, Any], Any], times: int = 1) -> None:
    """Have ``server`` run ``handler`` for the next invocations."""

    def step(exchange: Exchange) -> None:
        assert exchange.invocation
        result = json.dumps(handler(json.loads(exchange.invocation.body), None)).encode()
        head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Amzn-RequestId: 7\r\n"
        exchange.send(f"{head}Content-Length: {len(result)}\r\n\r\n".encode() + result)

    server.script(*[step] * times)


def far_end(server: LambdaServer) -> dict[str, str]:
    """Return the variables that lead an unchanged snippet to ``server``."""
    return {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_ENDPOINT_URL_LAMBDA": f"http://{server.host}:{server.port}",
    }


def environ_of(folder: Path, more: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a reader whose home is ``folder``."""
    environ = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environ |= {"HOME": str(folder), "TMPDIR": str(folder), "PYTHONPATH": path}
    # gunicorn leaves a socket to the garbage collector.
    environ["PYTHONWARNINGS"] = "error,ignore::ResourceWarning"
    return environ | {"AWS_EC2_METADATA_DISABLED": "true"} | dict(more)


def python(folder: Path, *arguments: str, **environ: str) -> str:
    """Run Python in ``folder``, and return what it printed; it must succeed."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environ_of(folder, environ),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def gunicorn(folder: Path, *arguments: str, **environ: str) -> Iterator[int]:
    """Serve an app of ``folder`` with gunicorn, and yield the port.

    gunicorn inherits a socket that listens already, so that a request waits
    until the app is there, and gets a reset if it dies.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *arguments, "--bind", f"fd://{listener.fileno()}"],
            cwd=folder,
            env=environ_of(folder, environ),
            pass_fds=[listener.fileno()],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    try:
        yield port
    finally:
        process.terminate()
        try:
            output, _ = process.communicate(timeout=20)
        finally:
            process.kill()
        print(output)
    assert process.returncode == 0, output
    # gunicorn logs one whenever nginx closes a connection of the uwsgi protocol.
    assert "uwsgi" in arguments or "Traceback" not in output


def shell(command: str, port: int, folder: Path) -> str:
    """Run a ``curl`` line of a page against ``port``, and return what it prints."""
    if not shutil.which("curl"):
        pytest.skip("NOTE: no curl here, the curl lines are not run; apt-get install curl")
    assert ADDRESS in command
    # -q: no .curlrc; --noproxy: none of the environment.
    command = command.replace(ADDRESS, f"http://127.0.0.1:{port}")
    command = command.replace("curl ", "curl -q -s --noproxy '*' --max-time 30 ", 1)
    done = subprocess.run(
        ["sh", "-c", command], cwd=folder, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


def request(
    port: int, method: str, path: str, body: Any = None, *, chunked: bool = False, **headers: str
) -> tuple[int, bytes]:
    """Return status and body of one response; ``headers`` have `_` for `-`."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, named, encode_chunked=chunked)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
