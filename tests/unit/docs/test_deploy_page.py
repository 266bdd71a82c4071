"""docs/deploy.md: each server serves a route with its snippet."""

from __future__ import annotations

import configparser
import contextlib
import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers.lambda_server import LambdaServer
from tests.unit.docs.pages import block, blocks, page, save_files, section
from tests.unit.docs.running import (
    environ_of,
    far_end,
    free_port,
    gunicorn,
    python,
    request,
    run_handler,
)

PAGE = page("docs/deploy.md")
APP = block(section(page("README.md"), "Around an app"), "python")
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
UWSGI = shutil.which("uwsgi", path=str(Path(sys.executable).parent))
needs_nginx = pytest.mark.skipif(not NGINX, reason="no nginx here; apt-get install nginx-light")

pytestmark = pytest.mark.e2e


@pytest.fixture
def site(lambda_server: LambdaServer, tmp_path: Path) -> Path:
    """Return a folder with the README's app."""
    (tmp_path / "app.py").write_text(APP)
    run_handler(lambda_server, lambda event, context: event, times=4)
    return tmp_path


def check(port: int, *, chunked: bool = False) -> None:
    body = iter([b'{"b": 2}']) if chunked else b'{"b": 2}'
    status, found = request(
        port, "POST", "/lambda1?a=1", body, chunked=chunked, Content_Type="application/json"
    )
    assert (status, json.loads(found)) == (200, {"a": "1", "b": 2})


@contextlib.contextmanager
def running(command: list[str], folder: Path, port: int, **environ: str) -> Iterator[None]:
    """Run a server until the end of the context; it accepts connections inside."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environ_of(folder, environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        end = time.monotonic() + 30
        while True:
            assert process.poll() is None, process.communicate()[0]
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port)).close()
                break
            assert time.monotonic() < end
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        print(process.communicate(timeout=20)[0])


def test_gunicorn_accepts_its_configuration(site: Path, lambda_server: LambdaServer) -> None:
    save_files(PAGE, site)
    command = ("--config", "gunicorn.conf.py", "--graceful-timeout", "3", "app:app")
    with gunicorn(site, *command, **far_end(lambda_server)) as port:
        check(port)
        check(port, chunked=True)
    names: dict[str, Any] = {}
    exec(block(PAGE, "python", "graceful_timeout"), names)
    assert names["graceful_timeout"] > 60  # seconds, the default `timeout` of a route


def test_waitress_serves(site: Path, lambda_server: LambdaServer) -> None:
    command = block(section(PAGE, "waitress"), "sh").split()
    port = free_port()
    command = [word.replace("127.0.0.1:8000", f"127.0.0.1:{port}") for word in command[1:]]
    with running(
        [sys.executable, "-m", "waitress", *command], site, port, **far_end(lambda_server)
    ):
        check(port)
        check(port, chunked=True)


@needs_nginx
def test_uwsgi_serves_behind_nginx(site: Path, lambda_server: LambdaServer) -> None:
    port = free_port()
    (site / "uwsgi.ini").write_text(uwsgi_ini().replace("127.0.0.1:8000", f"127.0.0.1:{port}"))
    home = ["--home", sys.prefix]
    with (
        running([str(UWSGI), "--ini", "uwsgi.ini", *home], site, port, **far_end(lambda_server)),
        nginx(site, "uwsgi_pass", port) as front,
    ):
        check(front)
        check(front, chunked=True)


def uwsgi_ini() -> str:
    return block(PAGE, "ini", "[uwsgi]")


def test_uwsgi_ini_is_an_ini_file() -> None:
    config = configparser.ConfigParser()
    config.read_string(uwsgi_ini())
    assert config["uwsgi"].getint("harakiri") > 60
    assert config["uwsgi"].getint("threads") > 1


@contextlib.contextmanager
def nginx(folder: Path, directive: str, upstream: int) -> Iterator[int]:
    """Run nginx with the page's snippet that has ``directive``, in front of ``upstream``."""
    port = free_port()
    server = block(PAGE, "nginx", directive)
    server = server.replace("listen 80;", f"listen 127.0.0.1:{port};")
    server = server.replace("127.0.0.1:8000;", f"127.0.0.1:{upstream};")
    server = server.replace("uwsgi_params;", "/etc/nginx/uwsgi_params;")
    paths = "".join(
        f"{name}_temp_path {folder}/{name};"
        for name in ("client_body", "proxy", "uwsgi", "fastcgi", "scgi")
    )
    log = folder / "nginx.log"
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/nginx.pid; error_log {log}; events {{}}\n"
        f"http {{ access_log off; {paths}\n{server} }}\n"
    )
    command = [str(NGINX), "-c", str(folder / "nginx.conf"), "-e", str(log)]
    tested = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stderr
    with running(command, folder, port):
        yield port


@needs_nginx
def test_nginx_passes_requests_on(site: Path, lambda_server: LambdaServer) -> None:
    app = site / "app.py"
    app.write_text(APP + proxy_fix())
    with (
        gunicorn(site, "--threads", "8", "app:app", **far_end(lambda_server)) as port,
        nginx(site, "proxy_pass", port) as front,
    ):
        check(front)
        check(front, chunked=True)


def proxy_fix() -> str:
    """Return the page's snippet, for the end of the README's app."""
    return "\n" + block(PAGE, "python", "ProxyFix")


@needs_nginx
def test_nginx_and_gunicorn_speak_uwsgi(site: Path, lambda_server: LambdaServer) -> None:
    if "--protocol" not in python(site, "-m", "gunicorn", "--help"):
        pytest.skip("this gunicorn does not have --protocol")
    command = ("--threads", "8", "--protocol", "uwsgi", "app:app")
    with (
        gunicorn(site, *command, **far_end(lambda_server)) as port,
        nginx(site, "uwsgi_pass", port) as front,
    ):
        check(front)
        check(front, chunked=True)


def test_proxy_fix_gives_events_the_clients_address(
    site: Path, lambda_server: LambdaServer
) -> None:
    app = APP.replace('"routes"', '"awsgateway_compatible": True, "routes"')
    (site / "app.py").write_text(app + proxy_fix())
    with gunicorn(site, "--threads", "8", "app:app", **far_end(lambda_server)) as port:
        _, body = request(port, "GET", "/lambda1", X_Forwarded_For="203.0.113.7")
    assert json.loads(body)["requestContext"]["identity"]["sourceIp"] == "203.0.113.7"


def test_container_starts_the_app_of_the_readme() -> None:
    dockerfile = block(PAGE, "dockerfile")
    command = json.loads(dockerfile.partition("CMD ")[2])
    assert command[0] == "gunicorn"
    assert command[-1] == "app:app"
    assert "COPY app.py ./" in dockerfile
    assert len(blocks(PAGE, "nginx")) == 2
