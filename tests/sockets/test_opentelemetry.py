"""The observer `otel`: spans and metrics as the SDK exports them."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from opentelemetry import propagate
from opentelemetry.context import Context
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.trace import NoOpTracer, SpanKind, StatusCode, format_span_id, format_trace_id
from werkzeug.test import Client
from werkzeug.wrappers import Response

from tests.conftest import MakeApp, defaults
from tests.servers import lambda_server as far_end
from tests.servers.event_stream import chunk, complete, stream
from tests.servers.lambda_server import LambdaServer
from tests.servers.telemetry import Telemetry, telemetry
from wsgi_lambda import LambdaMiddleware

REPORT = (
    "REPORT RequestId: r-1\tDuration: 1500.00 ms\tBilled Duration: 2000 ms\t"
    "Memory Size: 512 MB\tMax Memory Used: 40 MB\tInit Duration: 300.00 ms"
)
LOG = base64.b64encode(REPORT.encode()).decode()
REPLY = {"X-Amzn-RequestId": "r-1", "X-Amz-Log-Result": LOG}
FAILED = {"X-Amzn-RequestId": "r-1", "X-Amz-Function-Error": "Unhandled"}
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


@pytest.fixture
def exported() -> Telemetry:
    found = telemetry()
    found.clear()
    return found


@pytest.fixture
def instrumented(exported: Telemetry) -> Iterator[Telemetry]:
    """Instrument requests and urllib3, as an app does that is observed otherwise."""
    instrumentors = (RequestsInstrumentor(), URLLib3Instrumentor())
    for each in instrumentors:
        each.instrument(tracer_provider=exported.provider)
    yield exported
    for each in instrumentors:
        each.uninstrument()


def app_of(make_app: MakeApp, path: str = "/shop", **options: Any) -> LambdaMiddleware:
    return make_app({path: {"function_name": "orders:live", **options}}, observers=["otel"])


def test_span_of_a_success(
    exported: Telemetry, lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    lambda_server.respond(200, REPLY, b"12345")
    Client(app_of(make_app)).post("/shop/7?secret=1", data="secret=2")
    (span,) = exported.spans()
    assert (span.name, span.kind, span.parent) == ("Lambda.Invoke", SpanKind.CLIENT, None)
    assert span.instrumentation_scope is not None
    assert span.instrumentation_scope.name == "wsgi_lambda"
    assert span.status.status_code is StatusCode.UNSET
    assert dict(span.attributes or {}) == {
        "rpc.system": "aws-api",
        "rpc.service": "Lambda",
        "rpc.method": "Invoke",
        "faas.invoked_name": "orders",
        "faas.invoked_provider": "aws",
        "faas.invoked_region": "us-east-1",
        "cloud.region": "us-east-1",
        "server.address": "127.0.0.1",
        "server.port": lambda_server.port,
        "http.response.status_code": 200,
        "aws.request_id": "r-1",
        "faas.coldstart": True,
        "wsgi_lambda.route": "/shop",
        "wsgi_lambda.outcome": "ok",
        "wsgi_lambda.payload_bytes": len(lambda_server.invocations[0].body),
        "wsgi_lambda.response_bytes": 5,
        "wsgi_lambda.function.billed_ms": 2000.0,
        "wsgi_lambda.function.init_ms": 300.0,
        "wsgi_lambda.function.memory_used_mb": 40,
    }
    assert "secret" not in span.to_json()


@pytest.mark.parametrize(("disable_https", "port"), [(True, 80), (False, 443)])
def test_port_of_the_scheme(
    disable_https: bool, port: int, exported: Telemetry, lambda_server: LambdaServer
) -> None:
    given = defaults(lambda_server, disable_https=disable_https, observers=["otel"], timeout=500)
    del given["port"]
    # Nothing listens there, or something other than Lambda.
    Client(LambdaMiddleware(None, {**given, "routes": {"/f": {"function_name": "f"}}})).get("/f")
    (span,) = exported.spans()
    assert span.attributes is not None
    assert (span.attributes["server.address"], span.attributes["server.port"]) == (
        "127.0.0.1",
        port,
    )


def test_error_type_is_escaped(
    exported: Telemetry, lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    failed = {"X-Amz-Function-Error": "Unhandled"}
    lambda_server.respond(200, failed, rb'{"errorType":"Own\u001b[2J"}')
    Client(app_of(make_app)).get("/shop")
    (span,) = exported.spans()
    assert span.attributes is not None
    assert span.attributes["error.type"] == r"Own\x1b[2J"


class BrokenPropagator(TextMapPropagator):
    """A propagator with a bug."""

    fields: set[str] = set()  # noqa: RUF012

    def extract(self, *args: Any, **given: Any) -> Context:
        return Context()

    def inject(self, *args: Any, **given: Any) -> None:
        raise RuntimeError("broken")


def test_propagator_that_raises_is_logged_once(
    exported: Telemetry,
    lambda_server: LambdaServer,
    make_app: MakeApp,
    caplog: pytest.LogCaptureFixture,
) -> None:
    usual = propagate.get_global_textmap()
    propagate.set_global_textmap(BrokenPropagator())
    try:
        assert Client(app_of(make_app)).get("/shop").status_code == 200
    finally:
        propagate.set_global_textmap(usual)
    assert [each.getMessage() for each in caplog.records] == [
        "observer OpenTelemetry RuntimeError: began failed, request -"
    ]
    assert exported.spans() == ()


def test_function_gets_the_trace_whatever_the_propagators(
    exported: Telemetry, lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    usual = propagate.get_global_textmap()
    propagate.set_global_textmap(CompositePropagator([]))
    try:
        Client(app_of(make_app)).get("/shop")
    finally:
        propagate.set_global_textmap(usual)
    (span,) = exported.spans()
    assert span.context is not None
    trace_id = f"{span.context.trace_id:032x}"
    expected = f"Root=1-{trace_id[:8]}-{trace_id[8:]};Parent={span.context.span_id:016x};Sampled=1"
    assert lambda_server.invocations[0].header("X-Amzn-Trace-Id") == expected


BOTH = {
    "rpc.system": "aws-api",
    "rpc.service": "Lambda",
    "rpc.system.name": "aws-api",
    "rpc.method": "Lambda/Invoke",
}
CONVENTIONS = {
    "rpc": {"rpc.system.name": "aws-api", "rpc.method": "Lambda/Invoke"},
    "http,rpc/dup": BOTH,
    "rpc,rpc/dup": BOTH,
}


@pytest.mark.parametrize(("opt_in", "expected"), CONVENTIONS.items())
def test_newer_conventions(
    opt_in: str,
    expected: dict[str, str],
    exported: Telemetry,
    make_app: MakeApp,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", opt_in)
    Client(app_of(make_app)).get("/shop")
    (span,) = exported.spans()
    found = {name: value for name, value in (span.attributes or {}).items() if "rpc" in name}
    assert found == expected


def deny(request: Any) -> Response:
    return Response("no", 401)


#: Options, the replies, and the expected outcome and type of the error ("" without one).
ENDS: dict[str, tuple[dict[str, Any], list[far_end.Step], str, str]] = {
    "function-error": (
        {},
        [far_end.respond(200, FAILED, b'{"errorType":"ValueError","errorMessage":"secret"}')],
        "function_error",
        "ValueError",
    ),
    "function-timeout": (
        {},
        [far_end.respond(200, FAILED, b'{"errorMessage":"Task timed out after 3.00 seconds"}')],
        "function_timeout",
        "FunctionError",
    ),
    "deadline": ({"timeout": 100}, [far_end.hang()], "deadline_exceeded", "DeadlinePassed"),
    "throttled-after-a-retry": (
        {"retries": 1},
        [far_end.respond(429, {"X-Amzn-ErrorType": "TooManyRequestsException"})] * 2,
        "throttled",
        "TooManyRequestsException",
    ),
    "reset": ({}, [far_end.reset()], "connection_error", "ConnectionFailed"),
    "denied": ({"authorize": deny}, [], "denied", ""),
}


@pytest.mark.parametrize(("options", "steps", "outcome", "error"), ENDS.values(), ids=ENDS)
def test_span_of_a_failure(
    options: dict[str, Any],
    steps: list[far_end.Step],
    outcome: str,
    error: str,
    exported: Telemetry,
    lambda_server: LambdaServer,
    make_app: MakeApp,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("wsgi_lambda.invoke.retry_quota.random.uniform", lambda low, high: 0)
    lambda_server.script(*steps)
    Client(app_of(make_app, **options)).get("/shop")
    (span,) = exported.spans()
    found = span.attributes or {}
    assert (found["wsgi_lambda.outcome"], found.get("error.type", "")) == (outcome, error)
    expected = (StatusCode.ERROR, outcome) if error else (StatusCode.UNSET, None)
    assert (span.status.status_code, span.status.description) == expected
    assert found.get("http.request.resend_count") == (1 if "retries" in options else None)
    assert not {None, ""} & set(found.values())
    assert "secret" not in span.to_json()


def test_current_span_is_the_parent(
    exported: Telemetry, lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    client = Client(app_of(make_app))
    with exported.provider.get_tracer("app").start_as_current_span("page") as page:
        client.get("/shop", headers={"traceparent": PARENT})
    span, _ = exported.spans()
    assert span.parent == page.get_span_context()


@pytest.mark.parametrize("is_gateway", [True, False], ids=["gateway", "plain"])
def test_trace_of_the_client_continues_in_the_function(
    is_gateway: bool, exported: Telemetry, lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    client = Client(app_of(make_app, awsgateway_compatible=is_gateway))
    client.get("/shop", headers={"traceparent": PARENT, "baggage": "user=7"})
    (span,) = exported.spans()
    own = span.get_span_context()
    assert own is not None
    assert format_trace_id(own.trace_id) == TRACE
    (invocation,) = lambda_server.invocations
    span_id = format_span_id(own.span_id)
    root = f"Root=1-{TRACE[:8]}-{TRACE[8:]};Parent={span_id};Sampled=1"
    assert invocation.header("X-Amzn-Trace-Id") == root
    w3c = json.loads(base64.b64decode(invocation.header("X-Amz-Client-Context") or ""))["w3c"]
    assert w3c == {"traceparent": f"00-{TRACE}-{span_id}-01", "baggage": "user=7"}
    if is_gateway:
        assert json.loads(invocation.body)["headers"]["traceparent"] == w3c["traceparent"]


AMAZON = f"Root=1-{TRACE[:8]}-{TRACE[8:]};Parent=b7ad6b7169203331;Sampled=1"

#: The client's X-Ray header, and whether a span can be its child.
AMAZON_HEADERS = {
    AMAZON: True,
    f"{AMAZON};Lineage=a87bd80c:0": True,
    AMAZON.replace("Parent=b7ad6b7169203331;", ""): False,
    AMAZON.replace("1-0af", "1-XYZ"): False,
}


@pytest.mark.parametrize(("header", "is_parent"), AMAZON_HEADERS.items())
def test_x_ray_header_of_the_client_is_the_parent(
    header: str, is_parent: bool, exported: Telemetry, make_app: MakeApp
) -> None:
    Client(app_of(make_app)).get("/shop", headers={"X-Amzn-Trace-Id": header})
    (span,) = exported.spans()
    assert (span.parent is not None) == is_parent
    if span.parent is not None:
        assert format_trace_id(span.parent.trace_id) == TRACE


def test_instrumentations_of_http_are_suppressed(
    instrumented: Telemetry, lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    Client(app_of(make_app)).get("/shop")
    assert [span.name for span in instrumented.spans()] == ["Lambda.Invoke"]
    (invocation,) = lambda_server.invocations
    assert invocation.header("traceparent") is None


def test_context_is_detached(exported: Telemetry, make_app: MakeApp) -> None:
    from opentelemetry import context

    before = context.get_current()
    client = Client(app_of(make_app))
    client.get("/shop")
    client.get("/shop", headers={"Content-Length": "x"})
    assert context.get_current() == before
    assert len({span.context.trace_id for span in exported.spans() if span.context}) == 2


def test_pages_of_an_instrumented_flask_app_keep_their_span(
    exported: Telemetry, lambda_server: LambdaServer
) -> None:
    from opentelemetry.instrumentation.flask import FlaskInstrumentor
    from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware

    app = Flask(__name__)
    app.add_url_rule("/page", view_func=lambda: "page")
    FlaskInstrumentor().instrument_app(app, tracer_provider=exported.provider)
    config = {**defaults(lambda_server, observers=["otel"]), "routes": {"/shop": {}}}
    config["routes"]["/shop"] = {"function_name": "orders"}
    inner = LambdaMiddleware(app.wsgi_app, config)
    Client(inner).get("/page")
    (span,) = exported.spans()
    assert (span.name, span.kind) == ("GET /page", SpanKind.SERVER)
    exported.clear()
    Client(OpenTelemetryMiddleware(inner, tracer_provider=exported.provider)).get("/shop")
    function, server = exported.spans()
    assert (function.name, server.kind) == ("Lambda.Invoke", SpanKind.SERVER)
    assert function.parent == server.context
    FlaskInstrumentor().uninstrument_app(app)


def test_function_in_a_flask_view_is_a_child_of_the_request(
    exported: Telemetry, lambda_server: LambdaServer
) -> None:
    from opentelemetry.instrumentation.flask import FlaskInstrumentor

    from wsgi_lambda.flask import LambdaFunctions

    app = Flask(__name__)
    app.config["WSGI_LAMBDA"] = {
        **defaults(lambda_server, observers=["otel"]),
        "routes": {"/shop": {"function_name": "orders"}},
        "functions": {"pay": {"function_name": "pay"}},
    }
    functions = LambdaFunctions(app)
    app.add_url_rule("/pay/<order>", view_func=functions.view("pay"))
    app.add_url_rule("/own", view_func=lambda: functions["pay"].invoke({}).json)
    FlaskInstrumentor().instrument_app(app, tracer_provider=exported.provider)
    for path in ("/pay/7", "/own", "/shop"):
        exported.clear()
        assert app.test_client().get(path).status_code == 200
        function, request = exported.spans()
        assert (function.name, request.kind) == ("Lambda.Invoke", SpanKind.SERVER)
        assert function.parent == request.context
    FlaskInstrumentor().uninstrument_app(app)


def test_metrics(
    exported: Telemetry,
    lambda_server: LambdaServer,
    make_app: MakeApp,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("wsgi_lambda.invoke.retry_quota.random.uniform", lambda low, high: 0)
    throttled = far_end.respond(429, {"X-Amzn-ErrorType": "TooManyRequestsException"})
    lambda_server.script(far_end.respond(200, REPLY), throttled, throttled)
    client = Client(app_of(make_app, "/measured", retries=1))
    client.get("/measured")
    client.get("/measured")
    found = exported.metrics("/measured")
    labels = {"wsgi_lambda.route": "/measured", "faas.invoked_name": "orders"}
    durations = found.pop("wsgi_lambda.invocation.duration")
    assert [attributes for attributes, _ in durations] == [
        {**labels, "wsgi_lambda.outcome": "ok"},
        {
            **labels,
            "wsgi_lambda.outcome": "throttled",
            "error.type": "TooManyRequestsException",
        },
    ]
    assert found == {
        "wsgi_lambda.invocation.active": [(labels, 0)],
        "wsgi_lambda.invocation.repeats": [(labels, 1)],
        "wsgi_lambda.function.cold_starts": [(labels, 1)],
        "wsgi_lambda.function.billed_duration": [(labels, 2.0)],
        "wsgi_lambda.function.billed_memory": [(labels, 1.0)],
    }


def test_requests_that_have_not_ended_are_active(
    exported: Telemetry, lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    seen: list[Any] = []

    def look(request: Any) -> None:
        seen.append(exported.metrics("/busy").get("wsgi_lambda.invocation.active"))

    def call_another_app(request: Any) -> None:
        Client(app_of(make_app, "/busy", authorize=look)).get("/busy")

    labels = {"wsgi_lambda.route": "/busy", "faas.invoked_name": "orders"}
    client = Client(app_of(make_app, "/busy", authorize=call_another_app))
    client.get("/busy")
    client.get("/busy")
    assert seen == [[(labels, 2)], [(labels, 2)]]
    assert exported.metrics("/busy")["wsgi_lambda.invocation.active"] == [(labels, 0)]


def test_stream_is_active_until_its_end(
    exported: Telemetry, lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    lambda_server.script(stream(chunk(b"one"), complete()))
    app = app_of(make_app, "/chat", invoke_mode="RESPONSE_STREAM")
    response = Client(app).get("/chat", buffered=False)
    assert exported.metrics("/chat")["wsgi_lambda.invocation.active"][0][1] == 1
    assert response.data == b"one"
    response.close()
    assert exported.metrics("/chat")["wsgi_lambda.invocation.active"][0][1] == 0


def test_client_that_goes_away_is_no_error(
    exported: Telemetry, lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    lambda_server.script(stream(chunk(b"one"), chunk(b"two"), complete()))
    app = app_of(make_app, "/gone", invoke_mode="RESPONSE_STREAM")
    Client(app).get("/gone", buffered=False).close()
    (span,) = exported.spans()
    assert span.status.status_code is StatusCode.UNSET
    assert "error.type" not in span.attributes
    assert span.attributes["wsgi_lambda.outcome"] == "client_disconnected"
    ((attributes, _),) = exported.metrics("/gone")["wsgi_lambda.invocation.duration"]
    assert "error.type" not in attributes


def test_measurements_are_exemplars_of_the_trace_around_them(
    exported: Telemetry, make_app: MakeApp
) -> None:
    client = Client(app_of(make_app, "/traced"))
    client.get("/traced")
    assert exported.exemplars("/traced") == []
    with exported.provider.get_tracer("app").start_as_current_span("page") as page:
        client.get("/traced")
    assert exported.exemplars("/traced") == [page.get_span_context().trace_id]


def test_routes_of_two_hosts_have_their_own_attributes(
    exported: Telemetry, make_app: MakeApp
) -> None:
    functions = {"a": "a.test", "b": "b.test"}
    routes = [{"function_name": name, "hosts": [host]} for name, host in functions.items()]
    client = Client(make_app({"/hosts": routes}, observers=["otel"]))
    for host in functions.values():
        client.get("/hosts", base_url=f"http://{host}")
    found = [(span.attributes or {})["faas.invoked_name"] for span in exported.spans()]
    assert found == ["a", "b"]
    counted = exported.metrics("/hosts")["wsgi_lambda.invocation.active"]
    assert [labels["faas.invoked_name"] for labels, _ in counted] == ["a", "b"]


def test_no_op_objects_propagate_nothing(
    exported: Telemetry,
    lambda_server: LambdaServer,
    make_app: MakeApp,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("opentelemetry.trace.get_tracer", lambda name: NoOpTracer())
    Client(app_of(make_app)).get("/shop")
    assert exported.spans() == ()
    assert lambda_server.invocations[0].header("X-Amz-Client-Context") is None


def handle(event: Any, context: Any) -> Any:
    return event


def test_span_of_a_function_in_this_process(exported: Telemetry) -> None:
    route = {"function_name": "orders", "handler": f"{__name__}:handle"}
    config = {"local": True, "observers": ["otel"], "routes": {"/shop": route}}
    assert Client(LambdaMiddleware(None, config)).get("/shop").status_code == 200
    (span,) = exported.spans()
    found = span.attributes or {}
    assert (found["wsgi_lambda.outcome"], "server.address" in found) == ("ok", False)


def test_warm_start_is_billed(
    exported: Telemetry, lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    warm = base64.b64encode(REPORT.partition("\tInit")[0].encode()).decode()
    lambda_server.respond(200, {"X-Amz-Log-Result": warm})
    Client(app_of(make_app, "/warm")).get("/warm")
    (span,) = exported.spans()
    assert (span.attributes or {})["faas.coldstart"] is False
    found = exported.metrics("/warm")
    assert "wsgi_lambda.function.cold_starts" not in found
    assert found["wsgi_lambda.function.billed_duration"][0][1] == 2.0


WITHOUT_SDK = """
import sys
from werkzeug.test import Client
from wsgi_lambda import LambdaMiddleware
app = LambdaMiddleware(None, {config!r})
assert Client(app).get("/shop", headers={{"traceparent": {parent!r}}}).status_code == 200
assert "opentelemetry.sdk" not in sys.modules
"""


def test_without_an_sdk_nothing_is_exported_and_the_trace_passes(
    lambda_server: LambdaServer, tmp_path: Path
) -> None:
    config = {**defaults(lambda_server, observers=["otel"])}
    config["routes"] = {"/shop": {"function_name": "orders"}}
    (tmp_path / "run.py").write_text(WITHOUT_SDK.format(config=config, parent=PARENT))
    root = str(Path(__file__).parents[2])
    environ = {"PYTHONPATH": root, "PATH": ""}
    subprocess.run([sys.executable, "run.py"], cwd=tmp_path, env=environ, check=True, timeout=60)
    (invocation,) = lambda_server.invocations
    assert f"Root=1-{TRACE[:8]}-{TRACE[8:]}" in (invocation.header("X-Amzn-Trace-Id") or "")
