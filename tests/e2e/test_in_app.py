"""Functions in an app, under the servers that people deploy it with."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.servers import lambda_server as far_end
from tests.servers.event_stream import chunk, complete, hang, stream
from tests.servers.gunicorn_server import gunicorn
from tests.servers.lambda_server import LambdaServer
from tests.servers.uvicorn_server import uvicorn
from tests.servers.web_server import ClientResponse, send, send_bytes

pytestmark = pytest.mark.e2e

V2 = {"awsgateway_compatible": True, "awsgateway_compatible_payload_version": "2.0"}


def configuration(server: LambdaServer) -> dict[str, Any]:
    return {
        "aws_region": "us-east-1",
        "aws_key": "AKID",
        "aws_secret": "secret",
        "host": server.host,
        "port": server.port,
        "disable_https": True,
        "routes": {
            "/v2": {"function_name": "v2", **V2},
            "/proxy": {"function_name": "proxy", "is_proxy_integration": True},
            "/chat": {"function_name": "chat", "invoke_mode": "RESPONSE_STREAM"},
            "/small": {"function_name": "small", "max_payload_size": 100},
        },
        "functions": {"pay": {}},
    }


def flask_app(server: LambdaServer) -> str:
    return f"""
from flask import Flask
from wsgi_lambda.flask import LambdaFunctions

app = Flask(__name__)
app.config["WSGI_LAMBDA"] = {configuration(server)!r}
functions = LambdaFunctions(app)
app.add_url_rule("/pay/<int:order_id>/", view_func=functions.view("pay"))
"""


def django_app(server: LambdaServer, kind: str) -> str:
    return f"""
from django.conf import settings

settings.configure(
    ROOT_URLCONF=__name__, SECRET_KEY="x", ALLOWED_HOSTS=["*"],
    INSTALLED_APPS=["wsgi_lambda.django"], WSGI_LAMBDA={configuration(server)!r},
    MIDDLEWARE=["django.middleware.common.CommonMiddleware",
                "wsgi_lambda.django.middleware.LambdaFunctionsMiddleware"],
)
from django.core.{kind} import get_{kind}_application
from django.urls import include, path
from wsgi_lambda.django import lambda_view

app = get_{kind}_application()
urlpatterns = [path("pay/<int:order_id>/", lambda_view("pay")),
               path("", include("wsgi_lambda.django.urls"))]
"""


class Served:
    """An app on a server, and the far end that it invokes."""

    def __init__(self, address: tuple[str, int], far: LambdaServer, *, is_wsgi: bool) -> None:
        self.address, self.far, self.is_wsgi = address, far, is_wsgi

    def send(self, *request: Any) -> ClientResponse:
        self.far.invocations.clear()
        return send(self.address, *request, is_closed=False)

    @property
    def event(self) -> Any:
        (invocation,) = self.far.invocations
        return json.loads(invocation.body)


@pytest.fixture(scope="module", params=["flask-gunicorn", "django-gunicorn", "django-uvicorn"])
def served(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp(request.param)
    with ExitStack() as stack:
        far = stack.enter_context(LambdaServer(credentials={"AKID": ("secret", None)}))
        far.always(far_end.echo())
        if request.param == "django-uvicorn":
            yield Served(
                stack.enter_context(uvicorn(folder, django_app(far, "asgi"))), far, is_wsgi=False
            )
            return
        source = flask_app(far) if request.param.startswith("flask") else django_app(far, "wsgi")
        server = stack.enter_context(gunicorn(folder, source, "--threads", "4"))
        yield Served(server.address, far, is_wsgi=True)


def test_path_and_query_are_as_the_client_sent_them(served: Served) -> None:
    assert served.send("GET", "/v2/a%2Fb//%E6%97%A5/?x=%20").status == 200
    event = served.event
    assert (event["rawPath"], event["rawQueryString"]) == ("/v2/a%2Fb//%E6%97%A5/", "x=%20")
    assert event["requestContext"]["http"]["protocol"] == "HTTP/1.1"
    assert event["requestContext"]["domainName"] == "shop.test"


def test_form_and_values_of_the_url(served: Served) -> None:
    headers = [("Content-Type", "application/x-www-form-urlencoded")]
    response = served.send("POST", "/pay/7/?order_id=8", headers, b"order_id=9&a=1")
    assert (response.status, response.json()) == (200, {"order_id": "7", "a": "1"})


def test_chunked_body_is_complete(served: Served) -> None:
    head = b"POST /v2 HTTP/1.1\r\nHost: shop.test\r\nContent-Type: text/plain\r\n"
    head += b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    served.far.invocations.clear()
    response = send_bytes(
        served.address, head + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "POST", is_closed=False
    )
    assert (response.status, served.event["body"]) == (200, "abcde")


def test_incomplete_body_invokes_nothing(served: Served) -> None:
    head = b"POST /v2 HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 50\r\n"
    served.far.invocations.clear()
    try:
        status = send_bytes(served.address, head + b"Connection: close\r\n\r\nabc", "POST").status
    except ConnectionError:  # uvicorn closes the connection
        status = 400
    assert (status, served.far.invocations) == (400, [])


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("OPTIONS", 200), ("TRACE", 405)])
def test_methods(served: Served, method: str, status: int) -> None:
    response = served.send(method, "/v2")
    assert (response.status, len(served.far.invocations)) == (status, int(method == "HEAD"))
    if method == "HEAD":
        assert response.body == b""
        assert int(response.header("content-length") or 0) > 100


def test_cookies_and_bytes(served: Served) -> None:
    result = {
        "statusCode": 201,
        "headers": {"Content-Type": "image/png"},
        "cookies": ["a=1; Path=/; Priority=High", "a=2", "b=3"],
        "body": "iVBORw==",
        "isBase64Encoded": True,
    }
    served.far.script(far_end.respond(200, {}, json.dumps(result).encode()))
    response = served.send("GET", "/proxy")
    assert (response.status, response.body) == (201, b"\x89PNG")
    assert response.all("set-cookie") == result["cookies"]
    assert response.header("content-type") == "image/png"
    assert response.header("content-length") == "4"


@pytest.mark.parametrize("status", [204, 304])
def test_no_body(served: Served, status: int) -> None:
    body = json.dumps({"statusCode": status}).encode()
    served.far.script(far_end.respond(200, {}, body))
    response = served.send("GET", "/proxy")
    assert (response.status, response.body) == (status, b"")
    assert response.header("content-type") is None


def test_failure(served: Served) -> None:
    served.far.script(far_end.respond(429, {"X-Amzn-RequestId": "r-7"}))
    response = served.send("GET", "/v2")
    assert (response.status, response.json()["request_id"]) == (429, "r-7")
    assert response.header("retry-after") == "1"


def test_body_over_the_limit(served: Served) -> None:
    headers = [("Content-Type", "application/x-www-form-urlencoded")]
    assert served.send("POST", "/small", headers, b"a=" + b"x" * 400).status == 413
    assert served.far.invocations == []


def begin_chat(served: Served) -> socket.socket:
    """Return a connection on which the first chunk of a stream has arrived."""
    sock = socket.create_connection(served.address, timeout=20)
    sock.sendall(b"GET /chat HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n")
    received = b""
    while b"one" not in received:
        received += sock.recv(4096)
    return sock


def test_first_byte_arrives_before_the_second_chunk_exists(served: Served) -> None:
    more = threading.Event()
    served.far.script(stream(chunk(b"one"), more, chunk(b"two"), complete()))
    with begin_chat(served) as sock:
        more.set()
        received = b""
        while data := sock.recv(4096):
            received += data
    assert b"two" in received


def test_client_that_goes_away_ends_the_stream(served: Served) -> None:
    more, closed = threading.Event(), threading.Event()

    def until_closed(exchange: far_end.Exchange) -> None:
        # WSGI servers notice it at their next write.
        try:
            while not exchange.ended(within=0.05):
                exchange.send(b"%x\r\n%b\r\n" % (len(chunk(b"more")), chunk(b"more")))
        except OSError:
            pass
        closed.set()
        exchange.close()

    served.far.script(stream(chunk(b"one"), more, until_closed))
    begin_chat(served).close()
    more.set()
    assert closed.wait(20)


def test_silent_stream_ends_if_the_client_of_asgi_goes_away(served: Served) -> None:
    if served.is_wsgi:
        pytest.skip("WSGI servers notice it at their next write")
    closed = threading.Event()

    def silent(exchange: far_end.Exchange) -> None:
        hang(exchange)
        closed.set()

    served.far.script(stream(chunk(b"one"), silent))
    begin_chat(served).close()
    assert closed.wait(20)
