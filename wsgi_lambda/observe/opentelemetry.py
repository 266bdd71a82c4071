"""Make a span of each request to a route, and metrics: `"observers": ["otel"]`.

The only file that imports OpenTelemetry, and its API only: without an SDK its objects
do nothing. Names follow the conventions for the AWS SDK.
https://opentelemetry.io/docs/specs/semconv/cloud-providers/aws-sdk/
"""

from __future__ import annotations

import os
import re
from contextvars import Token
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from opentelemetry import context, metrics, propagate, trace
from opentelemetry.context import _SUPPRESS_HTTP_INSTRUMENTATION_KEY, Context
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
)
from opentelemetry.util.types import AttributeValue

from wsgi_lambda.observe import InvocationRecord, Observer

_NAME = "wsgi_lambda"

# X-Ray's header as its own services send it; only with a parent can a span have one.
_AMAZON = re.compile(
    r"Root=1-([0-9a-f]{8})-([0-9a-f]{24});Parent=([0-9a-f]{16});Sampled=([01])(?:;|\Z)"
)

#: Outcomes in which nothing failed.
_NO_FAILURES = frozenset(("ok", "denied", "client_disconnected"))


class _Open(NamedTuple):
    """The span of a request that has not ended, and what detaches its context."""

    span: Span
    token: Token[Context]


class OpenTelemetry(Observer):
    """A span `Lambda.Invoke` and six metrics; docs/operations.md lists them.

    The span is a child of the current one, else of the client's trace. It is the
    current span until the reply is known. Meanwhile instrumentations of
    HTTP libraries make no span: AWS ignores the trace that they send.
    """

    def __init__(self) -> None:
        self._tracer = trace.get_tracer(_NAME)
        self._open: dict[int, _Open] = {}
        self._route_attributes: dict[tuple[str, str], dict[str, AttributeValue]] = {}
        opt_in = os.environ.get("OTEL_SEMCONV_STABILITY_OPT_IN", "")
        self._conventions = {each.strip() for each in opt_in.split(",")}
        meter = metrics.get_meter(_NAME)
        self._duration = meter.create_histogram(
            "wsgi_lambda.invocation.duration", "s", "Time from the wait for credentials to the end"
        )
        self._active = meter.create_up_down_counter(
            "wsgi_lambda.invocation.active", "{invocation}", "Requests to a route at this moment"
        )
        self._repeats = meter.create_counter(
            "wsgi_lambda.invocation.repeats", "{request}", "Requests that were sent again"
        )
        self._cold_starts = meter.create_counter(
            "wsgi_lambda.function.cold_starts", "{invocation}", "Replies that waited for an init"
        )
        self._billed = meter.create_counter(
            "wsgi_lambda.function.billed_duration", "s", "Billed time"
        )
        self._billed_memory = meter.create_counter(
            "wsgi_lambda.function.billed_memory", "GBy.s", "Billed time and memory size, multiplied"
        )

    def began(self, record: InvocationRecord) -> None:
        parent = _parent(record)
        span = self._tracer.start_span(
            "Lambda.Invoke",
            parent,
            kind=SpanKind.CLIENT,
            attributes=self._attributes_of_route(record),
        )
        current = trace.set_span_in_context(span, parent)
        _propagate(record, span, current)
        suppressed = context.set_value(_SUPPRESS_HTTP_INSTRUMENTATION_KEY, True, current)
        self._open[id(record)] = _Open(span, context.attach(suppressed))
        self._active.add(1, _labels(record))

    def replied(self, record: InvocationRecord) -> None:
        context.detach(self._open[id(record)].token)

    def ended(self, record: InvocationRecord) -> None:
        span, _ = self._open.pop(id(record))
        labels = _labels(record)
        self._active.add(-1, labels)
        self._measure(record, labels)
        if span.is_recording():
            span.set_attributes(_attributes(record))
            if record.outcome not in _NO_FAILURES:
                span.set_status(StatusCode.ERROR, record.outcome)
        span.end()

    def _attributes_of_route(self, record: InvocationRecord) -> dict[str, AttributeValue]:
        key = (record.route, record.lambda_endpoint)
        found = self._route_attributes.get(key)
        if found is None:
            found = _route_attributes(record, self._conventions)
            self._route_attributes[key] = found
        return found

    def _measure(self, record: InvocationRecord, labels: dict[str, AttributeValue]) -> None:
        outcome = {**labels, "wsgi_lambda.outcome": record.outcome}
        if record.outcome not in _NO_FAILURES:
            outcome["error.type"] = record.error_type or record.outcome
        self._duration.record(record.duration_ms / 1000, outcome)
        if record.attempts > 1:
            self._repeats.add(record.attempts - 1, labels)
        if record.billed_ms is not None and record.memory_mb is not None:
            seconds = record.billed_ms / 1000
            self._billed.add(seconds, labels)
            self._billed_memory.add(seconds * record.memory_mb / 1024, labels)
            if record.is_cold:
                self._cold_starts.add(1, labels)


def _parent(record: InvocationRecord) -> Context:
    """Return the context with the current span, else with that of the client."""
    current = context.get_current()
    if trace.get_current_span(current).get_span_context().is_valid:
        return current
    found = propagate.extract(record.incoming, current)
    amazon = _AMAZON.match(record.incoming.get("x-amzn-trace-id", ""))
    if trace.get_current_span(found).get_span_context().is_valid or amazon is None:
        return found
    given = SpanContext(
        trace_id=int(amazon[1] + amazon[2], 16),
        span_id=int(amazon[3], 16),
        is_remote=True,
        trace_flags=TraceFlags(int(amazon[4])),
    )
    return trace.set_span_in_context(NonRecordingSpan(given), found)


def _labels(record: InvocationRecord) -> dict[str, AttributeValue]:
    return {"wsgi_lambda.route": record.route, "faas.invoked_name": record.function}


def _propagate(record: InvocationRecord, span: Span, current: Context) -> None:
    """Hand the span's context to the function, in all formats that it may read."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier, current)
    record.propagate.update((name.lower(), value) for name, value in carrier.items())
    own = span.get_span_context()
    if own.is_valid:
        root = trace.format_trace_id(own.trace_id)
        parent = trace.format_span_id(own.span_id)
        record.propagate["x-amzn-trace-id"] = (
            f"Root=1-{root[:8]}-{root[8:]};Parent={parent};Sampled={own.trace_flags & 1}"
        )


def _route_attributes(record: InvocationRecord, conventions: set[str]) -> dict[str, AttributeValue]:
    is_stream = record.invoke_mode == "RESPONSE_STREAM"
    method = "InvokeWithResponseStream" if is_stream else "Invoke"
    found: dict[str, AttributeValue] = {
        "faas.invoked_name": record.function,
        "faas.invoked_provider": "aws",
        "faas.invoked_region": record.region,
        "cloud.region": record.region,
        "wsgi_lambda.route": record.route,
    }
    if "rpc" not in conventions:
        found |= {"rpc.system": "aws-api", "rpc.service": "Lambda", "rpc.method": method}
    if conventions & {"rpc", "rpc/dup"}:
        found |= {"rpc.system.name": "aws-api", "rpc.method": f"Lambda/{method}"}
    url = urlsplit(record.lambda_endpoint)
    if url.hostname:  # not in local mode
        found["server.address"] = url.hostname
        found["server.port"] = url.port or (443 if url.scheme == "https" else 80)
    return found


def _attributes(record: InvocationRecord) -> dict[str, AttributeValue]:
    found: dict[str, Any] = {
        "http.response.status_code": record.lambda_status,
        "aws.request_id": record.aws_request_id or None,
        "faas.coldstart": record.is_cold,
        "http.request.resend_count": record.attempts - 1 if record.attempts > 1 else None,
        "wsgi_lambda.outcome": record.outcome,
        "wsgi_lambda.payload_bytes": record.payload_bytes,
        "wsgi_lambda.response_bytes": record.response_bytes,
        "wsgi_lambda.function.billed_ms": record.billed_ms,
        "wsgi_lambda.function.init_ms": record.init_ms,
        "wsgi_lambda.function.memory_used_mb": record.memory_used_mb,
    }
    if record.outcome not in _NO_FAILURES:
        found["error.type"] = record.error_type or record.outcome
    return {name: value for name, value in found.items() if value is not None}
