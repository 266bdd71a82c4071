"""The far end: Lambda's Invoke API as nginx over TLS answers it, always the same.

nginx costs a tenth of what its clients cost, so that the clients are what is
measured. It counts connections and requests itself (`stub_status`).
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import pwd
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import certifi

from bench.environment import SEARCH_PATH, Far
from sample_app.processes import running, wait_until_ready
from tests.servers.certificate import make_certificate

#: The functions whose answers do not fit into nginx's configuration, and their bytes.
LARGE_ANSWERS = {"large": 4_000_000, "largest": 6_000_000}
IDLE_LIMIT = 200  # milliseconds until the idle server hangs up

#: For figures that ask no stub, where there is none.
NOWHERE = Far(0, 0, 0, 0, ca="")

# A constant in nginx's configuration ends at 4096 bytes, so that the large
# answer is a file; a POST gets a file only by way of an error page. `$` cannot
# be written in a value, thus the variable for it. Like Lambda, this sends a log
# only to those who ask for it.
_NGINX = """
daemon off;
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
worker_processes 2;
worker_rlimit_nofile 4096;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    default_type application/json;
    client_max_body_size 8m;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    ssl_certificate {folder}/cert.pem;
    ssl_certificate_key {folder}/key.pem;
    ssl_protocols TLSv1.2 TLSv1.3;
    keepalive_requests 100000000;
    geo $dollar {{ default "$"; }}
    map $http_x_amz_log_type $log_result {{ Tail "{log}"; }}
    add_header x-amzn-RequestId $request_id;
    add_header x-amzn-Remapped-Content-Length 0;
    add_header X-Amz-Executed-Version "${{dollar}}LATEST";
    add_header X-Amz-Log-Result $log_result;
    etag off;
    max_ranges 0;
    add_header Last-Modified "";
    add_header X-Amzn-Trace-Id "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0";
    {servers}
    server {{
        listen 127.0.0.1:{status_port};
        location = /status {{ stub_status; }}
    }}
}}
"""
_SERVER = """
    server {{
        listen 127.0.0.1:{port} ssl backlog=1024;
        keepalive_timeout {keepalive};
        location ~ ^/2015-03-31/functions/(large|largest)/invocations$ {{
            error_page 405 =200 /$1.json;
            return 405;
        }}
        location ~ ^/2015-03-31/functions/[^/]+/invocations$ {{
            if ($http_authorization !~ "^AWS4-HMAC-SHA256 Credential=") {{ return 403; }}
            return 200 '{answer}';
        }}
        location = /2015-03-31/functions/slow/invocations {{
            limit_rate 1000;  # bytes/s: the last of the answer comes a second later
            return 200 '{answer}';
        }}
        location ~ ^/[a-z]+[.]json$ {{ internal; root {folder}; }}
    }}"""

#: What every other function answers: 1 kB.
ANSWER = json.dumps({"message": "done", "items": [f"item number {n:04}" for n in range(51)]})
_LOG = "U1RBUlQgUmVxdWVzdElkOiAwMDAwMDAwMCBWZXJzaW9uOiAkTEFURVNUCkVORCBSZXF1ZXN0SWQK" * 4


class StubFailed(Exception):
    """nginx did not start, or what its certificate is made with did not."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What nginx has seen since it started, the asking for this included."""

    accepted: int
    requests: int
    open: int


def read_counts(far: Far) -> Counts:
    connection = http.client.HTTPConnection(far.host, far.status_port, timeout=10)
    with contextlib.closing(connection):
        connection.request("GET", "/status")
        text = connection.getresponse().read().decode()
    numbers = [int(number) for number in re.findall(r"\d+", text)]
    return Counts(accepted=numbers[1], requests=numbers[3], open=numbers[0])


def nginx_program() -> str | None:
    """Return the path of nginx, which Debian keeps from the PATH of most users."""
    return shutil.which("nginx", path=SEARCH_PATH)


def configuration(folder: Path, far: Far) -> str:
    """Return nginx's configuration, with all its files in ``folder``."""
    keepalives = {
        far.port: "1h",
        far.closing_port: "0",
        far.idle_port: f"{IDLE_LIMIT}ms",
    }
    servers = "".join(
        _SERVER.format(port=port, keepalive=keepalive, answer=ANSWER, folder=folder)
        for port, keepalive in keepalives.items()
    )
    # Workers of a root's nginx would not be root, and not get at our folder.
    user = f"user {pwd.getpwuid(0).pw_name};" if os.geteuid() == 0 else ""
    return _NGINX.format(
        folder=folder, user=user, servers=servers, status_port=far.status_port, log=_LOG
    )


@contextlib.contextmanager
def serving(folder: Path, environ: Mapping[str, str]) -> Iterator[Far]:
    """Run the stub with its files in ``folder``; it and they are gone afterwards."""
    program = nginx_program()
    if program is None:
        raise StubFailed("there is no nginx")
    folder.mkdir()
    try:
        far = _far(folder)
        _write(folder, far)
        command = [program, "-p", str(folder), "-e", str(folder / "error.log")]
        command += ["-c", str(folder / "nginx.conf")]
        with running(command, environ, stderr=subprocess.DEVNULL) as process:
            wait_until_ready(process, far.status_port, "/status", lambda: _log_of(folder))
            yield far
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write(folder: Path, far: Far) -> None:
    certificate, _ = make_certificate(folder)
    # As much to load as for Lambda itself.
    Path(far.ca).write_text(certifi.contents() + certificate.read_text())
    (folder / "nginx.conf").write_text(configuration(folder, far))
    for name, size in LARGE_ANSWERS.items():
        items = {"items": ["x" * 78] * (size // 82)}
        (folder / f"{name}.json").write_text(json.dumps(items))


def _far(folder: Path) -> Far:
    """Return four free ports; they are all held until the last is found."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(4)]
        ports = [listener.getsockname()[1] for listener in sockets]
    return Far(*ports, ca=str(folder / "bundle.pem"))


def _log_of(folder: Path) -> str:
    log = folder / "error.log"
    return "nginx did not start: " + (log.read_text() if log.exists() else "it wrote no log")
