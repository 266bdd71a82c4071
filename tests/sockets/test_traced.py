"""OpenTelemetry's instrumentation of requests sees our invocations as it sees any other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.conftest import MakeApp
from tests.servers import lambda_server as far_end
from tests.servers.lambda_server import LambdaServer
from tests.servers.web_server import serving

ROUTES = {"/f": {"function_name": "f"}}


@pytest.fixture
def seen() -> list[bytes]:
    """The bodies that a hook of the instrumentation reads, in the test that uses it."""
    return []


@pytest.fixture
def spans(request: pytest.FixtureRequest) -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    hooks = {}
    if "seen" in request.fixturenames:
        seen = request.getfixturevalue("seen")
        hooks["response_hook"] = lambda span, sent, response: seen.append(response.content)
    RequestsInstrumentor().instrument(tracer_provider=provider, **hooks)
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


@pytest.mark.parametrize(
    "framing",
    [b"Content-Length: 4", b"Transfer-Encoding: chunked", b"Connection: close"],
    ids=["length", "chunks", "close"],
)
def test_body_that_a_hook_has_read_is_still_the_response(
    framing: bytes,
    seen: list[bytes],
    spans: InMemorySpanExporter,
    lambda_server: LambdaServer,
    make_app: MakeApp,
) -> None:
    body = b"4\r\ntrue\r\n0\r\n\r\n" if b"chunked" in framing else b"true"
    message = b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n" + body
    lambda_server.script(far_end.raw(message, close=b"close" in framing))
    with serving(make_app(ROUTES)) as web:
        assert (web.send("GET", "/f").body, seen) == (b"true", [b"true"])
        lambda_server.script(far_end.respond(200, {}, b"x" * 2000))
    with serving(make_app(ROUTES, max_response_size=1000)) as web:
        assert web.send("GET", "/f").status == 502
    assert len(spans.get_finished_spans()) == 2
