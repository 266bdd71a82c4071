"""`on_error`: the failures that it is called for, and the response that the client gets."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from werkzeug.exceptions import abort
from werkzeug.test import Client
from werkzeug.wrappers import Request, Response

from tests.conftest import MakeApp
from tests.servers import lambda_server as far_end
from tests.servers.lambda_server import LambdaServer
from tests.servers.web_server import ClientResponse, serving

THROTTLED = far_end.respond(429, {"X-Amzn-RequestId": "r-7", "Retry-After": "9"})
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793"


def send(make_app: MakeApp, hook: Any, *request: Any, **options: Any) -> ClientResponse:
    app = make_app({"/f": {"function_name": "f", "on_error": hook, **options}})
    with serving(app) as web:
        return web.send(*(request or ("GET", "/f", [("X-Amzn-Trace-Id", TRACE)])))


def test_response_replaces_status_type_and_body(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    seen = []

    def page(request: Request, error: Any) -> Response:
        seen.append((request.path, error.status, error.message, error.request_id))
        seen.append(error.retry_after)
        return Response("<h1>Sorry</h1>", 418, {"X-Own": "1"}, mimetype="text/html")

    lambda_server.script(THROTTLED)
    answer = send(make_app, page)
    assert (answer.status, answer.body) == (418, b"<h1>Sorry</h1>")
    assert answer.header("content-type") == "text/html; charset=utf-8"
    assert answer.header("x-own") == "1"
    assert answer.header("content-length") == "14"
    assert answer.header("x-amzn-requestid") == "r-7"
    assert answer.header("x-amzn-trace-id") == TRACE
    assert answer.header("retry-after") == "9"
    assert seen == [("/f", 429, "Too many requests for the function", "r-7"), "9"]


def test_its_own_headers_win(lambda_server: LambdaServer, make_app: MakeApp) -> None:
    own = {"X-AMZN-REQUESTID": "own", "x-amzn-trace-id": "own", "Retry-After": "60"}
    lambda_server.script(THROTTLED)
    answer = send(make_app, lambda request, error: Response("", 503, own))
    names = ("x-amzn-requestid", "x-amzn-trace-id", "retry-after")
    assert [answer.header(name) for name in names] == ["own", "own", "60"]


def test_none_means_the_json(lambda_server: LambdaServer, make_app: MakeApp) -> None:
    def observe(request: Request, error: Any) -> None:
        error.status = 200  # changes nothing

    lambda_server.script(THROTTLED)
    answer = send(make_app, observe)
    assert (answer.status, answer.json()["request_id"]) == (429, "r-7")


def raises(request: Request, error: Any) -> None:
    raise LookupError("no template")


def aborts(request: Request, error: Any) -> None:
    abort(404)


def returns_text(request: Request, error: Any) -> Any:
    return "sorry"


def returns_a_bad_location(request: Request, error: Any) -> Any:
    response = Response()
    response.get_wsgi_response = None  # type: ignore[method-assign,assignment]
    return response


@pytest.mark.parametrize(
    ("hook", "logged"),
    [
        (raises, "LookupError: no template"),
        (aborts, "404 Not Found"),
        (returns_text, "returned str, neither None nor a Response"),
        (returns_a_bad_location, "TypeError"),
    ],
)
def test_hook_that_fails_is_logged_and_the_json_sent(
    hook: Any,
    logged: str,
    lambda_server: LambdaServer,
    make_app: MakeApp,
    caplog: pytest.LogCaptureFixture,
) -> None:
    lambda_server.script(THROTTLED)
    answer = send(make_app, hook)
    assert (answer.status, answer.json()["request_id"]) == (429, "r-7")
    assert logged in caplog.text
    assert "Traceback" in caplog.text
    assert "on_error failed, request r-7" in caplog.text


def test_tracebacks_of_a_hook_are_limited(
    lambda_server: LambdaServer, make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    lambda_server.always(THROTTLED)
    app = make_app({"/f": {"function_name": "f", "on_error": raises}}, failure_log_limit=2)
    for _ in range(4):
        assert Client(app).get("/f").status_code == 429
    records = [each for each in caplog.records if each.exc_info]
    assert [each.getMessage().partition(" [")[0] for each in records] == [
        "/f on_error failed, request r-7: LookupError"
    ] * 2
    names = ("route", "function", "error_type", "status", "aws_request_id")
    assert {name: vars(records[0])[name] for name in names} == {
        "route": "/f",
        "function": "f",
        "error_type": "ServiceError",
        "status": 429,
        "aws_request_id": "r-7",
    }


def test_traceback_of_a_hook_is_escaped_and_indented(
    lambda_server: LambdaServer, make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    def hook(request: Request, error: Any) -> None:
        raise ValueError("a\n2026-01-01 ERROR forged\x1b[2J\u2028")

    lambda_server.script(THROTTLED)
    send(make_app, hook)
    (record,) = (each for each in caplog.records if "on_error" in each.getMessage())
    assert record.exc_info is not None
    _, *lines = logging.Formatter().format(record).split("\n")
    assert lines[0] == "    Traceback (most recent call last):"
    assert lines[-2:] == ["    ValueError: a", "    2026-01-01 ERROR forged\\x1b[2J\\u2028"]
    assert all(line.startswith("    ") and line.isprintable() for line in lines)


def refuses(request: Request) -> Response:
    return Response("no", 401)


def fails(request: Request) -> None:
    raise LookupError


FORM = ("Content-Type", "application/x-www-form-urlencoded")
FAILURES = {
    "too-large": (("POST", "/f", [FORM], b"a=" + b"x" * 99), {"max_payload_size": 9}, 413),
    "short-body": (("POST", "/f", [FORM, ("Content-Length", "9")], b"a=1"), {}, 400),
    "authorize-raises": ((), {"authorize": fails}, 500),
    "connection": ((), {"port": 1}, 502),
}


@pytest.mark.parametrize(("request_", "options", "status"), FAILURES.values(), ids=FAILURES)
def test_body_reads_as_empty(request_: Any, options: Any, status: int, make_app: MakeApp) -> None:
    def page(request: Request, error: Any) -> Response:
        read = (request.get_data(), dict(request.form), request.stream.read())
        return Response(f"{error.status} {read}", error.status)

    answer = send(make_app, page, *request_, **options)
    assert (answer.status, answer.body) == (status, f"{status} (b'', {{}}, b'')".encode())
    assert len(answer.header("x-amzn-requestid") or "") == 36
    # No invocation was started, except for the connection that was refused.
    assert len(answer.all("x-amzn-trace-id")) == ("port" in options)


def test_chunked_body_without_a_known_end_reads_as_empty(make_app: MakeApp) -> None:
    def page(request: Request, error: Any) -> Response:
        return Response(f"{error.status} {request.get_data()!r}", error.status)

    app = make_app({"/f": {"function_name": "f", "on_error": page}})
    with serving(app, {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}) as web:
        assert web.send("POST", "/f").body == b"411 b''"


def never(request: Request, error: Any) -> Response:
    raise AssertionError


def test_response_of_authorize_is_not_a_failure(make_app: MakeApp) -> None:
    answer = send(make_app, never, authorize=refuses)
    assert (answer.status, answer.body) == (401, b"no")


def test_function_error_in_plain_mode_is_not_a_failure(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    lambda_server.script(
        far_end.respond(200, {"X-Amz-Function-Error": "Unhandled"}, b'{"errorMessage": "no"}')
    )
    assert send(make_app, never).json() == {"errorMessage": "no"}


def test_function_error_in_proxy_integration_is_a_failure(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    lambda_server.script(far_end.respond(200, {"X-Amz-Function-Error": "Unhandled"}, b"{}"))
    answer = send(
        make_app,
        lambda request, error: Response(error.message, error.status),
        is_proxy_integration=True,
    )
    assert (answer.status, answer.body) == (502, b"The function failed")


def test_head_has_no_body(lambda_server: LambdaServer, make_app: MakeApp) -> None:
    lambda_server.script(THROTTLED)
    answer = send(make_app, lambda request, error: Response("page", 503), "HEAD", "/f")
    assert (answer.status, answer.body) == (503, b"")


def test_failure_without_a_route_is_json(make_app: MakeApp) -> None:
    app = make_app({"/f": {"function_name": "f"}}, on_error=never)
    with serving(app) as web:
        answer = web.send("GET", "/other")
    assert (answer.status, set(answer.json())) == (404, {"message", "request_id"})
    assert answer.header("x-amzn-requestid") == answer.json()["request_id"]
    assert answer.all("x-amzn-trace-id") == []
