"""The head of a streamed response: where it comes from, what is rejected, what is passed on."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from tests.conftest import MakeApp
from tests.servers import lambda_server as far_end
from tests.servers.event_stream import (
    EVENT_STREAM,
    NULS,
    WITH_HEAD,
    chunk,
    complete,
    exception,
    hang,
    stream,
    with_head,
)
from tests.servers.lambda_server import LambdaServer, Step
from tests.servers.streamed import Streamed
from wsgi_lambda import LambdaMiddleware

END = complete()
HEAD = {"statusCode": 201, "headers": {"X-Kind": "tea"}}


def app_of(make_app: MakeApp, **options: Any) -> LambdaMiddleware:
    return make_app({"/f": {"function_name": "f", "invoke_mode": "RESPONSE_STREAM", **options}})


def sent(body: bytes, content_type: str = EVENT_STREAM, *, size: int = 100_000) -> Step:
    """Send ``body`` in frames of ``size`` bytes."""
    frames = [chunk(body[at : at + size]) for at in range(0, len(body), size)]
    return stream(*frames, END, content_type=content_type)


BEGINS = {
    "head, type with a head": (WITH_HEAD, {}, with_head(HEAD, b"body"), 201, b"body"),
    "head, type in capitals with parameters": (
        f"{WITH_HEAD.title()}; v=1",
        {},
        with_head(HEAD, b"body"),
        201,
        b"body",
    ),
    "head, proxy integration": (
        "text/plain",
        {"is_proxy_integration": True},
        with_head(HEAD, b"body"),
        201,
        b"body",
    ),
    "head found, type of the envelope": (EVENT_STREAM, {}, with_head(HEAD, b"body"), 201, b"body"),
    "head found, no type": ("", {}, with_head(HEAD, b"body"), 201, b"body"),
    "head alone": (EVENT_STREAM, {}, with_head(HEAD), 201, b""),
    "head without fields": (EVENT_STREAM, {}, with_head({}, b"{}"), 200, b"{}"),
    "head of nulls": (
        WITH_HEAD,
        {},
        with_head({"statusCode": None, "headers": None, "cookies": None}, b"x"),
        200,
        b"x",
    ),
    "head with unknown keys": (WITH_HEAD, {}, with_head({"x": 1, "body": "no"}, b"x"), 200, b"x"),
    "body of text": (EVENT_STREAM, {}, b"data: tea\n\n", 200, b"data: tea\n\n"),
    "body of JSON": (EVENT_STREAM, {}, b'{"a": 1}', 200, b'{"a": 1}'),
    "body of JSON lines": (EVENT_STREAM, {}, b'{"a": 1}\n{"a": 2}\n', 200, b'{"a": 1}\n{"a": 2}\n'),
    "body of another type that looks like a head": (
        "application/x-ndjson",
        {},
        with_head(HEAD, b"body"),
        200,
        with_head(HEAD, b"body"),
    ),
    "body of 16 KiB that begins like an object": (
        EVENT_STREAM,
        {},
        b"{" + b"x" * 20_000,
        200,
        b"{" + b"x" * 20_000,
    ),
    "no body": (EVENT_STREAM, {}, b"", 200, b""),
    "no body, another type": ("text/plain", {}, b"", 200, b""),
    "whole result, proxy integration": (
        EVENT_STREAM,
        {"is_proxy_integration": True},
        json.dumps({"statusCode": 203, "body": "dGVh", "isBase64Encoded": True}).encode(),
        203,
        b"tea",
    ),
    "whole result of 20 KiB, proxy integration": (
        EVENT_STREAM,
        {"is_proxy_integration": True},
        json.dumps({"statusCode": 200, "body": "x" * 20_000}).encode(),
        200,
        b"x" * 20_000,
    ),
    "inferred result, payload 2.0": (
        EVENT_STREAM,
        {
            "is_proxy_integration": True,
            "awsgateway_compatible": True,
            "awsgateway_compatible_payload_version": "2.0",
        },
        b' {"a": 1}',
        200,
        b' {"a": 1}',
    ),
}


@pytest.mark.parametrize("size", [7, 100_000])
@pytest.mark.parametrize(
    ("content_type", "options", "body", "status", "expected"), BEGINS.values(), ids=BEGINS
)
def test_head_and_body(
    content_type: str,
    options: dict[str, Any],
    body: bytes,
    status: int,
    expected: bytes,
    size: int,
    lambda_server: LambdaServer,
    make_app: MakeApp,
) -> None:
    lambda_server.script(sent(body, content_type, size=size))
    with Streamed(app_of(make_app, **options)) as response:
        assert (response.status, response.rest()) == (status, expected)
        assert response.header("x-kind") == ("tea" if status == 201 else None)
        assert response.header("x-amzn-requestid") == "r-1"


@pytest.mark.parametrize(
    ("first", "options"),
    [
        (b"d", {}),
        (b"{}x", {}),
        (b"{}" + NULS[:7] + b"x", {}),
        (b"{" + b"x" * 16_383, {}),
        (with_head(HEAD), {"is_proxy_integration": True}),
    ],
    ids=["another byte", "something behind the object", "seven NULs", "16 KiB", "a head"],
)
def test_response_begins_as_soon_as_the_head_is_known(
    first: bytes, options: dict[str, Any], lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    lambda_server.script(stream(chunk(first), hang))
    with Streamed(app_of(make_app, **options)) as response:
        assert response.status in (200, 201)
        assert next(response) == b""


MISSING = "The function's stream head is missing"
REJECTED: dict[str, tuple[str, dict[str, Any], bytes, str]] = {
    "no head": (WITH_HEAD, {}, b"data: tea\n\n", MISSING),
    "no head in proxy integration": (
        EVENT_STREAM,
        {"is_proxy_integration": True},
        b"data: tea",
        MISSING,
    ),
    "a list in proxy integration": (EVENT_STREAM, {"is_proxy_integration": True}, b"[1]", MISSING),
    "nothing": (WITH_HEAD, {}, b"", MISSING),
    "nothing in proxy integration": (EVENT_STREAM, {"is_proxy_integration": True}, b"", MISSING),
    "an object without NULs": (WITH_HEAD, {}, b"{}", MISSING),
    "NULs behind 16 KiB": (WITH_HEAD, {}, b"{" + b" " * 17_000 + b"}" + NULS, MISSING),
    "not JSON": (EVENT_STREAM, {}, b'{"a":' + NULS, "The function's stream head is not JSON"),
    "JSON with NaN": (WITH_HEAD, {}, b'{"a":NaN}' + NULS, "The function's stream head is not JSON"),
    "deeply nested": (
        WITH_HEAD,
        {},
        b'{"a":' + b"[" * 9_000 + NULS,
        "The function's stream head is not JSON",
    ),
    "two objects": (WITH_HEAD, {}, b"{} {}" + NULS, "The function's stream head is not JSON"),
    "a status of 99": (
        WITH_HEAD,
        {},
        with_head({"statusCode": 99}),
        "The function's statusCode is not from 200 to 599",
    ),
    "a header with a line break": (
        EVENT_STREAM,
        {},
        with_head({"headers": {"X": "a\r\nb: c"}}),
        "The function's headers contains a control character in the value of 'X'",
    ),
    "a header name with a space": (
        EVENT_STREAM,
        {},
        with_head({"multiValueHeaders": {"X Y": ["a"]}}),
        "The function's multiValueHeaders has a name that is not an HTTP token: 'X Y'",
    ),
    "cookies that are no list": (
        EVENT_STREAM,
        {},
        with_head({"cookies": "a=1"}),
        "The function's cookies is not a list",
    ),
    "too many headers": (
        EVENT_STREAM,
        {},
        with_head({"cookies": ["a=1"] * 1_001}),
        "The function's headers are more than 1,000 lines",
    ),
    "a malformed whole result": (
        EVENT_STREAM,
        {"is_proxy_integration": True},
        b'{"statusCode": 200, "body": 1}',
        "The function's body is not a string",
    ),
    "a whole result over the limit": (
        EVENT_STREAM,
        {"is_proxy_integration": True, "max_response_size": 20_000},
        json.dumps({"statusCode": 200, "body": "x" * 20_000}).encode(),
        "The function's response is too large",
    ),
}


@pytest.mark.promise("framing")
@pytest.mark.parametrize(
    ("content_type", "options", "body", "message"), REJECTED.values(), ids=REJECTED
)
def test_malformed_head_is_rejected(
    content_type: str,
    options: dict[str, Any],
    body: bytes,
    message: str,
    lambda_server: LambdaServer,
    make_app: MakeApp,
) -> None:
    lambda_server.script(sent(body, content_type, size=10_000), stream(END))
    app = app_of(make_app, max_concurrency=1, **options)
    with Streamed(app) as response:
        assert response.status == 502
        assert json.loads(response.rest()) == {"message": message, "request_id": "r-1"}
        assert response.header("x-kind") is None
    with Streamed(app) as again:  # the slot is free
        assert again.status != 503


def test_required_head_is_missed_at_the_first_byte(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    lambda_server.script(stream(chunk(b"x"), hang, content_type=WITH_HEAD))
    with Streamed(app_of(make_app)) as response:
        assert response.status == 502
    assert lambda_server.wait_until(lambda: lambda_server.open_connections() == 0)


# Headers.


def headers_of(response: Streamed) -> list[tuple[str, str]]:
    own = {"x-amzn-requestid", "x-amzn-trace-id"}
    return sorted((name, value) for name, value in response.headers if name.lower() not in own)


def test_headers_of_a_body_without_a_head(lambda_server: LambdaServer, make_app: MakeApp) -> None:
    lambda_server.script(
        sent(b"tea"), sent(b"a,b", "text/csv; charset=utf-8"), sent(b"", "text/plain")
    )
    app = app_of(make_app)
    found = []
    for _ in range(3):
        with Streamed(app) as response:
            response.rest()
            found.append(headers_of(response))
    assert found == [
        [("Content-Type", "application/octet-stream")],
        [("Content-Type", "text/csv; charset=utf-8")],
        [("Content-Type", "text/plain")],
    ]


def test_coding_of_a_body_without_a_head_is_passed_on_with_its_type(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    coding = {"Content-Encoding": "br"}
    step = stream(chunk(b"a,b"), END, content_type="text/csv", headers=coding)
    lambda_server.script(step)
    with Streamed(app_of(make_app)) as response:
        assert (response.rest(), headers_of(response)) == (
            b"a,b",
            [("Content-Encoding", "br"), ("Content-Type", "text/csv")],
        )


def test_whole_result_has_the_type_of_a_buffered_one(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    lambda_server.script(sent(b'{"statusCode": 200, "body": "{}"}'))
    with Streamed(app_of(make_app, is_proxy_integration=True)) as response:
        assert headers_of(response) == [
            ("Content-Length", "2"),
            ("Content-Type", "application/json"),
        ]


def test_headers_of_lambda_and_of_the_function(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    fields = {
        "statusCode": "203",
        "headers": {
            "content-type": "text/html",
            "Content-Length": "3",
            "Connection": "X-Hop",
            "X-Hop": "1",
            "Transfer-Encoding": "chunked",
            "Status": "500",
            "X-Sendfile": "/etc/passwd",
            "X-Accel-Redirect": "/etc/passwd",
            "X-Amz-Executed-Version": "mine",
            "X-Number": 7,
        },
        "multiValueHeaders": {"X-Many": ["a", "b"]},
        "cookies": ["a=1", "b=2", "a=1"],
    }
    headers = {"X-Amz-Executed-Version": "3", "Date": "today", "X-Amz-Log-Result": "bG9n"}
    headers["Content-Encoding"] = "identity"  # of the frames
    step = stream(chunk(with_head(fields, b"tea")), END, content_type=WITH_HEAD, headers=headers)
    lambda_server.script(step)
    with Streamed(app_of(make_app, expose_log_result=True)) as response:
        assert (response.status, response.rest()) == (203, b"tea")
        assert headers_of(response) == [
            ("Set-Cookie", "a=1"),
            ("Set-Cookie", "b=2"),
            ("X-Amz-Executed-Version", "mine"),
            ("X-Many", "a"),
            ("X-Many", "b"),
            ("X-Number", "7"),
            ("content-type", "text/html"),
        ]


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ({"Content-Type": "text/event-stream"}, "no"),
        ({"content-type": "Text/Event-Stream; charset=utf-8"}, "no"),
        ({"Content-Type": "text/event-stream", "x-accel-buffering": "yes"}, "yes"),
        ({"Content-Type": "text/plain"}, None),
    ],
    ids=["events", "written differently", "the function's own", "text"],
)
def test_nginx_does_not_buffer_events(
    own: dict[str, str], expected: str | None, lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    lambda_server.script(sent(with_head({"headers": own})))
    with Streamed(app_of(make_app)) as response:
        assert response.header("x-accel-buffering") == expected


def test_events_as_the_type_of_the_reply_are_not_buffered(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    lambda_server.script(sent(b"data: tea\n\n", "text/event-stream"))
    with Streamed(app_of(make_app)) as response:
        assert response.header("x-accel-buffering") == "no"


@pytest.mark.parametrize(
    ("method", "status", "length"),
    [("HEAD", 200, None), ("GET", 204, None), ("GET", 205, "0"), ("GET", 304, None)],
)
def test_response_without_a_body_closes_the_upstream(
    method: str,
    status: int,
    length: str | None,
    lambda_server: LambdaServer,
    make_app: MakeApp,
) -> None:
    fields = {"statusCode": status, "headers": {"ETag": "7", "Content-Length": "9"}}
    lambda_server.script(stream(chunk(with_head(fields, b"body")), hang))
    with Streamed(app_of(make_app), method=method) as response:
        assert lambda_server.wait_until(lambda: lambda_server.open_connections() == 0)
        assert (response.status, response.rest()) == (status, b"")
        assert (response.header("etag"), response.header("content-length")) == ("7", length)


def test_reply_with_another_status_is_handled_as_for_invoke(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    lambda_server.script(
        far_end.respond(204),
        far_end.respond(429, {"Retry-After": "7"}),
        far_end.respond(404, {"X-Amzn-ErrorType": "ResourceNotFoundException"}),
    )
    app = app_of(make_app, max_concurrency=1)
    found = []
    for _ in range(3):
        with Streamed(app) as response:
            response.rest()
            found.append((response.status, response.header("retry-after")))
    assert found == [(204, None), (429, "7"), (502, None)]


def test_dry_run_is_204(lambda_server: LambdaServer, make_app: MakeApp) -> None:
    lambda_server.script(far_end.respond(204))
    with Streamed(app_of(make_app, invocation_type="DryRun")) as response:
        assert (response.status, response.rest()) == (204, b"")
    (invocation,) = lambda_server.invocations
    assert invocation.header("x-amz-invocation-type") == "DryRun"


# Failures before the head is known.

TIMED_OUT = "2026-01-01T00:00:00Z r-1 Task timed out after 3.00 seconds"
FAILURES: dict[str, tuple[list[Any], int, str]] = {
    "error": ([complete("Runtime.ExitError", "exit 1", "the log")], 502, "Runtime.ExitError"),
    "error after half a head": (
        [chunk(b'{"a"'), complete("E", "")],
        502,
        "function error: GET '/f' 502: f E, request r-1",
    ),
    "timeout in the details": ([complete("Unhandled", TIMED_OUT)], 504, "Task timed out"),
    "timeout in the code": ([complete("Sandbox.Timedout", "late")], 504, "Sandbox.Timedout"),
    "exception": ([exception("ServiceException", b"{}")], 502, "ServiceException"),
    "malformed frame": ([b"x" * 12], 502, "malformed frame"),
    "malformed frame behind half a head": ([chunk(b"{") + b"x" * 12], 502, "malformed frame"),
    "malformed chunk": ([lambda exchange: exchange.send(b"zz\r\n")], 502, "ConnectionFailed"),
    "no end": ([chunk(b"{}")], 502, "without InvokeComplete"),
    "reset": ([lambda exchange: exchange.reset()], 502, "connection lost"),
}


@pytest.mark.promise("told apart")
@pytest.mark.parametrize(("parts", "status", "text"), FAILURES.values(), ids=FAILURES)
def test_failure_before_the_head(
    parts: list[Any],
    status: int,
    text: str,
    lambda_server: LambdaServer,
    make_app: MakeApp,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    lambda_server.script(stream(*parts), stream(END))
    app = app_of(make_app, max_concurrency=1)
    with Streamed(app) as response:
        assert response.status == status
        assert set(json.loads(response.rest())) == {"message", "request_id"}
        assert response.header("x-amzn-requestid") == "r-1"
    (line,) = [each.getMessage() for each in caplog.records if each.levelno == logging.ERROR]
    assert text in line
    assert "\n" not in line
    tails = [each.getMessage() for each in caplog.records if each.name == "wsgi_lambda.tail"]
    assert tails == (["f request r-1:\n    the log"] if text == "Runtime.ExitError" else [])
    with Streamed(app) as again:
        assert again.status == 200


@pytest.mark.parametrize(
    ("code", "options", "status"),
    [
        ("Runtime.ExitError", {}, 418),
        ("Unhandled", {}, 418),
        ("Handled", {}, 502),
        ("Sandbox.Timedout", {}, 418),
        ("Runtime.ExitError", {"is_proxy_integration": True}, 502),
        ("Sandbox.Timedout", {"is_proxy_integration": True}, 504),
    ],
)
@pytest.mark.parametrize("is_header", [False, True], ids=["event", "header"])
def test_unhandled_status(
    code: str,
    options: dict[str, Any],
    status: int,
    is_header: bool,
    lambda_server: LambdaServer,
    make_app: MakeApp,
) -> None:
    if is_header:
        lambda_server.script(stream(chunk(b"{}"), END, headers={"X-Amz-Function-Error": code}))
    else:
        lambda_server.script(stream(complete(code)))
    with Streamed(app_of(make_app, unhandled_status=418, **options)) as response:
        assert response.status == status
        assert json.loads(response.rest())["request_id"] == "r-1"


@pytest.mark.parametrize(
    ("parts", "status", "text"),
    [
        ([chunk(b'{"errorMessage": "Task timed out"}'), END], 504, "errorMessage"),
        ([chunk(b"no tea"), END], 502, "f Unhandled, request r-1, 6 bytes: 'no tea'"),
        ([chunk(b"no"), complete("Own.Code", "own")], 502, "f Own.Code, request"),
        ([chunk(b"no")], 502, "without InvokeComplete"),
        ([chunk(b"x" * 70_000)] * 2, 502, "70000 bytes"),
    ],
    ids=["timeout", "error", "code of its own", "cut off", "large"],
)
def test_error_in_the_headers_of_the_reply(
    parts: list[bytes],
    status: int,
    text: str,
    lambda_server: LambdaServer,
    make_app: MakeApp,
    caplog: pytest.LogCaptureFixture,
) -> None:
    lambda_server.script(stream(*parts, headers={"X-Amz-Function-Error": "Unhandled"}))
    with Streamed(app_of(make_app)) as response:
        assert response.status == status
    assert text in caplog.text


def test_on_error_is_called_before_the_head_only(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    statuses = []
    app = app_of(make_app, on_error=lambda request, error: statuses.append(error.status))
    lambda_server.script(stream(complete("E")), stream(chunk(b"tea"), complete("E")))
    with Streamed(app) as response:
        assert response.status == 502
    with Streamed(app) as response, pytest.raises(ConnectionResetError):
        response.rest()
    assert statuses == [502]
