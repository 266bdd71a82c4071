"""Each request to a route has one record, logged once."""

from __future__ import annotations

import base64
import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from werkzeug.exceptions import Forbidden
from werkzeug.test import Client, EnvironBuilder
from werkzeug.wrappers import Response

from tests.conftest import MakeApp, defaults, parts
from tests.servers import lambda_server as far_end
from tests.servers.event_stream import chunk, complete, exception, hang, stream, with_head
from tests.servers.lambda_server import LambdaServer
from tests.servers.streamed import Streamed
from wsgi_lambda.delivery import InThisProcess
from wsgi_lambda.dispatcher import Dispatcher
from wsgi_lambda.errors import ConnectionFailed, LambdaError, ServiceError
from wsgi_lambda.invoke import Invocation
from wsgi_lambda.invoke.reply import Reply
from wsgi_lambda.observe import FIELDS
from wsgi_lambda.request import Request

REPORT = (
    "START\nREPORT RequestId: r-1\tDuration: 12.34 ms\tBilled Duration: 113 ms\t"
    "Memory Size: 128 MB\tMax Memory Used: 40 MB\tInit Duration: 100.10 ms\t\n"
)
LOG = base64.b64encode(REPORT.encode()).decode()
REPLY = {"X-Amzn-RequestId": "r-1", "X-Amz-Executed-Version": "7", "X-Amz-Log-Result": LOG}
FAILED = {**REPLY, "X-Amz-Function-Error": "Unhandled"}
TIMED_OUT = (
    b'{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: r-1 Error: Task timed out"}'
)


@pytest.fixture
def records(caplog: pytest.LogCaptureFixture) -> Callable[[], list[logging.LogRecord]]:
    """Return a function that returns the lines of the access log."""
    caplog.set_level(logging.INFO, "wsgi_lambda")
    return lambda: [each for each in caplog.records if each.name == "wsgi_lambda.access"]


def test_first_of_two_request_ids_counts(
    lambda_server: LambdaServer, make_app: MakeApp, records: Callable[[], list[Any]]
) -> None:
    head = b"HTTP/1.1 200 OK\r\nX-Amzn-RequestId: r-1\r\nx-amzn-requestid: r-2\r\n"
    lambda_server.script(far_end.raw(head + b"Content-Length: 2\r\n\r\n{}"))
    Client(make_app({"/shop": {"function_name": "orders"}})).get("/shop")
    assert records()[0].aws_request_id == "r-1"


class Waiting:
    """Waits a known time for credentials and before a retry, in seconds."""

    def invoke(self, invocation: Invocation) -> Reply:
        delivery = invocation.delivery
        delivery.credentials_wait, delivery.backoff = 0.25, 1.5
        delivery.earlier, delivery.last = (InThisProcess(),), InThisProcess()
        delivery.started, delivery.ended = 1000.0, 1002.75
        return Reply(200, (), b"{}")


def test_times_are_milliseconds(make_app: MakeApp, records: Callable[[], list[Any]]) -> None:
    app = make_app({"/shop": {"function_name": "orders"}})
    app.dispatcher = Dispatcher(app.configuration, around=lambda route, invoker: Waiting())
    Client(app).get("/shop")
    (record,) = records()
    found = (record.credentials_ms, record.backoff_ms, record.duration_ms, record.attempts)
    assert found == (250, 1500, 2750, 2)


def test_fields_of_a_success(
    lambda_server: LambdaServer, make_app: MakeApp, records: Callable[[], list[Any]]
) -> None:
    lambda_server.respond(200, REPLY, b'"done"')
    arn = "arn:aws:lambda:us-east-1:123456789012:function:orders:live"
    client = Client(make_app({"/shop": {"function_name": arn}}))
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    client.post("/shop/7?secret=1", data="secret=2", headers={"X-Amzn-Trace-Id": trace})
    (record,) = records()
    times = ("total_ms", "duration_ms", "credentials_ms")
    given = {name: getattr(record, name) for name in FIELDS}
    durations = [given.pop(name) for name in times]
    assert durations == sorted(durations, reverse=True)
    assert 0 <= durations[-1] <= durations[0] < 20_000
    assert given == {
        "route": "/shop",
        "method": "POST",
        "path": "/shop/7",
        "function": "orders",
        "qualifier": "live",
        "region": "us-east-1",
        "lambda_endpoint": f"http://127.0.0.1:{lambda_server.port}",
        "invocation_type": "RequestResponse",
        "invoke_mode": "BUFFERED",
        "status": 200,
        "outcome": "ok",
        "lambda_status": 200,
        "function_error": "",
        "error_type": "",
        "aws_request_id": "r-1",
        "xray_trace_id": "1-5759e988-bd862e3fe1be46a994272793",
        "executed_version": "7",
        "first_byte_ms": None,
        "backoff_ms": 0.0,
        "attempts": 1,
        "is_reused": False,
        "connections_opened": 1,
        "payload_bytes": len(lambda_server.invocations[0].body),
        "response_bytes": 6,
        "function_ms": 12.34,
        "billed_ms": 113.0,
        "init_ms": 100.1,
        "restore_ms": None,
        "memory_mb": 128,
        "memory_used_mb": 40,
        "is_cold": True,
        "report_status": "",
    }
    assert record.levelno == logging.INFO
    assert record.getMessage() == (
        f"POST '/shop/7' 200 /shop orders ok {record.total_ms:.1f} ms request r-1"
    )
    assert "secret" not in repr(vars(record))


@pytest.mark.parametrize(
    "target",
    [{"function_name": "orders:live"}, {"function_name": "orders", "qualifier": "live"}],
    ids=["name", "option"],
)
def test_qualifier(
    target: dict[str, str],
    lambda_server: LambdaServer,
    make_app: MakeApp,
    records: Callable[[], list[Any]],
) -> None:
    Client(make_app({"/shop": target})).get("/shop")
    (record,) = records()
    assert (record.function, record.qualifier) == ("orders", "live")


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def refuse(request: Any) -> Response:
    return Response("no", 401)


def forbid(request: Any) -> Response:
    raise Forbidden


def crash(request: Any) -> Response:
    raise RuntimeError("crashed")


def aws_error(status: int, name: str) -> far_end.Step:
    return far_end.respond(status, {**REPLY, "X-Amzn-ErrorType": name}, b"{}")


PROXY = {"is_proxy_integration": True}
OK = far_end.respond(200, REPLY, b"{}")

#: Options, the far end's step; then outcome, status, Lambda's status and type of the error.
OUTCOMES: dict[str, tuple[dict[str, Any], far_end.Step | None, tuple[Any, ...]]] = {
    "plain": ({}, OK, ("ok", 200, 200, "")),
    "event": (
        {"invocation_type": "Event"},
        far_end.respond(202, REPLY),
        ("ok", 202, 202, ""),
    ),
    "dry-run": ({"invocation_type": "DryRun"}, far_end.respond(204), ("ok", 204, 204, "")),
    "status-chosen-by-the-function": (
        PROXY,
        far_end.respond(200, REPLY, b'{"statusCode":503}'),
        ("ok", 503, 200, ""),
    ),
    "function-error": (
        {"unhandled_status": 500},
        far_end.respond(200, FAILED, b'{"errorType":"ValueError","errorMessage":"boom"}'),
        ("function_error", 500, 200, "ValueError"),
    ),
    "function-error-in-proxy-integration": (
        PROXY,
        far_end.respond(200, FAILED, b'{"errorType":"ValueError"}'),
        ("function_error", 502, 200, "ValueError"),
    ),
    "function-error-without-json": (
        {},
        far_end.respond(200, FAILED, b"boom"),
        ("function_error", 200, 200, "FunctionError"),
    ),
    "function-timeout": (
        {},
        far_end.respond(200, FAILED, TIMED_OUT),
        ("function_timeout", 200, 200, "Sandbox.Timedout"),
    ),
    "function-timeout-in-proxy-integration": (
        PROXY,
        far_end.respond(200, FAILED, TIMED_OUT),
        ("function_timeout", 504, 200, "Sandbox.Timedout"),
    ),
    "malformed-result": (
        PROXY,
        far_end.respond(200, REPLY, b"[]"),
        ("invalid_result", 502, 200, "ResultError"),
    ),
    "too-large": (
        {"max_response_size": 10},
        far_end.respond(200, REPLY, b"x" * 11),
        ("invalid_result", 502, None, "LambdaError"),
    ),
    "throttled": (
        {},
        aws_error(429, "TooManyRequestsException"),
        ("throttled", 429, 429, "TooManyRequestsException"),
    ),
    "not-ready": (
        {},
        aws_error(409, "ResourceConflictException"),
        ("not_ready", 503, 409, "ResourceConflictException"),
    ),
    "unavailable": ({}, far_end.respond(503), ("not_ready", 503, 503, "ServiceError")),
    "payment": ({}, far_end.respond(402), ("not_ready", 503, 402, "ServiceError")),
    "denied-by-iam": (
        {},
        aws_error(403, "AccessDeniedException"),
        ("service_error", 502, 403, "AccessDeniedException"),
    ),
    "redirect": ({}, far_end.respond(302), ("service_error", 502, 302, "ServiceError")),
    "deadline": (
        {"timeout": 100},
        far_end.hang(),
        ("deadline_exceeded", 504, None, "DeadlinePassed"),
    ),
    "reset": ({}, far_end.reset(), ("connection_error", 502, None, "ConnectionFailed")),
    "refused": (
        {"port": closed_port},
        None,
        ("connection_error", 502, None, "ConnectionFailed"),
    ),
    "no-http": (
        {},
        far_end.raw(b"nonsense\r\n\r\n", close=True),
        ("connection_error", 502, None, "ConnectionFailed"),
    ),
    "no-tenant": (
        {"tenant_id": "header:X-Tenant"},
        None,
        ("bad_request", 400, None, "RequestError"),
    ),
    "too-large-an-event": (
        {"max_payload_size": 1},
        None,
        ("bad_request", 413, None, "PayloadTooLarge"),
    ),
    "refused-by-authorize": ({"authorize": refuse}, None, ("denied", 401, None, "")),
    "forbidden-by-authorize": ({"authorize": forbid}, None, ("denied", 403, None, "")),
    "authorize-raises": (
        {"authorize": crash},
        None,
        ("authorize_error", 500, None, "AuthorizeError"),
    ),
    "authorize-returns-something-else": (
        {"authorize": lambda request: "no"},
        None,
        ("authorize_error", 500, None, "AuthorizeError"),
    ),
    "execution-that-was-started-before": (
        {},
        aws_error(409, "DurableExecutionAlreadyStartedException"),
        ("service_error", 409, 409, "DurableExecutionAlreadyStartedException"),
    ),
}


@pytest.mark.parametrize(("options", "step", "expected"), OUTCOMES.values(), ids=OUTCOMES)
def test_outcome(
    options: dict[str, Any],
    step: far_end.Step | None,
    expected: tuple[Any, ...],
    lambda_server: LambdaServer,
    make_app: MakeApp,
    records: Callable[[], list[Any]],
) -> None:
    if step is not None:
        lambda_server.script(step)
    options = {name: value() if value is closed_port else value for name, value in options.items()}
    client = Client(make_app({"/shop": {"function_name": "orders", **options}}))
    with client.get("/shop") as response:
        response.get_data()
    (record,) = records()
    found = (record.outcome, record.status, record.lambda_status, record.error_type)
    assert found == expected
    assert record.status == response.status_code
    assert (record.attempts > 0) == (step is not None or "port" in options)
    assert (record.duration_ms > 0) == (record.attempts > 0) == (record.xray_trace_id != "")
    assert (record.aws_request_id == "") == (record.outcome == "denied")
    assert record.first_byte_ms is None
    assert record.aws_request_id == response.headers.get("X-Amzn-RequestId", "")
    assert record.total_ms >= record.duration_ms
    assert (record.is_cold, record.billed_ms) in ((True, 113.0), (None, None))


def test_no_credentials(
    lambda_server: LambdaServer, make_app: MakeApp, records: Callable[[], list[Any]]
) -> None:
    options = {"aws_key": None, "aws_secret": None}
    Client(make_app({"/shop": {"function_name": "orders"}}, **options)).get("/shop")
    (record,) = records()
    assert (record.outcome, record.error_type) == ("credentials_error", "CredentialsError")
    assert (record.status, record.attempts, record.duration_ms) == (500, 0, 0)
    assert record.credentials_ms > 0


def test_limit_of_concurrent_invocations(
    lambda_server: LambdaServer, make_app: MakeApp, records: Callable[[], list[Any]]
) -> None:
    app = make_app({"/shop": {"function_name": "orders", "max_concurrency": 1}})

    def meanwhile(exchange: far_end.Exchange) -> None:
        assert Client(app).get("/shop").status_code == 503
        OK(exchange)

    lambda_server.script(meanwhile)
    assert Client(app).get("/shop").status_code == 200
    rejected, passed = records()
    assert (rejected.outcome, rejected.error_type) == ("concurrency_limit", "TooManyInvocations")
    assert (passed.outcome, rejected.attempts) == ("ok", 0)


def test_retries_are_counted(
    lambda_server: LambdaServer,
    make_app: MakeApp,
    records: Callable[[], list[Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("wsgi_lambda.invoke.retry_quota.random.uniform", lambda low, high: 0.02)
    lambda_server.script(aws_error(429, "TooManyRequestsException"), OK)
    Client(make_app({"/shop": {"function_name": "orders", "retries": 1}})).get("/shop")
    (record,) = records()
    assert (record.outcome, record.attempts, record.is_reused) == ("ok", 2, True)
    assert record.backoff_ms == 20
    assert record.duration_ms >= 20


def test_status_is_that_of_on_error(
    lambda_server: LambdaServer, make_app: MakeApp, records: Callable[[], list[Any]]
) -> None:
    lambda_server.script(far_end.respond(503))
    on_error = lambda request, error: Response("later", 299)  # noqa: E731
    route = {"function_name": "orders", "on_error": on_error}
    with Client(make_app({"/shop": route})).get("/shop") as response:
        assert response.get_data() == b"later"
        (record,) = records()
    assert (record.status, record.outcome, len(records())) == (299, "not_ready", 1)
    # The body is not Lambda's, and not a stream of the function.
    assert (record.response_bytes, record.first_byte_ms) == (0, None)


def test_foreign_text_is_one_line(
    lambda_server: LambdaServer, make_app: MakeApp, records: Callable[[], list[Any]]
) -> None:
    lambda_server.script(far_end.respond(200, FAILED, b'{"errorType":"x\\nERROR forged \\u202e"}'))
    client = Client(make_app({"/shop": {"function_name": "orders"}}))
    client.get("/shop/%0aERROR%20forged%1b[2J")
    (record,) = records()
    assert record.getMessage().isprintable()
    assert r"GET '/shop/\nERROR forged\x1b[2J' 200" in record.getMessage()
    assert record.path == r"/shop/\nERROR forged\x1b[2J"
    assert record.error_type == r"x\nERROR forged \u202e"


def test_method_is_escaped(
    lambda_server: LambdaServer, make_app: MakeApp, records: Callable[[], list[Any]]
) -> None:
    Client(make_app({"/shop": {"function_name": "f"}})).open("/shop", method="G\x9bT")
    (record,) = records()
    assert record.method == r"G\x9bT"
    assert record.getMessage().startswith(r"G\x9bT '/shop' 200 ")


def test_name_of_an_error_is_short(
    lambda_server: LambdaServer, make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "wsgi_lambda")
    error = b'{"errorType":"' + b"x" * 100_000 + b'"}'
    lambda_server.script(far_end.respond(200, FAILED, error))
    response = Client(make_app({"/shop": {"function_name": "orders"}})).get("/shop")
    assert len(response.data) == len(error)
    failure, _, record = caplog.records[-3:]
    assert vars(failure)["error_type"] == vars(record)["error_type"] == "x" * 200
    assert len(failure.getMessage()) < 9_000


@pytest.mark.parametrize("name", ["path", "route", "status", "aws_request_id"])
def test_app_whose_log_records_have_the_same_attributes(
    name: str, lambda_server: LambdaServer, make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    usual = logging.getLogRecordFactory()

    def make(*args: Any, **given: Any) -> logging.LogRecord:
        record = usual(*args, **given)
        setattr(record, name, "of the app")
        return record

    caplog.set_level(logging.INFO, "wsgi_lambda")
    lambda_server.script(far_end.respond(404, REPLY))
    app = make_app({"/shop": {"function_name": "orders"}})
    logging.setLogRecordFactory(make)
    try:
        assert Client(app).get("/shop").status_code == 502
    finally:
        logging.setLogRecordFactory(usual)
    failure, tail, record = (vars(each) for each in caplog.records[-3:])
    assert (failure["name"], tail["name"]) == ("wsgi_lambda", "wsgi_lambda.tail")
    expected = {"path": "/shop", "route": "/shop", "status": 502, "aws_request_id": "r-1"}
    assert record[name] == expected[name]
    if name != "path":
        assert failure[name] == tail[name] == expected[name]


def test_access_log_that_raises_fails_no_request(
    lambda_server: LambdaServer, make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    def crash(record: logging.LogRecord) -> bool:
        raise RuntimeError("crashed")

    caplog.set_level(logging.INFO, "wsgi_lambda")
    ended: list[Any] = []
    app = make_app(
        {"/shop": {"function_name": "f"}}, observers=[SimpleNamespace(ended=ended.append)]
    )
    log = logging.getLogger("wsgi_lambda.access")
    log.addFilter(crash)
    try:
        assert Client(app).get("/shop").status_code == 200
    finally:
        log.removeFilter(crash)
    assert len(ended) == 1
    message = caplog.records[-1].getMessage()
    assert message.startswith("observer AccessLog RuntimeError: write failed, request ")


def test_request_without_a_route_has_no_record(
    make_app: MakeApp, records: Callable[[], list[Any]]
) -> None:
    client = Client(make_app({"/shop": {"function_name": "orders"}}))
    assert client.get("/other").status_code == 404
    assert client.get("/shop/%00").status_code == 400
    assert records() == []


def test_no_line_if_the_logger_is_off(
    lambda_server: LambdaServer, make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "wsgi_lambda.access")
    Client(make_app({"/shop": {"function_name": "orders"}})).get("/shop")
    assert [each for each in caplog.records if each.name == "wsgi_lambda.access"] == []


class Broken:
    """An Invoker with a bug."""

    def invoke(self, invocation: Any) -> Any:
        raise RuntimeError("broken")


def test_exception_of_foreign_code_ends_the_record(
    lambda_server: LambdaServer, make_app: MakeApp, records: Callable[[], list[Any]]
) -> None:
    app = make_app({"/shop": {"function_name": "orders"}})
    app.dispatcher = Dispatcher(app.configuration, around=lambda route, invoker: Broken())
    with pytest.raises(RuntimeError, match="broken"):
        Client(app).get("/shop")
    (record,) = records()
    found = (record.outcome, record.status, record.error_type, record.aws_request_id)
    assert found == ("service_error", 500, "RuntimeError", "")
    assert record.getMessage().endswith(" ms request -")


def pay(server: LambdaServer, **options: Any) -> Dispatcher:
    return Dispatcher({**defaults(server), "functions": {"pay": {"function_name": "f", **options}}})


#: The far end's reply to an invocation that the app makes; the expected outcome and status.
INVOCATIONS = {
    "result": (far_end.respond(200, REPLY, b"{}"), ("ok", 200, "")),
    "event": (far_end.respond(202, REPLY), ("ok", 202, "")),
    "function-error": (
        far_end.respond(200, FAILED, b'{"errorType":"ValueError"}'),
        ("function_error", 200, "ValueError"),
    ),
    "refused": (
        aws_error(404, "ResourceNotFoundException"),
        ("service_error", 404, "ResourceNotFoundException"),
    ),
}


@pytest.mark.parametrize(("step", "expected"), INVOCATIONS.values(), ids=INVOCATIONS)
def test_invocation_by_the_app(
    step: far_end.Step,
    expected: tuple[Any, ...],
    lambda_server: LambdaServer,
    records: Callable[[], list[Any]],
) -> None:
    lambda_server.script(step)
    made = pay(lambda_server)
    with suppress(LambdaError):
        made.invoke(made["pay"], b"{}")
    (record,) = records()
    assert (record.route, record.method, record.path, record.function) == ("pay", "", "", "f")
    assert (record.outcome, record.status, record.error_type) == expected
    assert record.aws_request_id == "r-1"
    assert record.getMessage().startswith(f"invoke 'pay' {record.status} pay f {record.outcome} ")
    assert record.xray_trace_id in lambda_server.invocations[0].header("X-Amzn-Trace-Id")


def test_invocation_by_the_app_without_a_reply(
    lambda_server: LambdaServer, records: Callable[[], list[Any]]
) -> None:
    lambda_server.script(far_end.reset())
    made = pay(lambda_server)
    with pytest.raises(ConnectionFailed) as caught:
        made.invoke(made["pay"], b"{}")
    (record,) = records()
    assert (record.outcome, record.status, record.lambda_status) == ("connection_error", 502, None)
    assert record.aws_request_id == caught.value.request_id


def test_view_has_the_name_of_its_function(
    lambda_server: LambdaServer, records: Callable[[], list[Any]]
) -> None:
    lambda_server.respond(404)
    made = pay(lambda_server, on_error=lambda request, error: Response("gone", 410))
    environ = EnvironBuilder("/orders/7").get_environ()
    with pytest.raises(ServiceError) as caught:
        made.respond_or_raise(made["pay"], Request(environ))
    assert b"".join(caught.value.response.body) == b"gone"
    (record,) = records()
    assert (record.route, record.path, record.status) == ("pay", "/orders/7", 410)


def test_exception_of_foreign_code_ends_the_record_of_an_invocation(
    lambda_server: LambdaServer, records: Callable[[], list[Any]]
) -> None:
    config = {**defaults(lambda_server), "functions": {"pay": {"function_name": "f"}}}
    made = Dispatcher(config, around=lambda route, invoker: Broken())
    with pytest.raises(RuntimeError, match="broken"):
        made.invoke(made["pay"], b"{}")
    (record,) = records()
    assert (record.outcome, record.status) == ("service_error", 500)


@pytest.mark.parametrize(
    ("parts", "outcome", "error_type"),
    [
        ([chunk(b"tea"), complete(log=REPORT)], "ok", ""),
        ([chunk(b"tea"), complete("Own", log=REPORT)], "stream_error", "Own"),
        ([chunk(b"tea")], "stream_error", "ConnectionFailed"),
        ([chunk(b"tea"), exception("Slow", b"{}"), b""], "stream_error", "Slow"),
    ],
    ids=["complete", "error of the function", "incomplete", "exception of lambda"],
)
def test_record_of_a_stream_ends_with_it(
    parts: list[bytes],
    outcome: str,
    error_type: str,
    lambda_server: LambdaServer,
    make_app: MakeApp,
    records: Callable[[], list[logging.LogRecord]],
) -> None:
    lambda_server.script(stream(*parts))
    app = make_app({"/f": {"function_name": "f", "invoke_mode": "RESPONSE_STREAM"}})
    with Streamed(app) as response:
        assert (next(response), next(response), records()) == (b"", b"tea", [])
        with suppress(ConnectionResetError):
            response.rest()
    (line,) = records()
    shown = vars(line)
    assert (shown["outcome"], shown["error_type"], shown["status"]) == (outcome, error_type, 200)
    assert shown["invoke_mode"] == "RESPONSE_STREAM"
    assert shown["function_ms"] == (12.34 if len(parts) == 2 else None)
    assert shown["duration_ms"] > 0


STREAM = {"/f": {"function_name": "f", "invoke_mode": "RESPONSE_STREAM"}}


#: A stream that fails before its head; then outcome, status, Lambda's status, type of the error.
BEFORE_THE_HEAD: dict[str, tuple[far_end.Step, tuple[Any, ...]]] = {
    "error-of-the-function": (
        stream(complete("Own", '{"errorType":"ValueError"}', REPORT)),
        ("function_error", 502, 200, "Own"),
    ),
    "error-in-a-header": (
        stream(headers={"X-Amz-Function-Error": "Unhandled"}),
        ("function_error", 502, 200, "Unhandled"),
    ),
    "timeout-of-the-function": (
        stream(complete("Sandbox.Timedout", "Task timed out after 3.00 seconds", REPORT)),
        ("function_timeout", 504, 200, "Sandbox.Timedout"),
    ),
    "exception-of-lambda": (
        stream(exception("InternalServerException", b"{}")),
        ("service_error", 502, 200, "InternalServerException"),
    ),
    "malformed-frame": (
        stream(bytes(40)),
        ("connection_error", 502, 200, "ConnectionFailed"),
    ),
    "end-without-invoke-complete": (
        stream(),
        ("connection_error", 502, 200, "ConnectionFailed"),
    ),
    "no-head": (
        stream(chunk(b"tea"), complete(log=REPORT)),
        ("invalid_result", 502, 200, "ResultError"),
    ),
    "malformed-head": (
        stream(chunk(with_head({"statusCode": 1})), complete()),
        ("invalid_result", 502, 200, "ResultError"),
    ),
    "silence": (stream(hang), ("deadline_exceeded", 504, 200, "DeadlinePassed")),
}


@pytest.mark.parametrize(("step", "expected"), BEFORE_THE_HEAD.values(), ids=BEFORE_THE_HEAD)
def test_stream_that_fails_before_its_head(
    step: far_end.Step,
    expected: tuple[Any, ...],
    lambda_server: LambdaServer,
    make_app: MakeApp,
    records: Callable[[], list[Any]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    lambda_server.script(step)
    app = make_app(STREAM, is_proxy_integration=True, timeout=500)
    with Streamed(app) as response:
        response.rest()
    (record,) = records()
    found = (record.outcome, record.status, record.lambda_status, record.error_type)
    assert found == expected
    assert (record.response_bytes, record.first_byte_ms, record.attempts) == (0, None, 1)
    (failure,) = [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert vars(failure)["aws_request_id"] == record.aws_request_id == "r-1"


def test_collected_stream_that_is_too_large(
    lambda_server: LambdaServer, make_app: MakeApp, records: Callable[[], list[Any]]
) -> None:
    # Each frame is below the limit.
    lambda_server.script(stream(chunk(b"{" + b"x" * 150), chunk(b"x" * 150), complete()))
    app = make_app(STREAM, is_proxy_integration=True, max_response_size=300)
    assert Client(app).get("/f").status_code == 502
    (record,) = records()
    assert (record.outcome, record.status, record.response_bytes) == ("invalid_result", 502, 0)


def test_line_of_a_stream_that_is_cut_off(
    lambda_server: LambdaServer, make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    lambda_server.script(stream(chunk(b"tea")))
    with Streamed(make_app(STREAM)) as response, suppress(ConnectionResetError):
        response.rest()
    (line,) = caplog.records
    assert line.getMessage() == (
        "/f stream cut off: f, request r-1, 3 bytes sent: ConnectionFailed: "
        "The function's response is incomplete: the stream ended without InvokeComplete"
    )
    shown = {name: vars(line)[name] for name in ("route", "function", "status", "aws_request_id")}
    assert shown == {"route": "/f", "function": "f", "status": 200, "aws_request_id": "r-1"}


def test_stream_counts_what_the_client_got(
    lambda_server: LambdaServer,
    make_app: MakeApp,
    records: Callable[[], list[Any]],
) -> None:
    lambda_server.script(stream(chunk(b"tea"), chunk(b"cup"), complete()))
    with Streamed(make_app(STREAM)) as response:
        response.rest()
    (record,) = records()
    assert (record.outcome, record.response_bytes) == ("ok", 6)
    assert 0 < record.first_byte_ms <= record.total_ms


@pytest.mark.parametrize(("method", "size"), [("GET", 3), ("HEAD", 0)])
def test_collected_stream_counts_what_the_client_got(
    method: str,
    size: int,
    lambda_server: LambdaServer,
    make_app: MakeApp,
    records: Callable[[], list[Any]],
) -> None:
    lambda_server.script(stream(chunk(b'{"statusCode": 203, "body": "tea"}'), complete()))
    app = make_app(STREAM, is_proxy_integration=True)
    assert Client(app).open("/f", method=method).status_code == 203
    (record,) = records()
    assert (record.outcome, record.response_bytes) == ("ok", size)


def test_stream_whose_worker_is_stopped(lambda_server: LambdaServer, make_app: MakeApp) -> None:
    class Stopping:
        """Ends a stream as gunicorn does in a worker whose time is over."""

        def __iter__(self) -> Stopping:
            return self

        def __next__(self) -> bytes:
            raise SystemExit(1)

    ended: list[Any] = []
    observer = SimpleNamespace(ended=ended.append)
    lambda_server.script(stream(chunk(b"tea"), complete()))
    app = make_app(STREAM, observers=[observer])
    (backend,) = app.dispatcher.backends
    response = app.dispatcher.respond(backend, Request(EnvironBuilder("/f").get_environ()))
    body: Any = response.body
    parts(body).chunks.close()
    vars(body)["_chunks"] = Stopping()
    with pytest.raises(SystemExit):
        list(body)
    (record,) = ended
    assert (record.outcome, record.error_type) == ("stream_error", "SystemExit")


def test_client_that_goes_away(
    lambda_server: LambdaServer, make_app: MakeApp, records: Callable[[], list[Any]]
) -> None:
    lambda_server.script(stream(chunk(b"tea"), chunk(b"cup"), complete()))
    with Streamed(make_app(STREAM)) as response:
        next(response)
    (record,) = records()
    assert (record.outcome, record.error_type) == ("client_disconnected", "")
    assert (record.response_bytes, record.first_byte_ms) == (0, None)


@pytest.mark.parametrize(
    ("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 205), ("GET", 304)]
)
def test_stream_that_we_close_ourselves_is_ok(
    method: str,
    status: int,
    lambda_server: LambdaServer,
    make_app: MakeApp,
    records: Callable[[], list[Any]],
) -> None:
    lambda_server.script(stream(chunk(with_head({"statusCode": status}, b"tea")), complete()))
    with Streamed(make_app(STREAM), method=method) as response:
        response.rest()
    (record,) = records()
    assert (record.outcome, record.response_bytes) == ("ok", 0)
