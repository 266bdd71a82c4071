"""Observers see every request to a route, and can send a trace of their own to the function."""

from __future__ import annotations

import base64
import json
import logging
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from werkzeug.test import Client, EnvironBuilder
from werkzeug.wrappers import Response

from tests.conftest import MakeApp, defaults
from tests.servers import lambda_server as far_end
from tests.servers.lambda_server import LambdaServer
from tests.sockets.test_threads import in_a_child
from wsgi_lambda import LambdaMiddleware
from wsgi_lambda.dispatcher import Dispatcher
from wsgi_lambda.errors import ServiceError
from wsgi_lambda.observe import FIELDS, InvocationRecord, Observer

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
ROOT = "Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331;Sampled=1"
PROPAGATED = {"traceparent": PARENT, "tracestate": "a=1", "baggage": "user=7"}
ROUTES = {"/shop": {"function_name": "orders"}}


class Recorder:
    """Notes the hooks that are called, with the outcome in the record."""

    def __init__(self, name: str = "", calls: list[Any] | None = None) -> None:
        self._name = name
        self.calls: list[Any] = [] if calls is None else calls
        self.records: list[InvocationRecord] = []

    def began(self, record: InvocationRecord) -> None:
        self.calls.append((f"{self._name}began", record.outcome, record.status))
        self.records.append(record)

    def replied(self, record: InvocationRecord) -> None:
        self.calls.append((f"{self._name}replied", record.outcome, record.status))

    def ended(self, record: InvocationRecord) -> None:
        self.calls.append((f"{self._name}ended", record.outcome, record.status))


class Propagating(Observer):
    """Sends headers of its own to the function."""

    def __init__(self, headers: dict[str, str]) -> None:
        self._headers = headers

    def began(self, record: InvocationRecord) -> None:
        record.propagate.update(self._headers)


class Crashing(Observer):
    """Raises in the hooks that are named."""

    def __init__(self, *names: str) -> None:
        for name in names:
            setattr(self, name, self._crash)

    def _crash(self, record: InvocationRecord) -> None:
        raise OSError("no server")


def refuse(request: Any) -> Response:
    return Response(iter([b"n", b"o"]), 401)


def crash(request: Any) -> Response:
    raise RuntimeError("crashed")


FAILED = {"X-Amz-Function-Error": "Unhandled"}

#: Options, the reply, and the outcome and status at the end.
ENDS: dict[str, tuple[dict[str, Any], far_end.Step | None, str, int]] = {
    "ok": ({}, far_end.respond(200), "ok", 200),
    "function-error": ({}, far_end.respond(200, FAILED), "function_error", 200),
    "throttled": ({}, far_end.respond(429), "throttled", 429),
    "reset": ({}, far_end.reset(), "connection_error", 502),
    "denied": ({"authorize": refuse}, None, "denied", 401),
    "authorize-raises": ({"authorize": crash}, None, "authorize_error", 500),
    "on-error": (
        {"on_error": lambda request, error: Response(iter([b"n", b"o"]), 599)},
        far_end.respond(429),
        "throttled",
        599,
    ),
    "on-error-raises": (
        {"on_error": lambda request, error: 1 / 0},
        far_end.respond(429),
        "throttled",
        429,
    ),
}


@pytest.mark.parametrize(("options", "step", "outcome", "status"), ENDS.values(), ids=ENDS)
def test_each_hook_is_called_once_in_order(
    options: dict[str, Any],
    step: far_end.Step | None,
    outcome: str,
    status: int,
    lambda_server: LambdaServer,
    make_app: MakeApp,
) -> None:
    if step is not None:
        lambda_server.script(step)
    calls: list[Any] = []
    app = make_app(
        {"/shop": {"function_name": "orders", **options}},
        observers=[Recorder("first ", calls), Recorder("second ", calls)],
    )
    with Client(app).get("/shop") as response:
        response.get_data()
    assert calls == [
        ("first began", "", 0),
        ("second began", "", 0),
        ("second replied", outcome, 0),
        ("first replied", outcome, 0),
        ("second ended", outcome, status),
        ("first ended", outcome, status),
    ]


class Broken:
    """An Invoker with a bug."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def invoke(self, invocation: Any) -> Any:
        raise self._error


@pytest.mark.parametrize("error", [RuntimeError("bug"), SystemExit(1)], ids=["bug", "exit"])
def test_hooks_are_called_even_if_the_request_breaks(
    error: BaseException, lambda_server: LambdaServer
) -> None:
    recorder = Recorder()
    config = {**defaults(lambda_server, observers=[recorder]), "functions": {"pay": {}}}
    made = Dispatcher({**config, "routes": ROUTES}, around=lambda route, invoker: Broken(error))
    app = LambdaMiddleware(None, {**config, "routes": ROUTES})
    app.dispatcher = made
    with pytest.raises(type(error)):
        Client(app).get("/shop")
    with pytest.raises(type(error)):
        made.invoke(made["pay"], b"{}")
    once = [("began", "", 0), ("replied", "service_error", 0), ("ended", "service_error", 500)]
    assert recorder.calls == once * 2


def test_drain_that_breaks_ends_the_record_once(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    class Exiting:
        """A client's body whose reading is interrupted, as gunicorn does after its timeout."""

        def read(self, size: int) -> bytes:
            raise SystemExit(1)

    recorder = Recorder()
    app = make_app({"/shop": {"function_name": "orders", "authorize": crash}}, observers=[recorder])
    environ = EnvironBuilder("/shop", method="POST").get_environ()
    with pytest.raises(SystemExit):
        app({**environ, "CONTENT_LENGTH": "7", "wsgi.input": Exiting()}, lambda *_: None)
    assert [name for name, *_ in recorder.calls] == ["began", "replied", "ended"]


def test_observer_that_raises_is_logged_and_the_request_continues(
    lambda_server: LambdaServer, make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    lambda_server.respond(200, {"X-Amzn-RequestId": "r-1"}, b"1")
    recorder = Recorder()
    app = make_app(ROUTES, observers=[Crashing("began", "replied", "ended"), recorder])
    assert Client(app).get("/shop").data == b"1"
    assert [name for name, *_ in recorder.calls] == ["began", "replied", "ended"]
    assert [record.getMessage() for record in caplog.records] == [
        "observer Crashing OSError: began failed, request -",
        "observer Crashing OSError: replied failed, request r-1",
        "observer Crashing OSError: ended failed, request r-1",
    ]
    assert all(record.exc_info for record in caplog.records)
    assert {(record.name, record.levelname) for record in caplog.records} == {
        ("wsgi_lambda", "ERROR")
    }
    # Formatters use this text: no line of a traceback can pass for a record.
    texts = [(record.exc_text or "").split("\n") for record in caplog.records]
    assert all(line.startswith("    ") for lines in texts for line in lines)


@pytest.mark.parametrize("id_", ["r\x1b[2J", "r\x85"])
def test_request_id_in_the_line_of_an_observer_is_escaped(
    id_: str, lambda_server: LambdaServer, make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    lambda_server.respond(200, {"X-Amzn-RequestId": id_}, b"1")
    Client(make_app(ROUTES, observers=[Crashing("ended")])).get("/shop")
    (line,) = [record.getMessage() for record in caplog.records]
    assert line == f"observer Crashing OSError: ended failed, request {ascii(id_)[1:-1]}"


def ended(record: InvocationRecord) -> None:
    raise OSError("no server")


def test_functions_of_a_module_are_an_observer(
    lambda_server: LambdaServer, make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(ROUTES, observers=[sys.modules[__name__]])
    assert Client(app).get("/shop").status_code == 200
    (record,) = caplog.records
    assert record.getMessage().startswith(f"observer {__name__}.ended OSError: ended failed, ")


def test_attribute_that_is_no_method_is_not_called(
    lambda_server: LambdaServer, make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    records: list[InvocationRecord] = []
    observer = SimpleNamespace(began=None, replied=0, ended=records.append)
    assert Client(make_app(ROUTES, observers=[observer])).get("/shop").status_code == 200
    assert (len(records), caplog.records) == (1, [])


#: What a mistaken observer does to a record in `began`.
MISTAKES: dict[str, Callable[[InvocationRecord], object]] = {
    "not-a-mapping": lambda record: setattr(record, "propagate", "traceparent"),
    "number": lambda record: record.propagate.update({"traceparent": 7}),  # type: ignore[dict-item]
    "bytes": lambda record: record.propagate.update({"x-amzn-trace-id": b""}),  # type: ignore[dict-item]
    "object": lambda record: record.propagate.update({"baggage": object()}),  # type: ignore[dict-item]
    "name": lambda record: record.propagate.update({7: "7"}),  # type: ignore[dict-item]
    "path": lambda record: setattr(record, "path", None),
    "deleted": lambda record: [delattr(record, name) for name in (*FIELDS, "propagate")],
    "deleted-then-raises": lambda record: [delattr(record, name) for name in (*FIELDS, "url")],
    "objects": lambda record: [setattr(record, name, object()) for name in FIELDS],
    "objects-then-raises": lambda record: [setattr(record, n, object()) for n in (*FIELDS, "url")],
}


@pytest.mark.parametrize("hook", ["began", "replied", "ended"])
@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_request_survives_what_an_observer_does_to_its_record(
    mistake: Callable[[InvocationRecord], object],
    hook: str,
    lambda_server: LambdaServer,
    make_app: MakeApp,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "wsgi_lambda.access")
    calls: list[str] = []
    names = ("began", "replied", "ended")
    observer = SimpleNamespace(**{name: lambda _, name=name: calls.append(name) for name in names})
    mistaken = SimpleNamespace(**{hook: mistake})
    app = make_app(ROUTES, observers=[observer, mistaken, observer], awsgateway_compatible=True)
    assert Client(app).get("/shop").status_code == 200
    assert calls == ["began", "began", "replied", "replied", "ended", "ended"]
    assert lambda_server.invocations[0].header("X-Amz-Client-Context") is None


class Ends(BaseException):
    """Ends the request, as SystemExit and gevent's Timeout do."""


def end(record: InvocationRecord) -> None:
    raise Ends


@pytest.mark.parametrize("status", [200, 429])
@pytest.mark.parametrize("hook", ["began", "replied", "ended"])
def test_each_hook_is_called_although_one_ends_the_request(
    hook: str, status: int, lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    lambda_server.respond(status)
    calls: list[Any] = []
    ending = SimpleNamespace(**{hook: end})
    around = [Recorder("a", calls), ending, Recorder("b", calls)]
    with pytest.raises(Ends):
        Client(make_app(ROUTES, observers=around)).get("/shop")
    names = ["abegan", "bbegan", "breplied", "areplied", "bended", "aended"]
    assert [name for name, *_ in calls] == names


def test_each_hook_is_called_although_the_access_log_ends_the_request(make_app: MakeApp) -> None:
    recorder, log = Recorder(), logging.getLogger("wsgi_lambda.access")
    app = make_app(ROUTES, observers=[recorder])
    log.addFilter(end)  # type: ignore[arg-type]
    log.setLevel(logging.INFO)
    try:
        with pytest.raises(Ends):
            Client(app).get("/shop")
    finally:
        log.removeFilter(end)  # type: ignore[arg-type]
        log.setLevel(logging.NOTSET)
    assert [name for name, *_ in recorder.calls] == ["began", "replied", "ended"]


def test_tracebacks_of_observers_are_limited(
    lambda_server: LambdaServer, make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(ROUTES, observers=[Crashing("ended")], failure_log_limit=2)
    for _ in range(5):
        Client(app).get("/shop")
    assert [record.levelname for record in caplog.records] == ["ERROR"] * 2
    assert "held back" in caplog.records[-1].getMessage()


def test_each_exception_of_an_observer_is_a_kind(
    lambda_server: LambdaServer, make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    errors = iter([OSError(), OSError(), ValueError(), ValueError()])

    def fail(record: InvocationRecord) -> None:
        raise next(errors)

    app = make_app(ROUTES, observers=[SimpleNamespace(ended=fail)], failure_log_limit=1)
    for _ in range(4):
        Client(app).get("/shop")
    kinds = [record.getMessage().partition(": ")[0].split()[-1] for record in caplog.records]
    assert kinds == ["OSError", "ValueError"]


def test_child_logs_lines_of_its_own(
    lambda_server: LambdaServer, make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    lambda_server.respond(429)
    app = make_app(ROUTES, failure_log_limit=1)

    def work() -> str:
        before = len(caplog.records)
        Client(app).get("/shop")
        return str(len(caplog.records) - before)

    assert [work(), work(), in_a_child(work), work()] == ["1", "0", "1", "0"]


def test_failure_lines_are_limited(
    lambda_server: LambdaServer, make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    lambda_server.script(*[far_end.respond(429), far_end.respond(200, FAILED)] * 5)
    caplog.set_level("INFO", "wsgi_lambda.access")
    client = Client(make_app(ROUTES, failure_log_limit=3))
    for _ in range(10):
        client.get("/shop")
    lines = [each for each in caplog.records if each.name == "wsgi_lambda"]
    assert [line.levelname for line in lines] == ["WARNING", "ERROR"] * 3
    assert len(caplog.records) - len(lines) == 10  # every request keeps its record


def test_default_limit_is_60(
    lambda_server: LambdaServer, make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    lambda_server.respond(429)
    apps = (make_app(ROUTES), make_app(ROUTES, failure_log_limit=None))
    counts = []
    for app in apps:
        for _ in range(62):
            Client(app).get("/shop")
        counts.append(len(caplog.records))
        caplog.clear()
    assert counts == [60, 62]


def test_next_invocation_reports_what_was_held_back(
    lambda_server: LambdaServer,
    make_app: MakeApp,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("wsgi_lambda.log_limit.WINDOW", 0.2)
    client = Client(make_app(ROUTES, failure_log_limit=1))
    lambda_server.respond(429, {"X-Amzn-RequestId": "r-1"})
    lines, deadline = 0, time.monotonic() + 20
    while len(caplog.records) == lines and time.monotonic() < deadline:
        lines += 1
        client.get("/shop")
    lambda_server.respond(200)
    while len(caplog.records) < lines and time.monotonic() < deadline:
        client.get("/shop")
    record = caplog.records[-1]
    assert record.getMessage().startswith("/shop ServiceError: 1 more lines held back in 0 s, ")
    assert record.getMessage().endswith("the last for request r-1")


def test_propagated_trace_replaces_that_of_the_client(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    recorder = Recorder()
    app = make_app(
        ROUTES, observers=[Propagating(PROPAGATED), recorder], awsgateway_compatible=True
    )
    incoming = {
        "X-Amzn-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793",
        "traceparent": PARENT.replace("b7", "c7"),
        "baggage": "user=8",
    }
    Client(app).get("/shop", headers=incoming)
    (invocation,) = lambda_server.invocations
    assert invocation.header("X-Amzn-Trace-Id") == ROOT
    event = json.loads(invocation.body)
    given = {name: event["headers"][name] for name in (*PROPAGATED, "x-amzn-trace-id")}
    assert given == {**PROPAGATED, "x-amzn-trace-id": ROOT}
    assert event["multiValueHeaders"]["traceparent"] == [PARENT]
    context = json.loads(base64.b64decode(invocation.header("X-Amz-Client-Context") or ""))
    assert context == {"w3c": PROPAGATED}
    (record,) = recorder.records
    assert record.incoming == {name.lower(): value for name, value in incoming.items()}
    assert record.xray_trace_id == "1-0af76519-16cd43dd8448eb211c80319c"


def test_propagated_trace_in_a_forwarded_event(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    app = make_app(ROUTES, observers=[Propagating(PROPAGATED)], forward_request_headers=True)
    for headers in ({"X-Amzn-Trace-Id": "Root=1-2-3", "traceparent": "x"}, {}):
        Client(app).get("/shop", headers=headers)
    first, second = (json.loads(each.body)["request_headers"] for each in lambda_server.invocations)
    assert {**first, **PROPAGATED, "x-amzn-trace-id": ROOT} == first
    assert {**second, **PROPAGATED} == second


@pytest.mark.parametrize("options", [{}, {"tenant_id": "blue"}, {"client_context": {"a": 1}}])
def test_client_context_is_signed(
    options: dict[str, Any], lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    app = make_app(ROUTES, observers=[Propagating(PROPAGATED)], **options)
    assert Client(app).get("/shop").status_code == 200
    (invocation,) = lambda_server.invocations
    context = json.loads(base64.b64decode(invocation.header("X-Amz-Client-Context") or ""))
    assert context == {**options.get("client_context", {}), "w3c": PROPAGATED}
    assert "x-amz-client-context" in (invocation.header("Authorization") or "")


@pytest.mark.parametrize("kind", ["Event", "DryRun"])
def test_no_client_context_if_lambda_does_not_wait(
    kind: str, lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    app = make_app(ROUTES, observers=[Propagating(PROPAGATED)], invocation_type=kind)
    Client(app).get("/shop")
    assert lambda_server.invocations[0].header("X-Amz-Client-Context") is None


def test_amazon_s_header_wins_over_the_other(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    amazon = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0"
    headers = {**PROPAGATED, "x-amzn-trace-id": amazon}
    Client(make_app(ROUTES, observers=[Propagating(headers)])).get("/shop")
    assert lambda_server.invocations[0].header("X-Amzn-Trace-Id") == amazon


def test_no_client_context_without_a_w3c_trace(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    headers = {"baggage": "", "x-amzn-trace-id": "Root=1-5759e988-bd862e3fe1be46a994272793"}
    Client(make_app(ROUTES, observers=[Propagating(headers)])).get("/shop")
    (invocation,) = lambda_server.invocations
    assert invocation.header("X-Amzn-Trace-Id") == headers["x-amzn-trace-id"]
    assert invocation.header("X-Amz-Client-Context") is None


def test_invocation_by_the_app_propagates(lambda_server: LambdaServer) -> None:
    config = defaults(lambda_server, observers=[Propagating(PROPAGATED)])
    made = Dispatcher({**config, "functions": {"pay": {"tenant_id": "header:X-Tenant"}}})
    made.invoke(made["pay"], b"{}", tenant_id="blue")
    (invocation,) = lambda_server.invocations
    assert invocation.header("X-Amzn-Trace-Id") == ROOT
    assert invocation.header("X-Amz-Client-Context")


def test_view_has_one_record(lambda_server: LambdaServer) -> None:
    lambda_server.respond(404)
    recorder = Recorder()
    made = Dispatcher({**defaults(lambda_server, observers=[recorder]), "functions": {"pay": {}}})
    with pytest.raises(ServiceError):
        made.invoke(made["pay"], b"{}")
    assert [name for name, *_ in recorder.calls] == ["began", "replied", "ended"]


def test_observers_see_no_request_of_the_app(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Recorder()
    caplog.set_level(logging.INFO, "wsgi_lambda")
    assert Client(make_app(ROUTES, observers=[recorder])).get("/other").status_code == 404
    assert recorder.calls == []
