"""The same request gets the same event in a Flask app, in a Django project, and around an app."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
from flask import Flask

from tests.conftest import defaults
from tests.inapp.conftest import V1, V2, MakeDjango
from tests.servers.lambda_server import LambdaServer
from wsgi_lambda import LambdaMiddleware
from wsgi_lambda.flask import LambdaFunctions

FORMATS: dict[str, dict[str, Any]] = {
    "arguments": {},
    "forwarded": {f"forward_request_{name}": True for name in ("method", "uri", "headers", "body")},
    "payload 1.0": V1,
    "payload 2.0": V2,
}

ROUTES = {
    "/shop": {"function_name": "prefix"},
    "/exact": {"function_name": "exact", "exact": True},
    "/todos/{id}": {"function_name": "template"},
    "/files/{path+}": {"function_name": "greedy"},
    "/日本": {"function_name": "japan", "strip_path": True, "add_path": "/v1"},
}

#: Times and generated ids; the trace comes from the request.
CHANGING = re.compile(
    rb'"(?:requestId|extendedRequestId|time|requestTime)":"[^"]*"'
    rb'|"(?:timeEpoch|requestTimeEpoch)":\d+'
)

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
MULTIPART = (
    b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
    b'--b\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\n\xff\x00\r\n--b--\r\n'
)


def request(target: str, method: str = "GET", body: bytes = b"", **more: Any) -> dict[str, Any]:
    """Return the environ that a server makes; ``more`` are its keys, None leaves one out."""
    path, _, query = target.partition("?")
    made = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(path, "latin-1"),
        "QUERY_STRING": query,
        "RAW_URI": target,
        "SERVER_NAME": "shop.test",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.7",
        "HTTP_HOST": "shop.test",
        "HTTP_X_AMZN_TRACE_ID": "Root=1-5759e988-bd862e3fe1be46a994272793",
        "CONTENT_LENGTH": str(len(body)) if body else "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **more,
    }
    made["body"] = body
    return {name: value for name, value in made.items() if value is not None}


MOUNTED = {"SCRIPT_NAME": "/mount", "PATH_INFO": "/shop/7"}
CHUNKED = {
    "HTTP_TRANSFER_ENCODING": "chunked",
    "CONTENT_LENGTH": None,
    "wsgi.input_terminated": True,
}

REQUESTS = {
    "query": request("/shop/a?x=1&x=2&flag&e=&%C3%A9=%F0%9F%8D%B5&bad=%FF"),
    "no-query": request("/shop"),
    "trailing-slash": request("/shop/"),
    "double-slashes": request("//shop//a//"),
    "encoded-slash": request("/shop/a%2Fb%252Fc"),
    "not-ascii": request("/%E6%97%A5%E6%9C%AC/%C3%A9?a=1"),
    "not-utf-8": request("/shop/%FF%41%20"),
    "percent": request("/shop/100%25"),
    "percent-without-target": request("/shop/100%25", RAW_URI=None),
    "newline": request("/todos/a%0Ab"),
    "no-target": request("/shop/a%20b", RAW_URI=None),
    "absolute-target": request("/shop/a", RAW_URI="http://shop.test/shop/a"),
    "mounted": request("/mount/shop/7", **MOUNTED),
    "exact": request("/exact/"),
    "template": request("/todos/%C3%A9%2B"),
    "greedy": request("/files/a/b/?path=c"),
    "form": request("/shop", "POST", b"a=1&a=2&b=%E9", CONTENT_TYPE=FORM),
    "multipart": request(
        "/shop", "POST", MULTIPART, CONTENT_TYPE='multipart/form-data; boundary="b"'
    ),
    "json": request(
        "/todos/7", "PUT", b'{"id": 8, "big": 1e3, "t": "\xc3\xa9"}', CONTENT_TYPE=JSON
    ),
    "json-array": request("/shop", "POST", b"[1, 2]", CONTENT_TYPE=JSON),
    "text": request("/shop", "PATCH", b"plain \xff", CONTENT_TYPE="text/plain"),
    "no-type": request("/shop", "DELETE", b"bytes"),
    "encoded-body": request(
        "/shop", "POST", b"\x1f\x8b", CONTENT_TYPE="text/plain", HTTP_CONTENT_ENCODING="gzip"
    ),
    "chunked": request("/shop", "POST", b"a=1", CONTENT_TYPE=FORM, **CHUNKED),
    "head": request("/shop", "HEAD"),
    "lower-case-method": request("/shop", "get"),
    "cookies": request("/shop", HTTP_COOKIE="a=1; b=2; a=3"),
    "joined-headers": request("/shop", HTTP_X_MANY="1,2", HTTP_ACCEPT_LANGUAGE="de"),
    "not-ascii-header": request("/shop", HTTP_X_NAME="caf\u00c3\u00a9"),
    "forwarded-for": request("/shop", HTTP_X_FORWARDED_FOR="198.51.100.1"),
    "port": request("/shop", HTTP_HOST="shop.test:8080", SERVER_PORT="8080"),
    "ipv6": request("/shop", HTTP_HOST="[::1]:8080", SERVER_PORT="8080", REMOTE_ADDR="::1"),
    "https": request("/shop", **{"wsgi.url_scheme": "https"}, SERVER_PORT="443"),
    "http-1.0": request("/shop", HTTP_HOST=None, SERVER_PROTOCOL="HTTP/1.0"),
    "remote-user": request("/shop", REMOTE_USER="ada"),
    "remote-user-not-ascii": request("/shop", REMOTE_USER="caf\u00c3\u00a9"),
    "unix-socket": request("/shop", REMOTE_ADDR="", SERVER_PORT=""),
}


def call(app: Callable[..., Any], given: dict[str, Any]) -> int:
    """Call ``app`` as a server does, and return the status."""
    environ = {name: value for name, value in given.items() if name != "body"}
    environ["wsgi.input"] = io.BytesIO(given["body"])
    started: list[str] = []

    def start_response(status: str, *_: Any) -> None:
        started.append(status)

    body = app(environ, start_response)
    b"".join(body)
    getattr(body, "close", bool)()
    return int(started[0].partition(" ")[0])


@pytest.fixture
def apps(
    far: LambdaServer, make_django: MakeDjango
) -> Callable[[dict[str, Any]], list[Callable[..., Any]]]:
    """Return a factory of three apps with the same configuration: around, Flask, Django."""

    def make(options: dict[str, Any]) -> list[Callable[..., Any]]:
        config = {**defaults(far, **options), "routes": ROUTES}
        flask = Flask("shop")
        flask.config["WSGI_LAMBDA"] = config
        LambdaFunctions(flask)
        make_django(
            ROUTES,
            options=options,
            ALLOWED_HOSTS=["*"],
            MIDDLEWARE=["wsgi_lambda.django.middleware.LambdaFunctionsMiddleware"],
        )
        from django.core.handlers.wsgi import WSGIHandler

        return [LambdaMiddleware(None, config), flask, WSGIHandler()]

    return make


@pytest.mark.parametrize("options", FORMATS.values(), ids=FORMATS)
def test_events_are_equal(far: LambdaServer, apps: Any, options: dict[str, Any]) -> None:
    around, flask, django = apps(options)
    for name, given in REQUESTS.items():
        far.invocations.clear()
        # An array with path parameters or arguments is rejected, by all in the same way.
        assert call(around, given) == 200, name
        assert call(flask, given) == 200, name
        assert call(django, given) == 200, name
        expected, *others = (CHANGING.sub(b"", each.body) for each in far.invocations)
        assert others == [expected, expected], name
        traces = {each.header("x-amzn-trace-id") for each in far.invocations}
        assert traces == {"Root=1-5759e988-bd862e3fe1be46a994272793"}, name
