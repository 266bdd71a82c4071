"""Through a forward proxy: what it is asked for, and what it is told."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.conftest import MakeApp, defaults
from tests.servers.lambda_server import LambdaServer, close_after, echo
from tests.servers.proxy_server import ProxyServer
from tests.servers.web_server import ClientResponse, serving
from wsgi_lambda import LambdaMiddleware

ROUTES = {"/f": {"function_name": "f"}}


def over_tls(server: LambdaServer, **options: Any) -> LambdaMiddleware:
    secure = {"disable_https": False, "tls_verify": str(server.ca_bundle)}
    return LambdaMiddleware(None, {**defaults(server, **{**secure, **options}), "routes": ROUTES})


def ask(app: LambdaMiddleware, times: int = 1, method: str = "GET") -> list[ClientResponse]:
    with serving(app) as web:
        return [web.send(method) for _ in range(times)]


def test_plain_http_is_asked_for_in_absolute_form(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    with ProxyServer() as proxy:
        (answer,) = ask(make_app(ROUTES, proxy_url=proxy.url))
    assert (answer.status, len(lambda_server.invocations)) == (200, 1)
    (asked,) = proxy.asked
    endpoint = f"127.0.0.1:{lambda_server.port}"
    assert asked.target == f"http://{endpoint}/2015-03-31/functions/f/invocations"
    # What is signed, and arrives.
    assert asked.headers["host"] == endpoint


def test_tls_goes_through_a_tunnel_that_is_kept(tls_server: LambdaServer) -> None:
    with ProxyServer() as proxy:
        answers = ask(over_tls(tls_server, proxy_url=proxy.url), times=3)
    assert [answer.status for answer in answers] == [200] * 3
    assert (len(tls_server.invocations), tls_server.connections) == (3, 1)
    assert [(a.method, a.target) for a in proxy.asked] == [
        ("CONNECT", f"127.0.0.1:{tls_server.port}")
    ]


def test_certificate_is_checked_through_the_tunnel(
    tls_server: LambdaServer, caplog: pytest.LogCaptureFixture
) -> None:
    with ProxyServer() as proxy:
        (answer,) = ask(over_tls(tls_server, proxy_url=proxy.url, tls_verify=True))
    assert (answer.status, tls_server.invocations) == (502, [])
    assert "TLS failed" in caplog.text


def test_the_proxy_looks_up_the_endpoint(tls_server: LambdaServer) -> None:
    with ProxyServer(to=(tls_server.host, tls_server.port)) as proxy:
        (answer,) = ask(over_tls(tls_server, proxy_url=proxy.url, host="no-such-host.invalid"))
    # The proxy led us to a server that has no certificate for that name.
    assert answer.status == 502
    assert {a.target for a in proxy.asked} == {f"no-such-host.invalid:{tls_server.port}"}


@pytest.mark.parametrize(
    ("user", "status", "asked"),
    [("ann:p%40ss%C3%A9", 200, 1), ("ann:wrong", 502, 2), ("", 502, 2)],
    ids=["right", "wrong", "none"],
)
def test_password_is_for_the_proxy_alone(
    user: str, status: int, asked: int, tls_server: LambdaServer, caplog: pytest.LogCaptureFixture
) -> None:
    with ProxyServer(user="ann:p@ssé") as proxy:
        url = proxy.url.replace("//", f"//{user}@" if user else "//")
        (answer,) = ask(over_tls(tls_server, proxy_url=url))
    assert (answer.status, len(proxy.asked)) == (status, asked)
    assert ("407" in caplog.text) == (status == 502)
    assert "wrong" not in caplog.text
    for invocation in tls_server.invocations:
        assert invocation.header("proxy-authorization") is None


def test_password_goes_with_the_absolute_form(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    with ProxyServer(user="ann:secret") as proxy:
        url = proxy.url.replace("//", "//ann:secret@")
        (answer,) = ask(make_app(ROUTES, proxy_url=url))
    assert answer.status == 200


def test_proxy_that_refuses_the_absolute_form_is_a_failure_of_ours(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    with ProxyServer(user="ann:secret") as proxy:
        (answer,) = ask(make_app(ROUTES, proxy_url=proxy.url))
    assert (answer.status, len(proxy.asked)) == (502, 1)
    assert "Lambda replied 407: " in caplog.text


def test_no_proxy_there(tls_server: LambdaServer, caplog: pytest.LogCaptureFixture) -> None:
    with ProxyServer() as gone:
        url = gone.url
    (answer,) = ask(over_tls(tls_server, proxy_url=url))
    assert answer.status == 502
    assert f"connection refused at 127.0.0.1:{tls_server.port} through proxy_url" in caplog.text


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 407 Who are you?\r\n\r\n",
        b"HTTP/1.1 200 Connected\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 Connected\r\nno colon\r\n\r\n",
        b"SSH-2.0-x\r\n",
    ],
    ids=["refused", "more than the head", "malformed", "no HTTP"],
)
def test_proxy_that_opens_no_tunnel(
    reply: bytes, tls_server: LambdaServer, caplog: pytest.LogCaptureFixture
) -> None:
    with ProxyServer(reply=reply) as proxy:
        (answer,) = ask(over_tls(tls_server, proxy_url=proxy.url))
    assert (answer.status, tls_server.connections) == (502, 0)
    assert "connection failed" in caplog.text


@pytest.mark.parametrize(
    ("reply", "pace"),
    [(b"", 0.0), (b"HTTP/1.1 200 Connected\r\nX-Padding: aaaaaaaaaaaaaaaaaaaaaaaaa", 0.05)],
    ids=["silent", "dripping"],
)
def test_the_deadline_holds_for_the_tunnel(
    reply: bytes, pace: float, tls_server: LambdaServer
) -> None:
    with ProxyServer(reply=reply, pace=pace) as proxy:
        started = time.monotonic()
        (answer,) = ask(over_tls(tls_server, proxy_url=proxy.url, timeout=500))
        took = time.monotonic() - started
    assert answer.status == 504
    assert 0.5 <= took < 0.5 * 1.2 + 3.0  # the last for a busy machine


def test_dead_tunnel_is_opened_anew_for_a_get_alone(tls_server: LambdaServer) -> None:
    tls_server.script(close_after(echo()), echo(), close_after(echo()))
    with ProxyServer() as proxy, serving(over_tls(tls_server, proxy_url=proxy.url)) as web:
        assert [web.send("GET").status, web.send("GET").status] == [200, 200]
    assert (len(tls_server.invocations), len(proxy.asked)) == (2, 2)


def test_environment_s_proxies_are_not_used(
    lambda_server: LambdaServer, make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ProxyServer() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        (answer,) = ask(make_app(ROUTES))
    assert (answer.status, proxy.asked) == (200, [])
