"""Requests that would reach what they should not, or cost more than they should."""

from __future__ import annotations

import io
import json
import socket
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.conftest import MakeApp
from tests.servers.gunicorn_server import gunicorn
from tests.servers.lambda_server import LambdaServer
from tests.servers.path_app import make_app as make_path_app
from tests.servers.web_server import ClientResponse, send, serving
from tests.tools.promises import Tried
from wsgi_lambda.request_body import DRAIN_SIZE

ROUTES = {
    "/f": {"function_name": "f"},
    "/forward": {"function_name": "f", "forward_request_uri": True, "forward_request_body": True},
    "/v1": {"function_name": "f", "awsgateway_compatible": True},
    "/v2": {
        "function_name": "f",
        "awsgateway_compatible": True,
        "awsgateway_compatible_payload_version": "2.0",
    },
}
FORM = "application/x-www-form-urlencoded"

Ask = Callable[[str], ClientResponse]

# Raw targets, as no browser would send them. The server decodes them; what it
# makes of them is what both the app and the middleware see.
PATHS = [
    "/f",
    "/f/",
    "/f/x",
    "/f?x=/g",
    "/f#x",
    "//f",
    "///f/x",
    "f",
    "f/x",
    "/f//",
    "//f//x",
    "/./f",
    "/f/.",
    "/f/..",
    "/f/../g",
    "/g/../f",
    "/f/%2e%2e/g",
    "/g/%2e%2e/f",
    "/g/%2E%2E%2Ff",
    "/%66",
    "/%46",
    "/F",
    "/f%2f",
    "/f%2Fx",
    "/f%5Cx",
    "/f\\x",
    "/g%2ff",
    "/f;x=1",
    "/f;/x",
    "/f%3Bx",
    "/f%3Fx",
    "/f%23x",
    "/f%20",
    "/%20f",
    "/f%09",
    "/f%0A",
    "/f%0D%0AX:%201",
    "/f%",
    "/f%zz",
    "/f%2",
    "/f%C3%A9",
    "/f%E9",
    "/f/%FF",
    "/\xe9",
    "/f/\xe9",
    "/%C0%AFf",
    "/f%252Fx",
    "/%2566",
    "/ff",
    "/f.json",
    "/f+x",
    "/f~",
    "/*",
    "http://other.test/f",
    "http://other.test/g",
]


@pytest.fixture(scope="module", params=["wsgiref", "gunicorn"])
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Ask, Ask]]:
    """The Flask app alone, and behind the middleware."""

    def asking(address: tuple[str, int]) -> Ask:
        return lambda target: send(address, "GET", target)

    if request.param == "wsgiref":
        with (
            serving(make_path_app(is_wrapped=False)) as bare,
            serving(make_path_app(is_wrapped=True)) as wrapped,
        ):
            yield asking(bare.address), asking(wrapped.address)
        return
    source = "from tests.servers.path_app import make_app\napp = make_app(is_wrapped={})\n"
    with (
        gunicorn(tmp_path_factory.mktemp("bare"), source.format(False), "--threads", "2") as bare,
        gunicorn(
            tmp_path_factory.mktemp("wrapped"), source.format(True), "--threads", "2"
        ) as wrapped,
    ):
        yield asking(bare.address), asking(wrapped.address)


@pytest.mark.promise("same path", "untouched")
@pytest.mark.parametrize("target", PATHS)
def test_route_owns_what_the_app_s_own_rule_would(
    target: str, both: tuple[Ask, Ask], tried: Tried, request: pytest.FixtureRequest
) -> None:
    if not target.startswith("/") and "wsgiref" in request.node.callspec.id:
        pytest.skip("wsgiref hands it on as it is, and its validator refuses it")
    bare, wrapped = (ask(target) for ask in both)
    if bare.status == 200 and bare.body == b"rule":
        assert wrapped.status == 502, "the route's path came through to the app"
    else:
        assert (wrapped.status, wrapped.body) == (bare.status, bare.body)
    tried(paths=1)


@pytest.mark.promise("same path")
@pytest.mark.parametrize("target", ["/f%00", "/%00", "/g/%00/f", "/f/x%00.jpg"])
def test_path_with_nul_is_nobody_s(target: str, both: tuple[Ask, Ask], tried: Tried) -> None:
    answer = both[1](target)
    assert (answer.status, answer.json()["message"]) == (400, "The request's path contains NUL")
    tried(paths=1)


def multipart(parts: int) -> bytes:
    part = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
    return part * parts + b"--b--\r\n"


MULTIPART = "multipart/form-data; boundary=b"
MANY = b"a=1&" * 1_000_000
#: Path, query, type and body.
EXPENSIVE = {
    **{f"10^6 query arguments, {path}": (path, MANY, "", b"") for path in ROUTES},
    "10^6 query arguments without names": ("/f", b"&" * 1_000_000, "", b""),
    "10^6 form fields": ("/f", b"", FORM, MANY),
    "10^6 form fields, forwarded": ("/forward", b"", FORM, MANY),
    "10^5 parts": ("/f", b"", MULTIPART, multipart(100_000)),
    "10^5 parts, forwarded": ("/forward", b"", MULTIPART, multipart(100_000)),
    "30 MB of empty arrays": ("/f", b"", "application/json", b"[" + b"[]," * 10_000_000 + b"1]"),
    "30 MB of objects": ("/f", b"", "application/json", b"[" + b'{"":0},' * 4_300_000 + b"1]"),
    "30 MB of digits": ("/f", b"", "application/json", b"[" + b"1," * 15_000_000 + b"1]"),
}


class Counting(io.BytesIO):
    """A body, and how much of it was asked for."""

    asked = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.asked += len(data)
        return data


def call(app: Any, path: str, query: bytes, kind: str, **environ: Any) -> tuple[int, Any]:
    """Return status and answer of a WSGI call, for what no server here would let through."""
    given: list[str] = []
    full = {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query.decode("latin-1"),
        "CONTENT_TYPE": kind,
        "SERVER_NAME": "a",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        **environ,
    }
    body = b"".join(app(full, lambda status, _: given.append(status)))
    return int(given[0].split()[0]), json.loads(body)


@pytest.mark.promise("bounded")
@pytest.mark.parametrize(("path", "query", "kind", "body"), EXPENSIVE.values(), ids=EXPENSIVE)
def test_expensive_request_is_413_before_it_is_expensive(
    path: str,
    query: bytes,
    kind: str,
    body: bytes,
    lambda_server: LambdaServer,
    make_app: MakeApp,
    tried: Tried,
) -> None:
    app = make_app(ROUTES)
    stream = Counting(body)
    tracemalloc.start()
    try:
        status, answer = call(
            app, path, query, kind, CONTENT_LENGTH=str(len(body)), **{"wsgi.input": stream}
        )
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (status, lambda_server.connections) == (413, 0), answer
    # The bytes in two or three forms, and no object for each argument.
    assert peak < 4 * (len(query) + stream.asked) + 2_000_000
    tried(hostile_requests=1)


@pytest.mark.promise("bounded", "whole")
@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("kind", [FORM, MULTIPART, "application/json"])
def test_body_of_100_mb_is_discarded(
    path: str, kind: str, lambda_server: LambdaServer, make_app: MakeApp, tried: Tried
) -> None:
    stream = Endless()
    app = make_app(ROUTES)
    length = {"CONTENT_LENGTH": "100000000", "wsgi.input": stream}
    tracemalloc.start()
    try:
        status, _ = call(app, path, b"", kind, **length)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (status, stream.asked, lambda_server.connections) == (413, DRAIN_SIZE, 0)
    assert peak < 1_000_000
    tried(hostile_requests=1)


class Endless:
    """A chunked body that does not end."""

    asked = 0

    def read(self, size: int = -1) -> bytes:
        self.asked += size
        return b"x" * size


@pytest.mark.promise("bounded", "whole")
@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("kind", [FORM, MULTIPART, "application/json", "text/plain", ""])
def test_endless_body_is_read_to_the_limit(
    path: str, kind: str, lambda_server: LambdaServer, make_app: MakeApp, tried: Tried
) -> None:
    stream = Endless()
    app = make_app(ROUTES, max_payload_size=100_000, max_arguments=10)
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    status, _ = call(app, path, b"", kind, **chunked, **{"wsgi.input": stream})
    assert (status, lambda_server.connections) == (413, 0)
    assert stream.asked < 800_000 + DRAIN_SIZE
    tried(hostile_requests=1)


@pytest.mark.promise("bounded")
@pytest.mark.parametrize(
    ("limit", "count", "status"), [(None, 1000, 200), (None, 1001, 413), (2, 2, 200), (2, 3, 413)]
)
@pytest.mark.parametrize("where", ["query", "form", "multipart"])
def test_arguments_are_counted(
    where: str,
    limit: int | None,
    count: int,
    status: int,
    lambda_server: LambdaServer,
    make_app: MakeApp,
) -> None:
    pairs = "&".join(["a=1"] * count)
    query = f"?{pairs}" if where == "query" else ""
    kind = {"query": "text/plain", "form": FORM, "multipart": MULTIPART}[where]
    body = {"query": b"", "form": pairs.encode(), "multipart": multipart(count)}[where]
    with serving(make_app({"/f": {"function_name": "f", "max_arguments": limit}})) as web:
        answer = web.send("POST", f"/f{query}", [("Content-Type", kind)], body)
    assert answer.status == status
    if status == 413:
        assert answer.json()["message"] == "The request has too many arguments"
        assert lambda_server.connections == 0
    else:
        assert lambda_server.invocations[0].event == {"a": ["1"] * count}


@pytest.mark.promise("bounded", "whole")
@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"[" + b" " * 20_000_000 + b"1]", 200, id="blanks"),
        pytest.param(b'["' + b"\\u0041" * 1_500_000 + b'"]', 200, id="escapes"),
        pytest.param(("[" + " " * 5_000_000 + "1]").encode("utf-16"), 200, id="UTF-16"),
        pytest.param(b'["' + b"x" * 7_000_000 + b'"]', 413, id="text"),
    ],
)
def test_json_that_is_shorter_in_the_event_is_not_refused(
    body: bytes, status: int, make_app: MakeApp
) -> None:
    with serving(make_app(ROUTES)) as web:
        answer = web.send("POST", "/f", [("Content-Type", "application/json")], body)
    assert answer.status == status


@pytest.mark.promise("whole")
@pytest.mark.parametrize(
    ("framing", "status"),
    [
        ({"CONTENT_LENGTH": "10"}, 400),
        ({"CONTENT_LENGTH": "-1"}, 400),
        ({"CONTENT_LENGTH": "+3"}, 400),
        ({"CONTENT_LENGTH": "3, 3"}, 400),
        ({"CONTENT_LENGTH": "0x3"}, 400),
        ({"CONTENT_LENGTH": "9" * 20}, 400),
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, 411),
        ({"HTTP_TRANSFER_ENCODING": "gzip", "wsgi.input_terminated": True}, 400),
        ({"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": "3"}, 400),
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ROUTES)
def test_bad_framing_invokes_nothing(
    path: str,
    framing: dict[str, Any],
    status: int,
    lambda_server: LambdaServer,
    make_app: MakeApp,
    tried: Tried,
) -> None:
    stream = {"wsgi.input": io.BytesIO(b"a=1")}
    assert call(make_app(ROUTES), path, b"", FORM, **framing, **stream)[0] == status
    assert lambda_server.connections == 0
    tried(hostile_requests=1)


@pytest.mark.promise("whole")
def test_body_longer_than_its_length_is_cut_where_it_says(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    headers = [("Content-Length", "3"), ("Content-Type", FORM)]
    with serving(make_app(ROUTES)) as web:
        assert web.send("POST", "/f", headers, b"a=1&b=2").status == 200
    assert lambda_server.invocations[0].event == {"a": "1"}


@pytest.mark.promise("whole", "calm")
def test_slow_upload_that_ends_half_way_invokes_nothing_and_holds_up_nobody(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    head = f"POST /f HTTP/1.1\r\nHost: a\r\nContent-Type: {FORM}\r\nContent-Length: 10\r\n\r\n"
    with (
        serving(make_app(ROUTES)) as web,
        socket.create_connection(web.address, timeout=20) as slow,
    ):
        slow.sendall(head.encode() + b"a=1")
        assert web.send("POST").status == 200
        slow.shutdown(socket.SHUT_WR)
        assert slow.recv(65536).startswith(b"HTTP/1.0 400 ")
    assert len(lambda_server.invocations) == 1
