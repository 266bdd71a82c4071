"""The stand-in for Lambda: signatures against AWS's examples, and every scripted fault."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from requests_aws4auth import AWS4Auth

from tests.servers import lambda_server as far_end
from tests.servers import sigv4
from tests.servers.lambda_server import LambdaServer
from tests.servers.received_request import Invocation
from tests.servers.sigv4 import Scope

KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TEMPORARY, TOKEN = "ASIAEXAMPLE", "token/with+signs=="
CREDENTIALS = {KEY: (SECRET, None), TEMPORARY: (SECRET, TOKEN)}
PATH = "/2015-03-31/functions/f/invocations"
BUSY = 3.0  # seconds, for a busy machine
REQUEST = f"POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{{}}".encode()


@pytest.fixture
def server() -> Iterator[LambdaServer]:
    with LambdaServer(credentials=CREDENTIALS) as running:
        yield running


@pytest.fixture
def lenient() -> Iterator[LambdaServer]:
    with LambdaServer(verify=False) as running:
        yield running


@pytest.fixture
def peer(lenient: LambdaServer) -> Iterator[socket.socket]:
    with connect(lenient) as sock:
        yield sock


def connect(server: LambdaServer) -> socket.socket:
    return socket.create_connection((server.host, server.port), timeout=5)


def read_all(sock: socket.socket) -> bytes:
    return b"".join(iter(lambda: sock.recv(65536), b""))


def receive_from(server: LambdaServer) -> bytes:
    with connect(server) as sock:
        return sock.recv(1)


def read_exactly(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += sock.recv(size - len(data))
    return data


def read_response(sock: socket.socket) -> tuple[http.client.HTTPResponse, bytes]:
    response = http.client.HTTPResponse(sock)
    try:
        response.begin()
        return response, response.read()
    finally:
        response.close()


# Values from AWS's documentation and its aws4_testsuite.


@pytest.mark.parametrize(
    ("date", "key"),
    [
        ("20120215", "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d"),
        ("20150830", "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"),
    ],
)
def test_signing_key_matches_the_documentation(date: str, key: str) -> None:
    scope = Scope(date=date, region="us-east-1", service="iam")
    assert sigv4.signing_key(SECRET, scope).hex() == key


FORM = ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")


@pytest.mark.parametrize(
    ("target", "service", "host", "headers", "signature"),
    [
        pytest.param(
            "/",
            "service",
            "example.amazonaws.com",
            [],
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            id="get-vanilla",
        ),
        pytest.param(
            "/?Param2=value2&Param1=value1",
            "service",
            "example.amazonaws.com",
            [],
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            id="get-vanilla-query-order-key-case",
        ),
        pytest.param(
            "/?Action=ListUsers&Version=2010-05-08",
            "iam",
            "iam.amazonaws.com",
            [FORM],
            "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
            id="iam-list-users",
        ),
    ],
)
def test_signature_matches_the_documentation(
    target: str, service: str, host: str, headers: list[tuple[str, str]], signature: str
) -> None:
    timestamp = "20150830T123600Z"
    lines = (("Host", host), ("X-Amz-Date", timestamp), *headers)
    request = Invocation(method="GET", target=target, headers=lines)
    canonical = sigv4.canonical_request(
        request, ";".join(sorted(name.lower() for name, _ in lines))
    )
    scope = Scope(date="20150830", region="us-east-1", service=service)
    assert sigv4.signature(SECRET, scope, timestamp, canonical) == signature


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/f%3Aprod/x?Qualifier=%24LATEST", "/f%253Aprod/x", "Qualifier=%24LATEST"),
        ("/a//b/../c/./?b=2&a=%20x&a&b=1%2F", "/a/c/", "a=&a=%20x&b=1%2F&b=2"),
        ("/", "/", ""),
    ],
)
def test_path_is_encoded_twice_and_query_sorted(target: str, path: str, query: str) -> None:
    request = Invocation(method="POST", target=target, headers=(("Host", "  a   b "),))
    lines = sigv4.canonical_request(request, "host").split("\n")
    assert lines[:4] == ["POST", path, query, "host:a b"]


# Signatures of other implementations.

TARGETS = [
    PATH,
    PATH + "?Qualifier=%24LATEST",
    PATH.replace("/f/", "/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Af%3Aprod/"),
]


@pytest.mark.parametrize("token", [None, TOKEN])
@pytest.mark.parametrize("target", TARGETS)
def test_signature_of_aws4auth_is_accepted(
    target: str, token: str | None, server: LambdaServer
) -> None:
    auth = AWS4Auth(TEMPORARY if token else KEY, SECRET, "us-east-1", "lambda", session_token=token)
    url = f"http://{server.host}:{server.port}{target}"
    with requests.post(url, data=b'{"a":1}', auth=auth, timeout=5) as response:
        assert response.status_code == 200, server.errors
    (invocation,) = server.invocations
    assert (invocation.target, invocation.event, server.errors) == (target, {"a": 1}, [])


@pytest.mark.parametrize("token", [None, TOKEN])
@pytest.mark.parametrize("target", TARGETS)
def test_signature_of_botocore_is_accepted(
    target: str, token: str | None, server: LambdaServer
) -> None:
    pytest.importorskip("botocore")
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    url = f"http://{server.host}:{server.port}{target}"
    request = AWSRequest("POST", url, data=b'{"a":1}', headers={"Content-Type": "text/x"})
    credentials = Credentials(TEMPORARY if token else KEY, SECRET, token)
    SigV4Auth(credentials, "lambda", "us-east-1").add_auth(request)
    with requests.post(
        url, data=request.body, headers=dict(request.headers), timeout=5
    ) as response:
        assert response.status_code == 200, server.errors


# Rejected requests. None removes a header after signing.


def signed(server: LambdaServer, *, minutes: int = 0, **scope: Any) -> requests.PreparedRequest:
    """Return a signed request whose date is ``minutes`` from now."""
    given = {"key": TEMPORARY, "secret": SECRET, "region": "us-east-1", "service": "lambda"}
    given |= {"token": TOKEN, **scope}
    moment = datetime.now(UTC) + timedelta(minutes=minutes)
    headers = {"X-Amz-Date": moment.strftime("%Y%m%dT%H%M%SZ")}
    url = f"http://{server.host}:{server.port}{PATH}?Qualifier=1"
    order = ("key", "secret", "region", "service")
    auth = AWS4Auth(*(given[name] for name in order), session_token=given["token"])
    return requests.Request("POST", url, headers, data=b"{}", auth=auth).prepare()


INVALID, UNKNOWN = "InvalidSignatureException", "UnrecognizedClientException"
INCOMPLETE = "IncompleteSignatureException"


@pytest.mark.parametrize(
    ("scope", "change", "error_type", "message"),
    [
        ({}, {"authorization": None}, "MissingAuthenticationTokenException", "Missing"),
        ({}, {"authorization": "AWS4-HMAC-SHA256 x"}, INCOMPLETE, "Not of Version 4"),
        ({}, {"x-amz-date": None}, INCOMPLETE, "X-Amz-Date"),
        ({"key": "AKIDOTHER", "token": None}, {}, UNKNOWN, "security token"),
        ({"token": None}, {}, UNKNOWN, "security token"),
        ({"token": "other"}, {}, UNKNOWN, "security token"),
        ({"key": KEY}, {}, UNKNOWN, "security token"),
        ({"token": None}, {"x-amz-security-token": TOKEN}, INVALID, "'x-amz-security-token' must"),
        ({"secret": "other"}, {}, INVALID, "does not match the signature"),
        ({"region": "eu-west-1"}, {}, INVALID, "valid region"),
        ({"service": "s3"}, {}, INVALID, "correct service"),
        # A number of minutes, not a date: tests run minutes after they are collected.
        ({"minutes": -9}, {}, INVALID, "Signature expired"),
        ({"minutes": 9}, {}, INVALID, "Signature not yet current"),
        ({}, {"x-amz-date": "20150830T123600Z"}, INVALID, "Date in Credential scope"),
        ({}, {"x-amz-content-sha256": "0" * 64}, INVALID, "'x-amz-content-sha256' header"),
        ({}, {"x-amz-content-sha256": None}, INVALID, "Signed, but not sent"),
        ({}, {"host": "elsewhere"}, INVALID, "does not match the signature"),
        ({}, {"path": PATH.replace("/f/", "/g/")}, INVALID, "does not match the signature"),
        ({}, {"path": PATH + "?Qualifier=2"}, INVALID, "does not match the signature"),
        ({}, {"method": "PUT"}, INVALID, "does not match the signature"),
        ({}, {"body": b"[]"}, INVALID, "'x-amz-content-sha256' header"),
    ],
)
def test_request_with_an_invalid_signature_is_rejected(
    scope: dict[str, Any],
    change: dict[str, Any],
    error_type: str,
    message: str,
    server: LambdaServer,
) -> None:
    request = signed(server, **scope)
    request.method = change.pop("method", request.method)
    request.body = change.pop("body", request.body)
    if path := change.pop("path", None):
        request.url = f"http://{server.host}:{server.port}{path}"
    for name, value in change.items():
        request.headers.pop(name, None)
        request.headers.update({name: value} if value else {})
    server.script(far_end.respond(200, {}, b"scripted"))
    with requests.Session() as session, session.send(request, timeout=5) as response:
        assert (response.status_code, response.reason) == (403, "Forbidden")
        assert response.headers["x-amzn-ErrorType"] == error_type
        assert message in response.json()["message"]
    assert (len(server.errors), server.invocations) == (1, [])
    with requests.Session() as session, session.send(signed(server), timeout=5) as response:
        assert response.content == b"scripted"


# Bytes on the wire.


def test_response_has_lambda_s_headers_unless_overridden(
    lenient: LambdaServer, peer: socket.socket
) -> None:
    own = [("content-type", "text/x"), ("x-amzn-requestid", "r-1"), ("X", "1"), ("X", "2")]
    lenient.script(far_end.respond(200, {}, b"[]"), far_end.respond(500, own, b"no", reason="No"))
    lenient.respond(204)
    responses = []
    for _ in range(3):
        peer.sendall(REQUEST)
        responses.append(read_response(peer))
    (first, body), (second, _), (third, _) = responses
    assert (first.status, first.reason, body) == (200, "OK", b"[]")
    assert first.getheader("Content-Type") == "application/json"
    assert len(first.getheader("X-Amzn-RequestId") or "") == 36
    assert (second.reason, second.getheaders()) == ("No", [*own, ("Content-Length", "2")])
    assert (third.status, third.getheader("Content-Length")) == (204, None)
    assert (lenient.connections, lenient.open_connections()) == (1, 1)


def test_chunked_and_pipelined_requests(lenient: LambdaServer, peer: socket.socket) -> None:
    head = f"POST {PATH} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    lenient.script(far_end.echo())
    peer.sendall(head + b'3;x=y\r\n{"a\r\n5\r\n": 1}\r\n0\r\nT: t\r\n\r\n' + REQUEST)
    assert read_response(peer)[1] == b'{"a": 1}'
    assert lenient.wait_until(lambda: len(lenient.invocations) == 2)
    assert [(i.path, i.connection) for i in lenient.invocations] == [(PATH, 1), (PATH, 1)]
    assert [i.event for i in lenient.invocations] == [{"a": 1}, {}]
    assert lenient.invocations[0].header("transfer-ENCODING") == "chunked"


@pytest.mark.parametrize(
    "request_bytes",
    [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nno header\r\n\r\n"]
    + [b"GET / HTTP/1.1\r\nContent-Length: " + length + b"\r\n\r\n" for length in (b"x", b"-1")],
)
def test_malformed_request_is_rejected(
    request_bytes: bytes, lenient: LambdaServer, peer: socket.socket
) -> None:
    peer.sendall(request_bytes)
    assert read_all(peer).startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert (len(lenient.errors), lenient.invocations) == (1, [])


def test_truncated_request_is_ignored(lenient: LambdaServer, peer: socket.socket) -> None:
    peer.sendall(REQUEST[:-1])
    peer.shutdown(socket.SHUT_WR)
    assert read_all(peer) == b""
    assert lenient.wait_until(lambda: lenient.open_connections() == 0)
    assert (lenient.connections, lenient.invocations, lenient.errors) == (1, [], [])


def test_raw_sends_exactly_its_bytes(lenient: LambdaServer, peer: socket.socket) -> None:
    lenient.script(far_end.raw(b"any"), far_end.raw(b"thing", close=True))
    peer.sendall(REQUEST * 2)
    assert read_all(peer) == b"anything"


def test_drip_waits_between_chunks(lenient: LambdaServer, peer: socket.socket) -> None:
    lenient.script(far_end.close_after(far_end.drip(b"abcdef", 0.03, chunk=2)))
    start = time.monotonic()
    peer.sendall(REQUEST)
    assert read_all(peer) == b"abcdef"
    assert 0.05 < time.monotonic() - start < BUSY


@pytest.mark.parametrize(
    "step", [far_end.hang(), far_end.drip(b"x" * 9, 60), far_end.endless({"A": "b"})]
)
def test_step_ends_when_the_peer_closes(
    step: far_end.Step, lenient: LambdaServer, peer: socket.socket
) -> None:
    lenient.script(step)
    peer.sendall(REQUEST)
    assert lenient.wait_until(lambda: len(lenient.invocations) == 1)
    assert lenient.open_connections() == 1
    peer.close()
    assert lenient.wait_until(lambda: lenient.open_connections() == 0)


def test_endless_counts_the_bytes_it_sent(lenient: LambdaServer, peer: socket.socket) -> None:
    lenient.script(far_end.endless([("A", "b")]))
    peer.sendall(REQUEST)
    head = b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n"
    assert read_exactly(peer, len(head)) == head
    assert set(read_exactly(peer, 1_000_000)) == {ord("x")}
    peer.close()
    assert lenient.wait_until(lambda: lenient.open_connections() == 0)
    assert lenient.exchanges[0].sent >= 1_000_000


@pytest.mark.parametrize(
    ("step", "received"), [(far_end.reset(), b""), (far_end.reset_after(b"HTTP/1"), b"HTTP/1")]
)
def test_reset_sends_an_rst(
    step: far_end.Step, received: bytes, lenient: LambdaServer, peer: socket.socket
) -> None:
    lenient.script(step)
    peer.sendall(REQUEST)
    assert read_exactly(peer, len(received)) == received
    with pytest.raises(ConnectionResetError):
        peer.recv(1)
    assert len(lenient.invocations) == 1


def test_close_after_closes_without_a_connection_header(
    lenient: LambdaServer, peer: socket.socket
) -> None:
    lenient.script(far_end.close_after(far_end.respond(200, {}, b"1")))
    peer.sendall(REQUEST)
    assert lenient.wait_until(lambda: lenient.connections == 1 and not lenient.open_connections())
    response, body = read_response(peer)
    assert (response.getheader("Connection"), body, peer.recv(1)) == (None, b"1", b"")


def test_connection_close_closes_the_connection(lenient: LambdaServer, peer: socket.socket) -> None:
    lenient.respond(200, {"Connection": "close"})
    peer.sendall(REQUEST)
    assert b"\r\nConnection: close\r\n" in read_all(peer)


def test_wait_for_waits(lenient: LambdaServer, peer: socket.socket) -> None:
    event = threading.Event()
    lenient.script(far_end.wait_for(event, far_end.echo()))
    peer.sendall(REQUEST)
    assert lenient.wait_until(lambda: len(lenient.invocations) == 1)
    assert lenient.exchanges[0].sent == 0
    event.set()
    assert read_response(peer)[1] == b"{}"


def test_faults_at_accept_time(lenient: LambdaServer) -> None:
    lenient.on_accept = far_end.reset_on_accept
    with pytest.raises(ConnectionResetError):  # may come from connect, on a busy machine
        receive_from(lenient)
    lenient.on_accept = far_end.never_read
    with connect(lenient) as sock:
        sock.settimeout(0.1)
        with pytest.raises(TimeoutError):
            sock.sendall(b"x" * 50_000_000)
        assert lenient.wait_until(lambda: lenient.connections == 2)
    assert lenient.invocations == []


def test_wait_until_returns_false_after_its_timeout(lenient: LambdaServer) -> None:
    assert lenient.wait_until(lambda: False, timeout=0.01) is False


@pytest.mark.parametrize(
    "step",
    [
        lambda: far_end.hang(),
        lambda: far_end.drip(b"x" * 99, 60),
        lambda: far_end.endless(),
        lambda: far_end.wait_for(threading.Event(), far_end.echo()),
        lambda: far_end.echo(),
    ],
    ids=["hang", "drip", "endless", "wait_for", "idle"],
)
@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_exit_is_quick_and_closes_everything(step: Callable[[], far_end.Step], tls: bool) -> None:
    threads = threading.active_count()
    with LambdaServer(tls=tls, verify=False) as server:
        server.script(step())
        with connect(server) as plain, connect(server) as idle:
            sock = (
                trusting(server).wrap_socket(plain, server_hostname="localhost") if tls else plain
            )
            with sock:
                sock.sendall(REQUEST)
                assert server.wait_until(lambda: len(server.invocations) == 1)
                assert server.wait_until(lambda: server.open_connections() == 2)
                start = time.monotonic()
                server.__exit__()
                assert time.monotonic() - start < BUSY
            assert idle.recv(1) == b""
            assert (server.open_connections(), threading.active_count()) == (0, threads)


def trusting(server: LambdaServer) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(server.ca_bundle))
    context.verify_flags |= ssl.VERIFY_X509_STRICT  # the default since Python 3.13
    return context


def test_tls_certificate_is_trusted_only_with_its_bundle() -> None:
    with LambdaServer(tls=True, credentials=CREDENTIALS) as server:
        auth = AWS4Auth(KEY, SECRET, "us-east-1", "lambda")
        for host in ("127.0.0.1", "localhost"):
            url = f"https://{host}:{server.port}{PATH}"
            bundle = str(server.ca_bundle)
            with requests.post(url, data=b"{}", auth=auth, verify=bundle, timeout=5) as response:
                assert response.json() == {}
        with pytest.raises(requests.exceptions.SSLError):
            requests.post(url, data=b"{}", auth=auth, timeout=5)
        assert (len(server.invocations), server.errors) == (2, [])


def test_error_contains_the_canonical_request(server: LambdaServer) -> None:
    with requests.Session() as session:
        session.send(signed(server, secret="other"), timeout=5).close()
    assert f"POST\n{PATH}\nQualifier=1\n" in server.errors[0]
    assert json.dumps(SECRET) not in server.errors[0]
