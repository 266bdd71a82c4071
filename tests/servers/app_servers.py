"""Run the servers that people deploy WSGI apps with, each as a process of its own.

All of them serve the same `lambda_site.app`, on a loopback port and, if they
can, on a unix socket.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2]
PATIENCE = 15.0  # seconds, for a busy machine
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")

Address = tuple[str, int] | str


@dataclass(frozen=True, slots=True)
class AppServer:
    """Where a server listens: host and port, and the path of its unix socket, if any."""

    tcp: tuple[str, int]
    unix: Address | None


def site(config: Mapping[str, Any]) -> str:
    """Return the source of `lambda_site`: the middleware alone, and Django's settings for it.

    The configuration may name ``lambda_site:refuse`` as its `authorize`.
    """
    return f"""\
from werkzeug.wrappers import Response
from wsgi_lambda import LambdaMiddleware

def refuse(request):
    return Response("Who are you?", 401)

app = LambdaMiddleware(None, {dict(config)!r})

ALLOWED_HOSTS = ["*"]
SECRET_KEY = "x"
WSGI_APPLICATION = "lambda_site.app"
"""


def _gunicorn(*arguments: str) -> Callable[[int, str], list[str]]:
    def command(port: int, path: str) -> list[str]:
        binds = ["--bind", f"127.0.0.1:{port}", "--bind", f"unix:{path}"]
        name = [sys.executable, "-m", "gunicorn", "lambda_site:app"]
        return [*name, *binds, "--graceful-timeout", "3", "--timeout", "90", *arguments]

    return command


def _uwsgi(option: str) -> Callable[[int, str], list[str]]:
    def command(port: int, path: str) -> list[str]:
        program = str(Path(sys.executable).parent / "uwsgi")
        listen = [option, f"127.0.0.1:{port}", option, path]
        app = ["--module", "lambda_site:app", "--need-app", "--home", sys.prefix]
        return [program, *listen, *app, "--master", "--die-on-term", "--threads", "4"]

    return command


def _library(kind: str) -> Callable[[int, str], list[str]]:
    return lambda port, path: [
        *(sys.executable, "-m", "tests.servers.serve_app"),
        *(kind, str(port), path),
    ]


def _django(port: int, path: str) -> list[str]:
    command = [sys.executable, "-m", "django", "runserver", "--noreload"]
    return [*command, "--settings=lambda_site", f"127.0.0.1:{port}"]


@dataclass(frozen=True, slots=True)
class Kind:
    """How a server is started; ``directive`` is nginx's, if nginx is in front."""

    command: Callable[[int, str], list[str]]
    directive: str = ""
    has_unix_socket: bool = True


KINDS = {
    "gunicorn, sync": Kind(_gunicorn()),
    "gunicorn, gthread": Kind(_gunicorn("--threads", "4")),
    "gunicorn, gevent": Kind(_gunicorn("--worker-class", "gevent")),
    "nginx `proxy_pass`, gunicorn": Kind(_gunicorn("--threads", "4"), "proxy_pass http://"),
    "nginx `uwsgi_pass`, gunicorn": Kind(
        _gunicorn("--threads", "4", "--protocol", "uwsgi"), "uwsgi_pass "
    ),
    "nginx `uwsgi_pass`, uWSGI": Kind(_uwsgi("--socket"), "uwsgi_pass "),
    "uWSGI, `http-socket`": Kind(_uwsgi("--http-socket")),
    "waitress": Kind(_library("waitress")),
    "cheroot": Kind(_library("cheroot")),
    "gevent.pywsgi": Kind(_library("gevent")),
    "Werkzeug's development server": Kind(_library("werkzeug")),
    "Django's development server": Kind(_django, has_unix_socket=False),
    "wsgiref": Kind(_library("wsgiref"), has_unix_socket=False),
}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def running(kind: Kind, folder: Path, source: str) -> Iterator[AppServer]:
    """Run a server with the module ``source``, and nginx in front if its kind wants it."""
    (folder / "lambda_site.py").write_text(source)
    port, path = free_port(), str(folder / "app.sock")
    server = AppServer(("127.0.0.1", port), path if kind.has_unix_socket else None)
    with process(kind.command(port, path), folder, server):
        if not kind.directive:
            yield server
            return
        front = AppServer(("127.0.0.1", free_port()), ("127.0.0.1", free_port()))
        conf = folder / "nginx.conf"
        conf.write_text(_nginx_conf(kind.directive, folder, front, server))
        command = [str(NGINX), "-c", str(conf), "-e", str(folder / "nginx.log")]
        with process(command, folder, front):
            yield front


def _nginx_conf(directive: str, folder: Path, front: AppServer, behind: AppServer) -> str:
    """Return nginx's configuration: two ports, one for each socket of the server behind it."""
    scheme = directive.partition(" ")[0]
    blocks = ""
    for (host, port), upstream in (
        (front.tcp, "{}:{}".format(*behind.tcp)),
        (front.unix, f"unix:{behind.unix}"),
    ):
        headers = (
            "include /etc/nginx/uwsgi_params;"
            if scheme == "uwsgi_pass"
            else "proxy_http_version 1.1; proxy_set_header Host $http_host;"
        )
        blocks += (
            f"server {{ listen {host}:{port}; server_name shop.test; client_max_body_size 0;"
            f" location / {{ {headers} {directive}{upstream}; }} }}\n"
        )
    paths = "".join(
        f"{name}_temp_path {folder}/{name};"
        for name in ("client_body", "proxy", "uwsgi", "fastcgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""
    return (
        f"daemon off; {user} pid {folder}/nginx.pid; error_log {folder}/nginx.log;\n"
        f"events {{}}\nhttp {{ access_log off; {paths}\n{blocks} }}\n"
    )


@contextlib.contextmanager
def process(command: list[str], folder: Path, server: AppServer) -> Iterator[None]:
    """Run ``command`` until the end of the context; ``server`` accepts connections inside."""
    inherited = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    environ = {**inherited, "HOME": str(folder), "PYTHONPATH": f"{folder}:{PROJECT}"}
    log = folder / f"{Path(command[0]).name}.out"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command, cwd=folder, env=environ, stdout=output, stderr=subprocess.STDOUT
        ) as popen,
    ):
        try:
            for address in (server.tcp, server.unix):
                if address is not None:
                    _wait_for(address, popen, log)
            yield
        finally:
            popen.terminate()
            try:
                popen.wait(10)
            except subprocess.TimeoutExpired:
                popen.kill()


def _wait_for(address: Address, popen: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        assert popen.poll() is None, log.read_text()
        with contextlib.suppress(OSError):
            connect(address).close()
            return
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.02)


def connect(address: Address) -> socket.socket:
    """Connect to a port or to a unix socket."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    sock = socket.socket(family)
    try:
        sock.settimeout(PATIENCE)
        sock.connect(address)
    except OSError:
        sock.close()
        raise
    return sock
