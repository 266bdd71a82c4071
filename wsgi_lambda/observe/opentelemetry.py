"""Make a span of each request to a route, and metrics: `"observers": ["otel"]`.

The only file that imports OpenTelemetry, and its API only: without an SDK its objects
do nothing. Names follow the conventions for the AWS SDK.
https://opentelemetry.io/docs/specs/semconv/cloud-providers/aws-sdk/
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable
from contextvars import Token
from operator import attrgetter
from typing import NamedTuple
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from opentelemetry import context, metrics, propagate, trace
from opentelemetry.context import _SUPPRESS_HTTP_INSTRUMENTATION_KEY, Context
from opentelemetry.metrics import CallbackOptions, Observation
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

# Routes with different hosts may have the same path, and different functions.
_key_of = attrgetter("route", "function", "region", "lambda_endpoint", "invoke_mode")

#: Outcomes in which nothing failed.
_NO_FAILURES = frozenset(("ok", "denied", "client_disconnected"))


class _Route(NamedTuple):
    """Route and function, and the attributes of their spans and metrics."""

    name: tuple[str, str]
    of_span: dict[str, AttributeValue]
    labels: dict[str, AttributeValue]
    succeeded: dict[str, AttributeValue]


class _Open(NamedTuple):
    """The span of a request that has not ended, what detaches its context, and its process."""

    route: _Route
    span: Span
    token: Token[Context]
    pid: int


class OpenTelemetry(Observer):
    """A span `Lambda.Invoke` and six metrics; docs/operations.md lists them.

    The span is a child of the current one, else of the client's trace. It is the
    current span until the reply is known. Meanwhile instrumentations of
    HTTP libraries make no span: AWS ignores the trace that they send.
    """

    def __init__(self) -> None:
        self._tracer = trace.get_tracer(_NAME)
        self._routes: dict[tuple[str, ...], _Route] = {}
        self._open: dict[int, _Open] = {}
        opt_in = os.environ.get("OTEL_SEMCONV_STABILITY_OPT_IN", "")
        self._conventions = {each.strip() for each in opt_in.split(",")}
        meter = metrics.get_meter(_NAME)
        self._duration = meter.create_histogram(
            "wsgi_lambda.invocation.duration", "s", "Time from the wait for credentials to the end"
        )
        _observers[id(self)] = self
        # Counted when metrics are exported: to add 1 and -1 takes 25 µs of each request.
        # The SDK keeps the callback of the first observer of a process only.
        meter.create_observable_up_down_counter(
            "wsgi_lambda.invocation.active", [_count_active], "{invocation}", "Requests under way"
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
        route, parent = self._route(record), _parent(record)
        span = self._tracer.start_span("Lambda.Invoke", parent, SpanKind.CLIENT, route.of_span)
        current = trace.set_span_in_context(span, parent)
        _propagate(record, span, current)
        suppressed = context.set_value(_SUPPRESS_HTTP_INSTRUMENTATION_KEY, True, current)
        self._open[id(record)] = _Open(route, span, context.attach(suppressed), os.getpid())

    def replied(self, record: InvocationRecord) -> None:
        # Without it `began` has failed: a sampler or a propagator has raised.
        if opened := self._open.get(id(record)):
            context.detach(opened.token)

    def ended(self, record: InvocationRecord) -> None:
        opened = self._open.pop(id(record), None)
        if opened is None:
            return
        route, span, _, _ = opened
        self._measure(record, route)
        if span.is_recording():
            span.set_attributes(_attributes(record))
            if record.outcome not in _NO_FAILURES:
                span.set_status(StatusCode.ERROR, record.outcome)
        span.end()

    def active(self) -> Counter[tuple[str, str]]:
        """Return the number of requests that have not ended, by route and function."""
        counts = Counter({each.name: 0 for each in list(self._routes.values())})
        # A child process does not end what its parent began before the fork.
        own = os.getpid()
        counts.update(each.route.name for each in list(self._open.values()) if each.pid == own)
        return counts

    def _route(self, record: InvocationRecord) -> _Route:
        key = _key_of(record)
        found = self._routes.get(key)
        if found is None:
            labels = _labels(record.route, record.function)
            succeeded = {**labels, "wsgi_lambda.outcome": "ok"}
            of_span = _route_attributes(record, self._conventions)
            found = self._routes[key] = _Route(key[:2], of_span, labels, succeeded)
        return found

    def _measure(self, record: InvocationRecord, route: _Route) -> None:
        labels, outcome = route.labels, route.succeeded
        if record.outcome != "ok":
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


#: The observers of this process, by their ids.
_observers: WeakValueDictionary[int, OpenTelemetry] = WeakValueDictionary()


def _count_active(options: CallbackOptions) -> Iterable[Observation]:  # noqa: ARG001
    """Return the requests that have not ended, of all observers of this process."""
    counts: Counter[tuple[str, str]] = Counter()
    # Not values(): another thread may make an observer meanwhile.
    for observer in filter(None, [reference() for reference in _observers.valuerefs()]):
        counts.update(observer.active())
    return [Observation(number, _labels(*name)) for name, number in counts.items()]


def _labels(route: str, function: str) -> dict[str, AttributeValue]:
    return {"wsgi_lambda.route": route, "faas.invoked_name": function}


def _parent(record: InvocationRecord) -> Context:
    """Return the context with the current span, else with that of the client."""
    current = context.get_current()
    if not record.incoming or trace.get_current_span(current).get_span_context().is_valid:
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


def _propagate(record: InvocationRecord, span: Span, current: Context) -> None:
    """Hand the span's context to the function, in all formats that it may read."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier, current)
    for name, value in carrier.items():
        record.propagate[name.lower()] = value
    own = span.get_span_context()
    if own.is_valid:
        root = f"{own.trace_id:032x}"
        record.propagate["x-amzn-trace-id"] = (
            f"Root=1-{root[:8]}-{root[8:]};Parent={own.span_id:016x};Sampled={own.trace_flags & 1}"
        )


def _route_attributes(record: InvocationRecord, conventions: set[str]) -> dict[str, AttributeValue]:
    method = "InvokeWithResponseStream" if record.invoke_mode == "RESPONSE_STREAM" else "Invoke"
    found: dict[str, AttributeValue] = {
        "faas.invoked_name": record.function,
        "faas.invoked_provider": "aws",
        "faas.invoked_region": record.region,
        "cloud.region": record.region,
        "wsgi_lambda.route": record.route,
    }
    # Of both, `rpc/dup` wins: https://opentelemetry.io/docs/specs/semconv/rpc/
    if "rpc" not in conventions or "rpc/dup" in conventions:
        found |= {"rpc.system": "aws-api", "rpc.service": "Lambda", "rpc.method": method}
    if conventions & {"rpc", "rpc/dup"}:
        found |= {"rpc.system.name": "aws-api", "rpc.method": f"Lambda/{method}"}
    url = urlsplit(record.lambda_endpoint)
    if url.hostname:  # not in local mode
        found["server.address"] = url.hostname
        found["server.port"] = url.port or (443 if url.scheme == "https" else 80)
    return found


def _attributes(record: InvocationRecord) -> dict[str, AttributeValue]:
    found: dict[str, AttributeValue] = {
        "wsgi_lambda.outcome": record.outcome,
        "wsgi_lambda.payload_bytes": record.payload_bytes,
        "wsgi_lambda.response_bytes": record.response_bytes,
    }
    if record.lambda_status is not None:
        found["http.response.status_code"] = record.lambda_status
    if record.aws_request_id:
        found["aws.request_id"] = record.aws_request_id
    if record.attempts > 1:
        found["http.request.resend_count"] = record.attempts - 1
    if record.is_cold is not None:
        found["faas.coldstart"] = record.is_cold
    if record.billed_ms is not None:
        found["wsgi_lambda.function.billed_ms"] = record.billed_ms
    if record.init_ms is not None:
        found["wsgi_lambda.function.init_ms"] = record.init_ms
    if record.memory_used_mb is not None:
        found["wsgi_lambda.function.memory_used_mb"] = record.memory_used_mb
    if record.outcome not in _NO_FAILURES:
        found["error.type"] = record.error_type or record.outcome
    return found
