"""Which requests are invocations, and what the wrapped app sees of the others."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import pytest

from tests.conftest import MakeApp
from tests.servers.lambda_server import LambdaServer
from tests.servers.web_server import serving

ROUTES = {
    "/lambda1/": {"function_name": "one"},
    "/lambda1/deep": {"function_name": "deep"},
    "/caf\u00e9": {"function_name": "cafe"},
    "/shop": [
        {"function_name": "orders", "methods": ["POST"]},
        {"function_name": "catalogue", "hosts": ["eu.shop.test"]},
        {"function_name": "vip", "consumers": ["ann"]},
    ],
}


def own_page(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"app ", environ["PATH_INFO"].encode("latin-1")]


@pytest.mark.promise("same path")
@pytest.mark.parametrize(
    ("method", "target", "host", "user", "function"),
    [
        pytest.param("GET", "/lambda1", "a.test", None, "one", id="the path itself"),
        pytest.param("GET", "/lambda1/", "a.test", None, "one", id="with a trailing slash"),
        pytest.param("GET", "/lambda1/x", "a.test", None, "one", id="below the path"),
        pytest.param("GET", "/lambda1/deep/x", "a.test", None, "deep", id="longest path first"),
        pytest.param("GET", "/lambda1/deeper", "a.test", None, "one", id="ends at a segment"),
        pytest.param("GET", "/lambda10", "a.test", None, None, id="neighbour"),
        pytest.param("GET", "/x/lambda1", "a.test", None, None, id="elsewhere in the path"),
        pytest.param("GET", "/LAMBDA1", "a.test", None, None, id="other case"),
        pytest.param("GET", "/%6Cambda1", "a.test", None, "one", id="percent-encoded"),
        pytest.param("GET", "/lambda1%2Fx", "a.test", None, "one", id="encoded slash"),
        pytest.param("GET", "/caf%C3%A9", "a.test", None, "cafe", id="UTF-8"),
        pytest.param("GET", "/caf%E9", "a.test", None, None, id="latin-1"),
        pytest.param("POST", "/shop", "a.test", None, "orders", id="method"),
        pytest.param("GET", "/shop", "EU.shop.test:80", None, "catalogue", id="host"),
        pytest.param("GET", "/shop", "us.shop.test", None, None, id="neither method nor host"),
        pytest.param("POST", "/shop", "eu.shop.test", "ann", "vip", id="consumer wins"),
        pytest.param("POST", "/shop", "eu.shop.test", "bob", "orders", id="other consumer"),
    ],
)
def test_route_owns_the_request(
    method: str,
    target: str,
    host: str,
    user: str | None,
    function: str | None,
    lambda_server: LambdaServer,
    make_app: MakeApp,
) -> None:
    with serving(make_app(ROUTES, own_page), {"REMOTE_USER": user} if user else {}) as web:
        answer = web.send(method, target, [("Host", host)])
    invoked = [i.path.split("/")[3] for i in lambda_server.invocations]
    assert (answer.status, invoked) == (200, [function] if function else [])
    assert answer.body.startswith(b"app ") == (function is None)


@pytest.mark.promise("untouched")
def test_other_requests_reach_the_app_untouched(make_app: MakeApp) -> None:
    class Untouchable(io.BytesIO):
        def read(self, *_: Any) -> bytes:
            raise AssertionError("the input was read")

    seen: list[tuple[Any, dict[str, Any]]] = []

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.append((environ, dict(environ)))
        return answer

    answer: list[bytes] = []
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/other",
        "SERVER_NAME": "a",
        "CONTENT_LENGTH": "3",
        "wsgi.input": Untouchable(b"abc"),
    }
    before = dict(environ)
    result = make_app(ROUTES, app)(environ, lambda *_: None)  # type: ignore[arg-type]
    assert result is answer
    assert seen[0][0] is environ
    assert seen[0][1] == before


def test_without_an_app_other_requests_are_404(make_app: MakeApp) -> None:
    with serving(make_app(ROUTES)) as web:
        answer = web.send("GET", "/other")
    assert (answer.status, set(answer.json())) == (404, {"message", "request_id"})


def test_below_a_mount_routes_are_relative_to_it(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    app = make_app({"/f": {"function_name": "f"}}, own_page)
    with serving(app, {"SCRIPT_NAME": "/f", "PATH_INFO": "/other"}) as web:
        assert web.send("GET", "/f/other").body == b"app /other"
    with serving(app, {"SCRIPT_NAME": "/mount"}) as web:
        web.send("GET", "/f")
    assert len(lambda_server.invocations) == 1


def test_every_default_can_be_overruled_by_a_route(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    routes = {
        "/a": {},
        "/b": {"function_name": "own", "log_type": "None"},
        "/c": {"log_type": None},
    }
    with serving(make_app(routes, function_name="common", log_type="Tail")) as web:
        for target in ("/a", "/b", "/c"):
            web.send("GET", target)
    assert [
        (i.path.split("/")[3], i.header("x-amz-log-type")) for i in lambda_server.invocations
    ] == [("common", "Tail"), ("own", "None"), ("common", "Tail")]
