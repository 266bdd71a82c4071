"""OpenTelemetry's SDK with exporters in memory, once for the whole process."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


class Telemetry:
    """What was exported. OpenTelemetry allows one provider of each kind per process."""

    def __init__(self) -> None:
        self._spans = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self._spans))
        trace.set_tracer_provider(self.provider)
        metrics.set_meter_provider(MeterProvider([self._reader], shutdown_on_exit=False))

    def clear(self) -> None:
        self._spans.clear()

    def spans(self) -> tuple[ReadableSpan, ...]:
        """Return the spans that have ended, in the order of their ends."""
        return self._spans.get_finished_spans()

    def metrics(self, route: str) -> dict[str, list[tuple[dict[str, Any], Any]]]:
        """Return the attributes and values of each metric for ``route``."""
        found: dict[str, list[tuple[dict[str, Any], Any]]] = {}
        for name, point in self._points(route):
            value = point.sum if hasattr(point, "sum") else point.value
            found.setdefault(name, []).append((dict(point.attributes), value))
        return found

    def exemplars(self, route: str) -> list[int | None]:
        """Return the ids of the traces with which the durations of ``route`` were measured."""
        name = "wsgi_lambda.invocation.duration"
        points = [point for each, point in self._points(route) if each == name]
        return [exemplar.trace_id for point in points for exemplar in point.exemplars]

    def _points(self, route: str) -> Iterator[tuple[str, Any]]:
        data = self._reader.get_metrics_data()
        for resource in data.resource_metrics if data else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics if scope.scope.name == "wsgi_lambda" else ():
                    for point in metric.data.data_points:
                        if (point.attributes or {}).get("wsgi_lambda.route") == route:
                            yield metric.name, point


telemetry = cache(Telemetry)
