"""A far end that misbehaves: for each fault the status, the time, the log, and what it was sent."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.conftest import ACCESS_KEY, SECRET_KEY, MakeApp, defaults
from tests.servers import lambda_server as far_end
from tests.servers.lambda_server import LambdaServer, Step
from tests.servers.web_server import serving
from tests.tools.promises import Tried
from wsgi_lambda import LambdaMiddleware

ROUTES = {"/f": {"function_name": "f"}}
TIMEOUT = 0.4  # seconds, of the invocations that must end by it
PATIENT = 10.0  # seconds, of all others: a handshake takes its time on a busy machine
BUSY = 3.0  # seconds, for a busy machine; every drip takes longer
LIMIT = 100_000  # bytes of an answer

OK = b"HTTP/1.1 200 OK\r\n"
BOMB = gzip.compress(bytes(10_000_000))
SECRET_PAYLOAD = b'{"card": "4111-1111-1111-1111"}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What the far end does with one request, and what must come of it.

    ``dies`` tells a connection that ends before a byte of an answer: on one
    that was kept, a GET is sent again. ``clean`` tells one that may be used again.
    """

    step: Callable[[], Step]
    status: int
    log: str = ""
    dies: bool = False
    clean: bool = False


def raw(data: bytes, *, close: bool = True) -> Callable[[], Step]:
    return lambda: far_end.raw(data, close=close)


def told(status: int, headers: dict[str, str], body: bytes = b"{}") -> Callable[[], Step]:
    return lambda: far_end.respond(status, headers, body)


FAULTS = {
    "never answers": Fault(step=far_end.hang, status=504, log="deadline passed"),
    "half a status line, then a reset": Fault(
        step=lambda: far_end.reset_after(b"HTTP/1.1 20"), status=502, log="connection lost"
    ),
    "half a header, then a reset": Fault(
        step=lambda: far_end.reset_after(OK + b"Content-Le"), status=502, log="connection lost"
    ),
    "half a header, then hangs up": Fault(
        step=raw(OK + b"Content-Le"), status=502, log="connection lost"
    ),
    "a head without its end": Fault(
        step=raw(OK + b"Content-Length: 0\r\n"), status=502, log="connection lost"
    ),
    "resets": Fault(step=far_end.reset, status=502, log="connection lost", dies=True),
    "hangs up": Fault(step=raw(b""), status=502, log="connection lost", dies=True),
    "drips a head": Fault(
        step=lambda: far_end.drip(OK * 99, 0.05), status=504, log="deadline passed"
    ),
    "drips a body": Fault(
        step=lambda: far_end.drip(OK + b"Content-Length: 999\r\n\r\n" + b"x" * 999, 0.01),
        status=504,
        log="deadline passed",
    ),
    "drips chunks": Fault(
        step=lambda: far_end.drip(
            OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 999, 0.01, chunk=6
        ),
        status=504,
        log="deadline passed",
    ),
    "says continue for ever": Fault(
        step=lambda: far_end.drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 99, 0.05, chunk=25),
        status=504,
        log="deadline passed",
    ),
    "answers without end": Fault(step=far_end.endless, status=502, log=f"exceeds {LIMIT} bytes"),
    "answers too much": Fault(
        step=told(200, {}, b"x" * (LIMIT + 1)), status=502, log=f"exceeds {LIMIT} bytes"
    ),
    "answers too much in chunks": Fault(
        step=raw(OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"8000\r\n" + b"x" * 0x8000),
        status=502,
        log="connection lost",
    ),
    "redirects for good": Fault(
        step=told(301, {"Location": "/2015-03-31/functions/g/invocations"}), status=502, clean=True
    ),
    "redirects with the body": Fault(
        step=told(307, {"Location": "http://169.254.169.254/"}), status=502, clean=True
    ),
    "sets a cookie": Fault(step=told(200, {"Set-Cookie": "a=1"}), status=200, clean=True),
    "answers a gzip bomb": Fault(
        step=told(200, {"Content-Encoding": "gzip"}, BOMB),
        status=200,
        clean=True,
    ),
    "announces more than comes": Fault(
        step=raw(OK + b"Content-Length: 9\r\n\r\nabc"), status=502, log="connection lost"
    ),
    "announces less than comes": Fault(
        step=raw(OK + b"Content-Length: 2\r\n\r\n{}" + b"x" * 20_000, close=False),
        status=200,
    ),
    "announces two lengths": Fault(
        step=raw(OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x"), status=502
    ),
    "announces no number": Fault(step=raw(OK + b"Content-Length: two\r\n\r\n{}"), status=502),
    "announces less than nothing": Fault(
        step=raw(OK + b"Content-Length: -2\r\n\r\n{}"), status=502
    ),
    "sends a bad chunk": Fault(
        step=raw(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
        status=502,
        log="connection failed",
    ),
    "cuts a chunk short": Fault(
        step=raw(OK + b"Transfer-Encoding: chunked\r\n\r\n9\r\nabc"),
        status=502,
        log="connection lost",
    ),
    "leaves the last chunk out": Fault(
        step=raw(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"),
        status=502,
        log="connection lost",
    ),
    "speaks no HTTP": Fault(step=raw(b"SSH-2.0-x\r\n"), status=502, log="connection failed"),
    "sends 200 headers": Fault(
        step=raw(OK + b"X: y\r\n" * 200 + b"\r\n"), status=502, log="connection failed"
    ),
    "sends a header of 100 kB": Fault(
        step=raw(OK + b"X: " + b"y" * 100_000 + b"\r\n\r\n"), status=502, log="connection failed"
    ),
    "ends its answer by closing": Fault(step=raw(b"HTTP/1.0 200 OK\r\n\r\n{}"), status=200),
    "continues, then answers": Fault(
        step=raw(b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\n{}"), status=200
    ),
    "throttles": Fault(
        step=told(429, {"x-amzn-ErrorType": "TooManyRequestsException"}),
        status=429,
        log="TooManyRequestsException",
        clean=True,
    ),
    "fails": Fault(
        step=told(500, {"x-amzn-ErrorType": "ServiceException"}),
        status=502,
        log="ServiceException",
        clean=True,
    ),
}


@pytest.fixture(params=["http", "https"])
def far_server(request: pytest.FixtureRequest) -> Iterator[LambdaServer]:
    credentials = {ACCESS_KEY: (SECRET_KEY, None)}
    with LambdaServer(tls=request.param == "https", credentials=credentials) as server:
        yield server
        assert server.errors == []


def make(server: LambdaServer, timeout: float, **options: Any) -> LambdaMiddleware:
    """Return the middleware alone: /f waits for ``timeout`` seconds, /patient for longer."""
    is_tls = server.ca_bundle is not None
    tls = {"disable_https": not is_tls, "tls_verify": str(server.ca_bundle) if is_tls else True}
    routes = {
        "/f": {"function_name": "f", "timeout": int(timeout * 1000)},
        "/patient": {"function_name": "f", "timeout": int(PATIENT * 1000)},
    }
    return LambdaMiddleware(None, {**defaults(server, **tls, **options), "routes": routes})


@pytest.mark.promise("once", "in time", "told apart", "secret", "kept")
@pytest.mark.parametrize("kept", [False, True], ids=["new connection", "kept connection"])
@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_fault(
    fault: Fault,
    method: str,
    kept: bool,
    far_server: LambdaServer,
    caplog: pytest.LogCaptureFixture,
    tried: Tried,
) -> None:
    timeout = TIMEOUT if fault.status == 504 else PATIENT
    app = make(far_server, timeout, max_response_size=LIMIT)
    headers = [("Content-Type", "application/json")]
    with caplog.at_level("DEBUG"), serving(app) as web:
        before = [web.send(method, "/patient").status for _ in range(kept)]
        far_server.script(fault.step())
        started = time.monotonic()
        answer = web.send(method, "/f", headers, SECRET_PAYLOAD)
        seconds = time.monotonic() - started
        is_repeated = fault.dies and kept and method == "GET"
        sent = len(before) + 1 + is_repeated
        assert far_server.wait_until(lambda: len(far_server.invocations) == sent)
        # A POST on a connection that the far end is about to close would fail.
        kept_open = int(fault.clean or is_repeated)
        assert far_server.wait_until(lambda: far_server.open_connections() == kept_open)
        after = web.send(method, "/patient")

    assert (before, after.status, after.body) == ([200] * kept, 200, b"{}")
    assert answer.status == (200 if is_repeated else fault.status)
    assert seconds < timeout * 1.2 + BUSY
    # What came before is on the first connection, what comes after on a clean one.
    connections = [invocation.connection for invocation in far_server.invocations]
    assert len(connections) == sent + 1
    assert (connections[-1] == connections[0]) == fault.clean
    assert far_server.wait_until(lambda: far_server.open_connections() == 1)
    if answer.status != 200:
        assert set(answer.json()) == {"message", "request_id"}
        lines = [r.getMessage() for r in caplog.records if r.name == "wsgi_lambda"]
        (line,) = [text for text in lines if answer.json()["request_id"] in text]
        assert fault.log in line
    for secret in (SECRET_KEY, ACCESS_KEY, SECRET_PAYLOAD.decode(), "4111-1111"):
        assert secret not in caplog.text
    tried(faults=1, invocations=sent)


@pytest.mark.promise("once", "in time", "told apart")
@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize(
    ("on_accept", "status", "log", "connections"),
    [
        pytest.param(far_end.never_read, 504, "deadline passed", 1, id="no handshake"),
        pytest.param(far_end.reset_on_hello, 502, "connection lost", 2, id="reset"),
        pytest.param(far_end.Exchange.close, 502, "connection lost", 2, id="closed"),
    ],
)
def test_handshake_that_does_not_end(
    on_accept: Step,
    status: int,
    log: str,
    connections: int,
    method: str,
    tls_server: LambdaServer,
    caplog: pytest.LogCaptureFixture,
    tried: Tried,
) -> None:
    tls_server.on_accept = on_accept
    timeout = TIMEOUT if status == 504 else PATIENT
    with serving(make(tls_server, timeout)) as web:
        started = time.monotonic()
        answer = web.send(method)
        assert time.monotonic() - started < timeout * 1.2 + BUSY
        assert answer.status == status
        assert tls_server.wait_until(lambda: tls_server.connections == connections)
        assert log in caplog.text
        tls_server.on_accept = None
        assert web.send(method, "/patient").status == 200
    assert tls_server.connections == connections + 1
    tried(faults=1, invocations=1)


@pytest.mark.promise("told apart")
def test_peer_that_speaks_no_tls(
    lambda_server: LambdaServer, make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(make_app(ROUTES, disable_https=False)) as web:
        assert web.send("POST").status == 502
    assert "TLS failed" in caplog.text
    lambda_server.errors.clear()  # it saw no HTTP either


@pytest.mark.promise("told apart")
def test_body_that_ends_with_the_connection_needs_the_alert_of_tls(
    tls_server: LambdaServer,
) -> None:
    """Without the alert, anybody on the way may have cut it (RFC 9112, 9.8)."""

    def cut(exchange: far_end.Exchange) -> None:
        exchange.send(OK + b"\r\n{}")
        exchange.cut()

    tls_server.script(far_end.raw(OK + b"\r\n{}", close=True), cut)
    with serving(make(tls_server, PATIENT)) as web:
        assert [web.send("GET").status for _ in range(2)] == [200, 502]


@pytest.mark.promise("told apart")
@pytest.mark.parametrize(
    ("response", "status"),
    [(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\n{}", 413), (b"", 502)],
    ids=["413", "none"],
)
def test_peer_that_does_not_read_the_whole_request(
    response: bytes, status: int, far_server: LambdaServer, caplog: pytest.LogCaptureFixture
) -> None:
    """A load balancer may refuse a request by its head, and close the connection."""

    def refuse(exchange: far_end.Exchange) -> None:
        if isinstance(exchange.sock, ssl.SSLSocket):
            exchange.sock.do_handshake()
        exchange.sock.recv(1000)
        exchange.send(response)
        exchange.sock.shutdown(socket.SHUT_WR)
        exchange.close()

    far_server.on_accept = refuse
    app = make(far_server, PATIENT, forward_request_body=True)
    with serving(app) as web:
        body = b'"%s"' % (b"x" * 5_000_000)
        answer = web.send("POST", "/f", [("Content-Type", "application/json")], body)
    assert answer.status == status, caplog.text
    assert ("connection lost" in caplog.text) == (status == 502)


def errors_of_invoke() -> list[tuple[int, str]]:
    """Return status and type of every error that AWS's own model of Invoke has."""
    import botocore.session

    model = botocore.session.Session().get_service_model("lambda")
    shapes = model.operation_model("Invoke").error_shapes
    return [(shape.metadata["error"]["httpStatusCode"], shape.name) for shape in shapes]


#: The statuses in docs/failures.md, by error type and else by status; any other error is a 502.
BY_TYPE = {
    "ResourceConflictException": 503,
    "SnapStartNotReadyException": 503,
    "CodeArtifactUserPendingException": 503,
    "ENINotReadyException": 503,
    "EC2ThrottledException": 503,
    "ResourceNotReadyException": 503,
    "DurableExecutionAlreadyStartedException": 409,
}
BY_STATUS = {402: 503, 408: 504, 413: 413, 429: 429, 503: 503}


@pytest.mark.promise("once", "told apart")
@pytest.mark.parametrize(("status", "kind"), errors_of_invoke())
def test_error_of_the_invoke_api(
    status: int,
    kind: str,
    lambda_server: LambdaServer,
    make_app: MakeApp,
    caplog: pytest.LogCaptureFixture,
    tried: Tried,
) -> None:
    body: dict[str, Any] = {"Type": "User", "Message": "arn:aws:lambda:us-east-1:123456789012:f"}
    lambda_server.respond(status, {"x-amzn-ErrorType": kind}, json.dumps(body).encode())
    with serving(make_app(ROUTES)) as web:
        answers = [web.send("GET") for _ in range(2)]
    expected = BY_TYPE.get(kind, BY_STATUS.get(status, 502))
    assert [answer.status for answer in answers] == [expected] * 2
    assert b"123456789012" not in answers[0].body
    assert kind in caplog.text
    assert (answers[0].header("retry-after") is not None) == (expected in (429, 503))
    # It was an answer like any other: not repeated, and the connection is clean.
    assert [i.connection for i in lambda_server.invocations] == [1, 1]
    tried(faults=2, invocations=2)
