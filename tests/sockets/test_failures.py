"""Connections and answers that fail: the status of each, told apart in the log, in time."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

import certifi
import pytest

from tests.conftest import MakeApp, defaults, invokers, parts
from tests.servers import lambda_server as far_end
from tests.servers.lambda_server import LambdaServer
from tests.servers.web_server import ClientResponse, serving
from wsgi_lambda import LambdaMiddleware

ROUTES = {"/f": {"function_name": "f"}}
BUSY = 3.0  # seconds, for a busy machine; every drip takes longer


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def answer_of(app: LambdaMiddleware, method: str = "POST") -> tuple[ClientResponse, float]:
    """Return the answer to one request, and the seconds that it took."""
    with serving(app) as web:
        start = time.monotonic()
        answer = web.send(method)
        return answer, time.monotonic() - start


@pytest.mark.promise("in time")
@pytest.mark.parametrize(
    "step",
    [
        pytest.param(lambda: far_end.hang(), id="never answers"),
        pytest.param(lambda: far_end.drip(b"HTTP/1.1 200 OK\r\n" * 99, 0.05), id="drips a head"),
        pytest.param(
            lambda: far_end.drip(
                b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + b"x" * 9000, 0.02, chunk=40
            ),
            id="drips a body",
        ),
        pytest.param(
            lambda: far_end.drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 999, 0.05, chunk=25),
            id="says continue for ever",
        ),
    ],
)
def test_deadline_is_total(
    step: Callable[[], far_end.Step],
    lambda_server: LambdaServer,
    make_app: MakeApp,
    caplog: pytest.LogCaptureFixture,
) -> None:
    lambda_server.script(step())
    answer, seconds = answer_of(make_app(ROUTES, timeout=500))
    assert (answer.status, set(answer.json())) == (504, {"message", "request_id"})
    assert 0.45 <= seconds <= 0.5 * 1.2 + BUSY
    assert lambda_server.wait_until(
        lambda: len(lambda_server.invocations) == 1 and lambda_server.open_connections() == 0
    )
    assert "deadline passed" in caplog.text


@pytest.mark.promise("in time")
def test_deadline_holds_while_the_peer_does_not_read(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    lambda_server.on_accept = far_end.never_read
    app = make_app({"/f": {"function_name": "f", "forward_request_body": True}}, timeout=500)
    body = b"x" * 6_000_000
    with serving(app) as web:
        start = time.monotonic()
        answer = web.send("POST", "/f", [("Content-Type", "text/plain")], body)
    assert answer.status == 504
    assert time.monotonic() - start < 0.5 * 1.2 + BUSY


@pytest.mark.promise("told apart")
def test_connection_refused(make_app: MakeApp, caplog: pytest.LogCaptureFixture) -> None:
    answer, _ = answer_of(make_app(ROUTES, port=free_port()))
    assert (answer.status, set(answer.json())) == (502, {"message", "request_id"})
    assert "connection refused" in caplog.text


@pytest.mark.promise("told apart")
def test_host_without_an_address(make_app: MakeApp, caplog: pytest.LogCaptureFixture) -> None:
    answer, _ = answer_of(make_app(ROUTES, host="no-such-host.invalid"))
    assert answer.status == 502
    assert "name not resolved" in caplog.text


@pytest.mark.promise("verified")
def test_untrusted_certificate_is_refused(
    tls_server: LambdaServer, caplog: pytest.LogCaptureFixture
) -> None:
    config = {**defaults(tls_server, disable_https=False), "routes": ROUTES}
    answer, _ = answer_of(LambdaMiddleware(None, config))
    assert (answer.status, tls_server.invocations) == (502, [])
    assert "TLS failed" in caplog.text


@pytest.mark.promise("verified")
def test_certificate_for_another_host_is_refused(
    tls_server: LambdaServer, caplog: pytest.LogCaptureFixture
) -> None:
    config = {
        **defaults(tls_server, disable_https=False, tls_verify=str(tls_server.ca_bundle)),
        "host": "127.1",  # the same address, by a name that is not in the certificate
        "routes": ROUTES,
    }
    answer, _ = answer_of(LambdaMiddleware(None, config))
    assert (answer.status, tls_server.invocations) == (502, [])
    assert "TLS failed" in caplog.text


@pytest.mark.promise("verified")
@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
@pytest.mark.parametrize("verify", ["bundle", False])
def test_certificate_that_is_trusted(verify: Any, tls_server: LambdaServer) -> None:
    trusted = str(tls_server.ca_bundle) if verify else False
    config = {**defaults(tls_server, disable_https=False, tls_verify=trusted), "routes": ROUTES}
    answer, _ = answer_of(LambdaMiddleware(None, config))
    assert (answer.status, len(tls_server.invocations)) == (200, 1)


@pytest.mark.promise("verified")
def test_environment_cannot_change_where_or_how_we_connect(
    tls_server: LambdaServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login evil password evil")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    bundle = str(tls_server.ca_bundle)
    config = {**defaults(tls_server, disable_https=False, tls_verify=bundle), "routes": ROUTES}
    answer, _ = answer_of(LambdaMiddleware(None, config))
    assert answer.status == 200
    # And nothing in it makes the untrusted trusted.
    monkeypatch.setenv("CURL_CA_BUNDLE", bundle)
    answer, _ = answer_of(LambdaMiddleware(None, {**config, "tls_verify": True}))
    assert answer.status == 502


#: Variables, `tls_verify`, and the status; ``{own}`` is the bundle of the far end, ``{other}``
#: another one.
BUNDLES = {
    "AWS_CA_BUNDLE": ({"AWS_CA_BUNDLE": "{own}"}, True, 200),
    "REQUESTS_CA_BUNDLE": ({"REQUESTS_CA_BUNDLE": "{own}"}, True, 200),
    "AWS_CA_BUNDLE-first": (
        {"AWS_CA_BUNDLE": "{own}", "REQUESTS_CA_BUNDLE": "{other}"},
        True,
        200,
    ),
    "empty-is-absent": ({"AWS_CA_BUNDLE": "", "REQUESTS_CA_BUNDLE": "{own}"}, True, 200),
    "without-the-far-end-s": ({"AWS_CA_BUNDLE": "{other}"}, True, 502),
    "path-wins": ({"AWS_CA_BUNDLE": "/nowhere"}, "{own}", 200),
    "path-wins-over-a-right-one": ({"AWS_CA_BUNDLE": "{own}"}, "{other}", 502),
    "false-stays-false": ({"AWS_CA_BUNDLE": "/nowhere"}, False, 200),
}


@pytest.mark.promise("verified")
@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
@pytest.mark.parametrize(("environ", "verify", "status"), BUNDLES.values(), ids=BUNDLES)
def test_ca_bundle_is_the_option_s_or_the_environment_s(
    environ: dict[str, str],
    verify: Any,
    status: int,
    tls_server: LambdaServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def filled(text: str) -> str:
        return text.format(own=tls_server.ca_bundle, other=certifi.where())

    for name, value in environ.items():
        monkeypatch.setenv(name, filled(value))
    verify = filled(verify) if isinstance(verify, str) else verify
    config = {**defaults(tls_server, disable_https=False, tls_verify=verify), "routes": ROUTES}
    answer, _ = answer_of(LambdaMiddleware(None, config))
    assert answer.status == status


@pytest.mark.promise("verified")
@pytest.mark.parametrize("by_option", [True, False], ids=["option", "variable"])
def test_ca_bundle_is_read_once_at_construction(
    by_option: bool, tls_server: LambdaServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    bundle = tmp_path / "ca.pem"
    comment = "# Zürich\n".encode()
    bundle.write_bytes(comment + tls_server.ca_bundle.read_bytes())
    if not by_option:
        monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
    verify = str(bundle) if by_option else True
    config = {**defaults(tls_server, disable_https=False, tls_verify=verify), "routes": ROUTES}
    app = LambdaMiddleware(None, config)
    bundle.unlink()
    monkeypatch.setenv("AWS_CA_BUNDLE", "/nowhere")
    answer, _ = answer_of(app)
    assert answer.status == 200


@pytest.mark.promise("once", "told apart")
@pytest.mark.parametrize(
    ("step", "log"),
    [
        (lambda: far_end.reset(), "connection lost"),
        (lambda: far_end.reset_after(b"HTTP/1.1 20"), "connection lost"),
        (lambda: far_end.raw(b"", close=True), "connection lost"),
        (lambda: far_end.raw(b"nonsense\r\n\r\n", close=True), "connection failed"),
        (
            lambda: far_end.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", close=True),
            "connection lost",
        ),
        (
            lambda: far_end.raw(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", close=True
            ),
            "connection failed",
        ),
        (
            lambda: far_end.raw(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", close=True),
            "connection failed",
        ),
    ],
    ids=[
        "reset",
        "reset in the status line",
        "closed without an answer",
        "no HTTP",
        "body cut short",
        "bad chunk",
        "too many headers",
    ],
)
def test_broken_answer_is_502_and_never_asked_for_again(
    step: Callable[[], far_end.Step],
    log: str,
    lambda_server: LambdaServer,
    make_app: MakeApp,
    caplog: pytest.LogCaptureFixture,
) -> None:
    lambda_server.script(step())
    with serving(make_app(ROUTES)) as web:
        answer = web.send("GET")
        assert web.send("GET").status == 200
    assert (answer.status, set(answer.json())) == (502, {"message", "request_id"})
    assert len(lambda_server.invocations) == 2
    assert log in caplog.text
    assert answer.json()["request_id"] in caplog.text


@pytest.mark.promise("told apart")
def test_failure_s_log_line_says_where(
    lambda_server: LambdaServer, make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    body = b'{"message": "User arn:aws:iam::123456789012:user/web is not authorized"}'
    error = [("x-amzn-ErrorType", "AccessDeniedException"), ("x-amzn-RequestId", "r-7")]
    lambda_server.script(far_end.respond(403, error, body))
    answer, _ = answer_of(make_app(ROUTES))
    assert answer.json() == {"message": "The function could not be invoked", "request_id": "r-7"}
    line = caplog.text
    for part in ("AccessDeniedException", "user/web", "us-east-1", lambda_server.host, "r-7"):
        assert part in line


@pytest.mark.promise("told apart")
@pytest.mark.parametrize(
    ("options", "target", "limit"),
    [
        ({"max_payload_size": 50}, "/f", "max_payload_size is 50"),
        ({"max_payload_size": 50, "forward_request_body": True}, "/f", "max_payload_size is 50"),
        ({"max_arguments": 1}, "/f?a&b", "max_arguments is 1"),
    ],
    ids=["event", "body", "arguments"],
)
def test_413_names_the_limit_in_the_log(
    options: dict[str, Any],
    target: str,
    limit: str,
    lambda_server: LambdaServer,
    make_app: MakeApp,
    caplog: pytest.LogCaptureFixture,
) -> None:
    form = [("Content-Type", "application/x-www-form-urlencoded")]
    with serving(make_app(ROUTES, **options)) as web:
        answer = web.send("POST", target, form, b"a=" + b"x" * 60)
    assert (answer.status, lambda_server.invocations) == (413, [])
    assert limit in caplog.text


@pytest.mark.promise("verified")
def test_redirect_is_not_followed_and_no_cookie_kept(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    away = f"http://127.0.0.1:{lambda_server.port}/2015-03-31/functions/other/invocations"
    cookie = {"Location": away, "Set-Cookie": "a=1; Path=/"}
    lambda_server.script(far_end.respond(307, cookie), far_end.respond(200, cookie))
    app = make_app(ROUTES)
    with serving(app) as web:
        assert [web.send("POST").status for _ in range(3)] == [502, 200, 200]
    assert [i.path.split("/")[3] for i in lambda_server.invocations] == ["f", "f", "f"]
    assert [i.header("cookie") for i in lambda_server.invocations] == [None, None, None]
    assert [list(parts(each).client.session().cookies) for each in invokers(app)] == [[]]


@pytest.mark.promise("verified")
def test_long_redirect_is_read_no_further_than_any_answer(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    head = b"HTTP/1.1 301 Moved\r\nLocation: /x\r\nContent-Length: 99999999\r\n\r\n"

    def without_end(exchange: far_end.Exchange) -> None:
        exchange.send(head + b"x" * 20_000)
        far_end.hang()(exchange)

    lambda_server.script(without_end)
    answer, _ = answer_of(make_app(ROUTES, timeout=3000, max_response_size=10_000))
    assert answer.status == 502
