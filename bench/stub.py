"""Serve Lambda's Invoke API with nginx over TLS: a constant response for each function.

nginx uses a tenth of the CPU of its clients, so the clients are measured. It
counts connections and requests (`stub_status`).
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

from bench.environment import SEARCH_PATH, StubAddress
from sample_app.processes import running, wait_until_ready
from tests.servers.certificate import make_certificate

#: The functions whose payloads do not fit into nginx's configuration, and their bytes.
LARGE_PAYLOADS = {"large": 4_000_000, "largest": 6_000_000}
IDLE_LIMIT = 200  # milliseconds until an idle connection is closed

#: For figures that need no stub, if nginx is not installed.
NOWHERE = StubAddress(0, 0, 0, 0, ca="")

# A string in nginx's configuration is limited to 4096 bytes, so large payloads
# are files; nginx sends a file for a POST only as an error page. A value cannot
# contain `$`, hence the variable for it. Like Lambda, the stub sends a log only
# if the request asks for it.
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
            return 200 '{payload}';
        }}
        location = /2015-03-31/functions/slow/invocations {{
            limit_rate 1000;  # bytes/s: the response takes a second
            return 200 '{payload}';
        }}
        location ~ ^/[a-z]+[.]json$ {{ internal; root {folder}; }}
    }}"""

#: The payload of every other function: 1 kB.
PAYLOAD = json.dumps({"message": "done", "items": [f"item number {n:04}" for n in range(51)]})
_LOG = "U1RBUlQgUmVxdWVzdElkOiAwMDAwMDAwMCBWZXJzaW9uOiAkTEFURVNUCkVORCBSZXF1ZXN0SWQK" * 4


class StubFailed(Exception):
    """nginx is not installed, or did not start."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Connections and requests since nginx started, including the one that reads them."""

    accepted: int
    requests: int
    open: int


def read_counts(address: StubAddress) -> Counts:
    connection = http.client.HTTPConnection(address.host, address.status_port, timeout=10)
    with contextlib.closing(connection):
        connection.request("GET", "/status")
        text = connection.getresponse().read().decode()
    numbers = [int(number) for number in re.findall(r"\d+", text)]
    return Counts(accepted=numbers[1], requests=numbers[3], open=numbers[0])


def nginx_program() -> str | None:
    """Return the path of nginx, which is not in the PATH of most Debian users."""
    return shutil.which("nginx", path=SEARCH_PATH)


def configuration(folder: Path, address: StubAddress) -> str:
    """Return nginx's configuration, with all its files in ``folder``."""
    keepalives = {
        address.port: "1h",
        address.closing_port: "0",
        address.idle_port: f"{IDLE_LIMIT}ms",
    }
    servers = "".join(
        _SERVER.format(port=port, keepalive=keepalive, payload=PAYLOAD, folder=folder)
        for port, keepalive in keepalives.items()
    )
    # If nginx runs as root, its workers would be another user without access to the folder.
    user = f"user {pwd.getpwuid(0).pw_name};" if os.geteuid() == 0 else ""
    return _NGINX.format(
        folder=folder, user=user, servers=servers, status_port=address.status_port, log=_LOG
    )


@contextlib.contextmanager
def serving(folder: Path, environ: Mapping[str, str]) -> Iterator[StubAddress]:
    """Run the stub with its files in ``folder``; at the end remove both."""
    program = nginx_program()
    if program is None:
        raise StubFailed("nginx is not installed")
    folder.mkdir()
    try:
        address = _new_address(folder)
        _write(folder, address)
        command = [program, "-p", str(folder), "-e", str(folder / "error.log")]
        command += ["-c", str(folder / "nginx.conf")]
        with running(command, environ, stderr=subprocess.DEVNULL) as process:
            wait_until_ready(process, address.status_port, "/status", lambda: _log_of(folder))
            yield address
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write(folder: Path, address: StubAddress) -> None:
    certificate, _ = make_certificate(folder)
    # certifi's bundle, too, because real clients load it for Lambda.
    Path(address.ca).write_text(certifi.contents() + certificate.read_text())
    (folder / "nginx.conf").write_text(configuration(folder, address))
    for name, size in LARGE_PAYLOADS.items():
        items = {"items": ["x" * 78] * (size // 82)}
        (folder / f"{name}.json").write_text(json.dumps(items))


def _new_address(folder: Path) -> StubAddress:
    """Return an address with four free ports, reserved until the last one is found."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(4)]
        ports = [listener.getsockname()[1] for listener in sockets]
    return StubAddress(*ports, ca=str(folder / "bundle.pem"))


def _log_of(folder: Path) -> str:
    log = folder / "error.log"
    return "nginx did not start: " + (log.read_text() if log.exists() else "it wrote no log")
