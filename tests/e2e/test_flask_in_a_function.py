"""A Flask app in a function has the same responses as in gunicorn, byte for byte."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sample_app import emulator, guard
from sample_app.processes import running, wait_until_ready
from tests.e2e.conftest import PROJECT
from tests.e2e.front import V1_HOST
from tests.servers.web_server import ClientResponse, send
from tests.tools.gateway_requests import EVERY_BYTE, FORM, MULTIPART, Sent, typed

pytestmark = pytest.mark.e2e

FUNCTIONS = Path(__file__).parent / "functions"
Address = tuple[str, int]

REQUESTS = (
    Sent(name="text", target="/text"),
    Sent(name="JSON", target="/json"),
    Sent(name="an image", target="/image"),
    Sent(
        name="an image that the client has",
        target="/image",
        headers=(("If-None-Match", '"image"'),),
    ),
    Sent(name="a range of an image", target="/image", headers=(("Range", "bytes=100-299"),)),
    Sent(name="compressed", target="/gzip", headers=(("Accept-Encoding", "gzip"),)),
    Sent(name="text in latin-1", target="/latin-1"),
    Sent(
        name="a form",
        method="POST",
        target="/form",
        headers=typed("application/x-www-form-urlencoded"),
        body=FORM,
    ),
    Sent(
        name="an upload",
        method="POST",
        target="/upload",
        headers=typed("multipart/form-data; boundary=limit"),
        body=MULTIPART,
    ),
    Sent(name="cookies", target="/cookies", headers=(("Cookie", "a=1; b=2; a=3; old=4"),)),
    Sent(name="a redirect", target="/redirect"),
    Sent(name="a redirect of the router", target="/folder?a=1"),
    Sent(name="a redirect of empty segments", target="/see//a"),
    Sent(name="not found", target="/nothing"),
    Sent(name="no content", method="DELETE", target="/empty"),
    Sent(name="an empty page", target="/empty-page"),
    Sent(name="headers", target="/headers"),
    Sent(name="repeated headers", target="/repeated"),
    Sent(name="a stream", target="/stream"),
    Sent(name="an error of the app", target="/broken"),
    Sent(name="HEAD", method="HEAD", target="/text"),
    Sent(name="HEAD of an image", method="HEAD", target="/image"),
    Sent(name="HEAD of nothing", method="HEAD", target="/nothing"),
    Sent(name="a query", target="/see?a=1&a=2&b=%C3%BC+%26"),
    Sent(name="a Unicode path", target="/see/caf%C3%A9/%E6%9D%B1%E4%BA%AC/"),
    Sent(name="escapes in a path", target="/see/a%2Fb%20c%3Fd%2525"),
    Sent(name="a path that is not UTF-8", target="/see/%ff%fe"),
    Sent(name="bad escapes", target="/see/100%/%zz"),
    Sent(
        name="repeated and other headers of the client",
        target="/see",
        headers=(
            ("Accept", "text/html"),
            ("X-Tag", "a"),
            ("Accept", "*/*;q=0.1"),
            ("X-Tag", "b"),
            ("Authorization", "Basic YTpi"),
        ),
    ),
    Sent(name="PUT", method="PUT", target="/see", headers=typed("text/plain"), body=b"Z\xc3\xbc"),
    Sent(
        name="PATCH", method="PATCH", target="/see", headers=typed("application/json"), body=b"{}"
    ),
    Sent(name="DELETE with a body", method="DELETE", target="/see", body=EVERY_BYTE),
    Sent(name="OPTIONS", method="OPTIONS", target="/see"),
    Sent(name="a large body", method="POST", target="/see", body=EVERY_BYTE * 2048),
    Sent(
        name="a chunked body",
        method="POST",
        target="/see",
        headers=typed("text/plain", ("Transfer-Encoding", "chunked")),
        body=b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
    ),
)


@contextlib.contextmanager
def gunicorn(app: str, folder: Path, ready: str, **environ: str) -> Iterator[Address]:
    """Serve ``app``, a module of ``folder``, on a loopback port; GET ``ready`` must be 200."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "COV_CORE_", "COVERAGE_", "GUNICORN_"))
    }
    command = [sys.executable, "-m", "gunicorn", app, "--worker-class", "gthread"]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number, port = listener.fileno(), listener.getsockname()[1]
        with running(
            [*command, "--bind", f"fd://{number}", "--log-level", "warning"],
            {**inherited, **environ},
            cwd=folder,
            pass_fds=[number],
        ) as process:
            wait_until_ready(process, port, ready, lambda: f"gunicorn did not serve {app}")
            yield "127.0.0.1", port


@dataclass(frozen=True)
class Servers:
    """The app in gunicorn, and the middleware in front of the app in a function."""

    direct: Address
    through: Address


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    # Newer versions of gunicorn put their control socket here.
    environ = {"XDG_RUNTIME_DIR": str(tmp_path_factory.mktemp("gunicorn"))}
    with contextlib.ExitStack() as stack:
        peer = stack.enter_context(emulator.emulator())
        arns = emulator.deploy(peer.socket, "test-", FUNCTIONS)
        key = emulator.create_user(peer.socket, arns)
        url = stack.enter_context(guard.guarded(peer.socket, {key.key_id: key.secret}))
        aws = {
            "AWS_ACCESS_KEY_ID": key.key_id,
            "AWS_SECRET_ACCESS_KEY": key.secret,
            "AWS_REGION": emulator.REGION,
            "AWS_ENDPOINT_URL_LAMBDA": url,
        }
        with (
            gunicorn("app:app", FUNCTIONS / "web", "/text", **environ) as direct,
            gunicorn("tests.e2e.front:make_app()", PROJECT, "/text", **environ, **aws) as through,
        ):
            yield Servers(direct, through)


def ask(address: Address, sent: Sent, host: str, prefix: str = "") -> ClientResponse:
    headers = (("Host", host), *sent.headers)
    return send(address, sent.method, prefix + sent.target, headers, sent.body)


#: Headers of the connection, of Lambda, and of ministack, which adds some to every response.
NOT_OF_THE_APP = re.compile(
    "date|server|connection|transfer-encoding|x-amz.*"
    "|access-control-(allow-headers|allow-methods|allow-origin|expose-headers)"
)


def headers_of(response: ClientResponse) -> list[tuple[str, str]]:
    """Return the app's own headers except cookies, sorted, with names in lower case."""
    headers = [(name.lower(), value) for name, value in response.headers]
    return sorted(
        pair
        for pair in headers
        if pair[0] != "set-cookie" and not NOT_OF_THE_APP.fullmatch(pair[0])
    )


def expected_headers(response: ClientResponse, host: str) -> list[tuple[str, str]]:
    """Return the headers that a direct response has after its way through a function."""
    headers = headers_of(response)
    if response.all("transfer-encoding"):
        # A function's response is complete before it is sent, so it has a length.
        headers.append(("content-length", str(len(response.body))))
    if response.status == 204:
        # wsgiref.validate rejects a Content-Type without content.
        headers = [pair for pair in headers if pair[0] != "content-type"]
    if host != V1_HOST:
        # apig_wsgi/__init__.py, V2Response: only the last of repeated headers remains.
        headers = list(dict(headers).items())
    return sorted(headers)


@pytest.mark.parametrize("prefix", ["", "/app"], ids=["whole path", "strip_path"])
@pytest.mark.parametrize("host", [V1_HOST, "v2.test"])
@pytest.mark.parametrize("sent", REQUESTS, ids=lambda sent: sent.name)
def test_function_has_the_responses_of_the_app(
    sent: Sent, host: str, prefix: str, servers: Servers
) -> None:
    direct = ask(servers.direct, sent, host)
    through = ask(servers.through, sent, host, prefix)
    assert through.header("x-amzn-requestid"), "no function was invoked"
    assert not direct.all("x-amzn-requestid")
    assert (through.status, through.body) == (direct.status, direct.body)
    assert headers_of(through) == expected_headers(direct, host)
    assert through.all("set-cookie") == direct.all("set-cookie")


def test_payload_2_keeps_the_query_unchanged(servers: Servers) -> None:
    sent = Sent(name="an unsorted query", target="/see?b=%7e&a=1&&b=+&flag&c=%zz")
    direct = ask(servers.direct, sent, "v2.test")
    assert direct.json()["query"] == "b=%7e&a=1&&b=+&flag&c=%zz"
    assert ask(servers.through, sent, "v2.test").body == direct.body
