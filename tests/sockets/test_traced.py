"""OpenTelemetry's instrumentation of requests sees our invocations as it sees any other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.conftest import MakeApp
from tests.servers.lambda_server import LambdaServer
from tests.servers.web_server import serving

ROUTES = {"/f": {"function_name": "f"}}


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    RequestsInstrumentor().instrument(tracer_provider=provider)
    try:
        yield exporter
    finally:
        RequestsInstrumentor().uninstrument()


@pytest.mark.parametrize("status", [200, 429])
def test_an_invocation_is_a_span(
    status: int, spans: InMemorySpanExporter, lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    lambda_server.respond(status, {}, b"{}")
    with serving(make_app(ROUTES)) as web:
        web.send("GET", "/f?a=1")
    (span,) = spans.get_finished_spans()
    found = dict(span.attributes or {})
    assert (found["http.method"], found["http.status_code"]) == ("POST", status)
    assert str(found["http.url"]).endswith("/2015-03-31/functions/f/invocations")
    # What it adds to the request is not signed, and does no harm.
    (invocation,) = lambda_server.invocations
    assert invocation.header("traceparent")
    assert invocation.event == {"a": "1"}
