"""A Django project that is instrumented with OpenTelemetry, and its functions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.trace import SpanKind, format_span_id

from tests.inapp.conftest import PROXY, MakeDjango, result
from tests.servers.event_stream import chunk, complete, stream
from tests.servers.lambda_server import LambdaServer
from tests.servers.telemetry import Telemetry, telemetry

OTEL = {"observers": ["otel"]}
#: The span of the client is the parent of the request's.
CLIENT = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}


@pytest.fixture
def exported(make_django: MakeDjango) -> Iterator[Telemetry]:
    """Instrument Django; return what is exported."""
    found = telemetry()
    found.clear()
    instrumentor = DjangoInstrumentor()
    instrumentor.instrument(tracer_provider=found.provider)
    yield found
    instrumentor.uninstrument()


def urls() -> list[Any]:
    from django.http import JsonResponse
    from django.urls import path

    from wsgi_lambda.django import functions, lambda_view

    return [
        path("pay/<order>/", lambda_view("pay")),
        path("respond/", lambda request: functions["pay"].respond(request)),
        path("own/", lambda request: JsonResponse({"got": functions["pay"].invoke({}).json})),
    ]


PATHS = {"/shop/7": "/shop/{id}", "/pay/7/": "pay", "/respond/": "pay", "/own/": "pay"}


@pytest.mark.parametrize(("path", "route"), PATHS.items())
def test_function_is_a_child_of_the_request(
    path: str, route: str, exported: Telemetry, make_django: MakeDjango, far: LambdaServer
) -> None:
    far.script(result(200))
    client = make_django(
        {"/shop/{id}": PROXY | {"function_name": "shop"}}, {"pay": PROXY}, urls=urls, options=OTEL
    ).client
    assert client.get(path, headers=CLIENT).status_code == 200
    function, request = exported.spans()
    assert (function.name, request.kind) == ("Lambda.Invoke", SpanKind.SERVER)
    assert (function.attributes or {})["wsgi_lambda.route"] == route
    assert function.context is not None
    assert function.parent == request.context
    parent = format_span_id(function.context.span_id)
    assert f"Parent={parent};" in (far.invocations[0].header("X-Amzn-Trace-Id") or "")


def test_stream_is_a_child_of_the_request_and_ends_after_it(
    exported: Telemetry, make_django: MakeDjango, far: LambdaServer
) -> None:
    far.script(stream(chunk(b"one"), complete()))
    chat = {"function_name": "chat", "invoke_mode": "RESPONSE_STREAM"}
    response = make_django({"/chat": chat}, options=OTEL).client.get("/chat", headers=CLIENT)
    assert b"".join(response) == b"one"
    response.close()
    request, function = sorted(exported.spans(), key=lambda span: span.kind is SpanKind.CLIENT)
    assert (function.name, function.parent) == ("Lambda.Invoke", request.context)
    assert (function.attributes or {})["wsgi_lambda.response_bytes"] == 3
