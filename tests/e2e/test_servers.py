"""Twelve requests to each server that people deploy WSGI apps with, over real sockets.

Each cell of the table is a test. At the end of the run the table is printed;
docs/deploy.md has the one that is expected.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import pytest

from tests.servers.app_servers import (
    KINDS,
    NGINX,
    Address,
    AppServer,
    connect,
    running,
    site,
)
from tests.servers.lambda_server import LambdaServer
from tests.servers.web_server import ClientResponse
from tests.tools.server_matrix import GOOD, Outcomes, to_markdown
from tests.unit.docs.pages import page, section

pytestmark = pytest.mark.e2e

REPLY = b'{"from": "the function"}'
V2 = {
    "function_name": "f",
    "awsgateway_compatible": True,
    "awsgateway_compatible_payload_version": "2.0",
}
FORM = "application/x-www-form-urlencoded"
#: Outcomes that are not as documented elsewhere, and their reasons.
REASONS = {
    "411": "the server does not decode chunked bodies and does not mark their end",
    "411, 400": "the first of the two bodies is chunked, see 411",
    "400, closed": "the client stops in the middle of the body, and the server closes the "
    "connection without a response",
    "`/`": "the server passes only the decoded path on, so `%2F` has become `/`",
    "–": "the server does not listen on unix sockets",
}
_NO_CHUNKS = ("uWSGI, `http-socket`", "Django's development server", "wsgiref")
_NO_RESPONSE = (
    "nginx `proxy_pass`, gunicorn",
    "nginx `uwsgi_pass`, gunicorn",
    "nginx `uwsgi_pass`, uWSGI",
    "waitress",
)
_NO_RAW_TARGET = (
    "nginx `uwsgi_pass`, gunicorn",
    "gevent.pywsgi",
    "Django's development server",
    "wsgiref",
)
_NO_UNIX_SOCKET = tuple(name for name, kind in KINDS.items() if not kind.has_unix_socket)
#: The cells with these outcomes.
EXPECTED = {
    **{(server, "chunked POST"): "411" for server in _NO_CHUNKS},
    **{(server, "broken body"): "411, 400" for server in _NO_CHUNKS},
    **{(server, "broken body"): "400, closed" for server in _NO_RESPONSE},
    **{(server, "`%2F`"): "`/`" for server in _NO_RAW_TARGET},
    **{(server, "unix socket"): "–" for server in _NO_UNIX_SOCKET},
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What one request led to: the raw response, and the event if the function was invoked."""

    raw: bytes
    method: str
    event: Any

    @property
    def response(self) -> ClientResponse | None:
        """The response, None if the server closed the connection without one."""
        if not self.raw:
            return None
        response = http.client.HTTPResponse(_Bytes(self.raw), method=self.method)  # type: ignore[arg-type]
        response.begin()
        return ClientResponse(response.status, tuple(response.getheaders()), response.read())

    @property
    def status(self) -> str:
        response = self.response
        return "closed" if response is None else str(response.status)


class _Bytes:
    """A socket for `http.client` that contains a whole response."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, mode: str) -> io.BytesIO:
        return io.BytesIO(self._data)


class Far:
    """The far end, and the address that a request is sent to."""

    def __init__(self, lambda_server: LambdaServer, server: AppServer) -> None:
        self._far_end = lambda_server
        self.server = server

    def send(
        self,
        line: str,
        *headers: str,
        body: bytes = b"",
        to: Address | None = None,
        version: str = "1.1",
        host: str = "Host: shop.test:81",
        is_cut: bool = False,
    ) -> Seen:
        """Send a request and read until the server closes the connection.

        With ``is_cut`` the client closes its side after ``body``.
        """
        lines = [f"{line} HTTP/{version}", *([host] if host else []), "Connection: close", *headers]
        head = "".join(f"{each}\r\n" for each in lines).encode()
        before = len(self._far_end.invocations)
        with connect(to or self.server.tcp) as sock:
            with contextlib.suppress(ConnectionError):
                sock.sendall(head + b"\r\n" + body)
                if is_cut:
                    sock.shutdown(1)
            raw = _read(sock)
        events = [each.event for each in self._far_end.invocations[before:]]
        assert len(events) <= 1
        return Seen(raw, line.partition(" ")[0], events[0] if events else None)


def _read(sock: Any) -> bytes:
    data = b""
    with contextlib.suppress(ConnectionError):
        while block := sock.recv(65536):
            data += block
    return data


def outcome(seen: Seen, has: dict[str, Any], status: str = "200") -> str:
    """Return `GOOD` if the response has this status and the event these parts.

    Else the status. Without a wanted part, nothing must have been invoked.
    """
    if seen.status != status:
        assert seen.event is None, "invoked, although the client got an error"
        return seen.status
    if not has:
        assert seen.event is None
        return GOOD
    assert (seen.response and seen.response.body) == (b"" if seen.method == "HEAD" else REPLY)
    assert {name: seen.event.get(name) for name in has} == has
    return GOOD


def get(far: Far) -> str:
    seen = far.send("GET /v2/a?x=1")
    found = outcome(seen, {"rawPath": "/v2/a", "rawQueryString": "x=1", "body": None})
    return found if found != GOOD else _client(seen, host="shop.test:81")


def _client(seen: Seen, *, host: str) -> str:
    headers, http_context = seen.event["headers"], seen.event["requestContext"]["http"]
    ip_address(http_context["sourceIp"])
    assert headers["x-forwarded-for"].split(", ")[-1] == http_context["sourceIp"]
    assert re.fullmatch("[0-9]+", headers["x-forwarded-port"])
    assert headers["x-forwarded-proto"] == "http"
    # Debian's uwsgi_params leave out the port.
    assert headers["host"] in (host, host.partition(":")[0])
    return GOOD


def head(far: Far) -> str:
    seen = far.send("HEAD /v2")
    found = outcome(seen, {"rawPath": "/v2"})
    if found != GOOD or seen.response is None:
        return found
    assert seen.raw.partition(b"\r\n\r\n")[2] == b"", "a body after the head"
    return GOOD if seen.response.header("content-length") == str(len(REPLY)) else "no length"


def chunked_post(far: Far) -> str:
    headers = ("Content-Type: text/plain", "Transfer-Encoding: chunked")
    seen = far.send("POST /v2", *headers, body=b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n")
    return outcome(seen, {"body": "hello"})


def post(far: Far) -> str:
    seen = far.send("POST /v2", "Content-Type: text/plain", "Content-Length: 5", body=b"hello")
    return outcome(seen, {"body": "hello"})


def large_post(far: Far) -> str:
    """A body over the limit (413), and one that `authorize` refuses (401), several times each."""
    body = b"x" * 7_000_000
    headers = ("Content-Type: text/plain", f"Content-Length: {len(body)}")
    found = set()
    for _ in range(4):
        found.add(outcome(far.send("POST /v2", *headers, body=body), {}, "413"))
        found.add(outcome(far.send("POST /private", *headers, body=body), {}, "401"))
    return " or ".join(sorted(found))


def escaped_slash(far: Far) -> str:
    seen = far.send("GET /v2/a%2Fb/c%20d")
    if seen.event and seen.event["rawPath"] == "/v2/a/b/c%20d":
        return "`/`"
    return outcome(seen, {"rawPath": "/v2/a%2Fb/c%20d"})


def unix_socket(far: Far) -> str:
    if far.server.unix is None:
        return "–"
    seen = far.send("GET /v2", to=far.server.unix)
    found = outcome(seen, {"rawPath": "/v2"})
    return found if found != GOOD else _client(seen, host="shop.test:81")


def http_1_0(far: Far) -> str:
    seen = far.send("GET /v2", version="1.0", host="")
    found = outcome(seen, {"rawPath": "/v2"})
    if found != GOOD:
        return found
    assert re.fullmatch(r"[\w.-]+(:[0-9]+)?", seen.event["headers"]["host"])
    return GOOD if seen.event["requestContext"]["domainName"] else "no name"


def form(far: Far) -> str:
    body = b"a=1&b=%C3%A9+%2B&a=2"
    headers = (f"Content-Type: {FORM}", f"Content-Length: {len(body)}")
    return outcome(far.send("POST /form", *headers, body=body), {"a": ["1", "2"], "b": "é +"})


def multipart(far: Far) -> str:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
        b'--x\r\nContent-Disposition: form-data; name="f"; filename="f.bin"\r\n'
        b"Content-Type: image/png\r\n\r\n\x00\xff\r\n--x--\r\n"
    )
    headers = ("Content-Type: multipart/form-data; boundary=x", f"Content-Length: {len(body)}")
    file = {"filename": "f.bin", "content_type": "image/png", "body": "AP8="}
    return outcome(far.send("POST /form", *headers, body=body), {"a": "1", "f": file})


def broken_body(far: Far) -> str:
    """A bad chunk, and a body that is shorter than its Content-Length."""
    kind = "Content-Type: text/plain"
    chunk = far.send(
        "POST /v2", kind, "Transfer-Encoding: chunked", body=b"zz\r\nhello\r\n0\r\n\r\n"
    )
    short = far.send("POST /v2", kind, "Content-Length: 10", body=b"hello", is_cut=True)
    found = [outcome(seen, {}, "400") for seen in (chunk, short)]
    return GOOD if found == [GOOD, GOOD] else ", ".join(each.replace(GOOD, "400") for each in found)


def query(far: Far) -> str:
    seen = far.send("GET /v2?a=x%20y&b=%2B+%C3%A9&a=2&c")
    wanted = {
        "rawQueryString": "a=x%20y&b=%2B+%C3%A9&a=2&c",
        "queryStringParameters": {"a": "x y,2", "b": "+ é", "c": ""},
    }
    return outcome(seen, wanted)


REQUESTS: dict[str, Callable[[Far], str]] = {
    "GET": get,
    "HEAD": head,
    "chunked POST": chunked_post,
    "POST": post,
    "7 MB POST": large_post,
    "`%2F`": escaped_slash,
    "unix socket": unix_socket,
    "HTTP/1.0": http_1_0,
    "form": form,
    "multipart": multipart,
    "broken body": broken_body,
    "query": query,
}
CELLS = [(server, request) for server in KINDS for request in REQUESTS]


def expected() -> dict[tuple[str, str], str]:
    return {cell: EXPECTED.get(cell, GOOD) for cell in CELLS}


@pytest.fixture(scope="session")
def far_end() -> Iterator[LambdaServer]:
    with LambdaServer(credentials={"AKID": ("secret", None)}) as server:
        server.respond(200, {}, REPLY)
        yield server
        assert server.errors == []


@pytest.fixture(scope="session")
def start(
    far_end: LambdaServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Far]]:
    """Start a server at its first request: in random order they take turns."""
    started: dict[str, Far] = {}
    config = {
        "aws_region": "us-east-1",
        "aws_key": "AKID",
        "aws_secret": "secret",
        "host": far_end.host,
        "port": far_end.port,
        "disable_https": True,
        "timeout": 20_000,
        "routes": {
            "/v2": V2,
            "/form": {"function_name": "f"},
            "/private": {"function_name": "f", "authorize": "lambda_site:refuse"},
        },
    }
    with contextlib.ExitStack() as stack:

        def start_once(name: str) -> Far:
            if name not in started:
                folder = tmp_path_factory.mktemp("server")
                context = running(KINDS[name], folder, site(config))
                started[name] = Far(far_end, stack.enter_context(context))
            return started[name]

        yield start_once


@pytest.mark.promise("whole")
@pytest.mark.parametrize(
    ("server", "request_name"), CELLS, ids=[" / ".join(cell) for cell in CELLS]
)
def test_server(
    server: str,
    request_name: str,
    start: Callable[[str], Far],
    server_matrix: dict[tuple[str, str], str],
) -> None:
    if KINDS[server].directive and not NGINX:
        pytest.skip("no nginx here; apt-get install nginx-light")
    cell = (server, request_name)
    server_matrix[cell] = "failed"
    server_matrix[cell] = REQUESTS[request_name](start(server))
    assert server_matrix[cell] == expected()[cell]


@pytest.mark.promise("whole")
def test_http_socket_of_uwsgi_rejects_a_length_and_a_coding(start: Callable[[str], Far]) -> None:
    """Its own HTTP parser decodes nothing: the Content-Length is not that of a decoded body."""
    both = ("Content-Length: 5", "Transfer-Encoding: chunked")
    far = start("uWSGI, `http-socket`")
    assert outcome(far.send("POST /v2", *both, body=b"0\r\n\r\n"), {}, "400") == GOOD


def documented(outcomes: Outcomes) -> str:
    """Return the table and its notes, as docs/deploy.md has them."""
    notes = "".join(f"* {found}: {reason}.\n" for found, reason in REASONS.items())
    return f"{to_markdown(outcomes, KINDS, REQUESTS)}\n{notes}"


def test_page_has_the_table_of_servers() -> None:
    assert documented(expected()) in section(page("docs/deploy.md"), "Tested servers")
