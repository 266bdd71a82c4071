"""Count invocations with prometheus_client: `"observers": ["prometheus"]`.

The only file that imports prometheus_client. With PROMETHEUS_MULTIPROC_DIR a scrape of one
worker process contains the numbers of all; the app serves the page itself.
https://prometheus.github.io/client_python/multiprocess/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from types import SimpleNamespace
from typing import Any, NamedTuple

from prometheus_client import Counter, Gauge, Histogram

from wsgi_lambda.observe import InvocationRecord, PreparedObserver

_ROUTE = ("route", "function")
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_INIT_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_BYTES = (1e3, 1e4, 1e5, 1e6, 6_291_456)


class Declared(NamedTuple):
    """A metric of each route; its labels are route and function."""

    kind: type[Counter | Gauge | Histogram]
    name: str
    text: str
    options: Mapping[str, Any] = {}


OF_ROUTE = {
    "duration": Declared(
        Histogram,
        "wsgi_lambda_duration_seconds",
        "Time from the wait for credentials to the end of the reply",
        {"buckets": _SECONDS},
    ),
    "payload": Declared(
        Histogram, "wsgi_lambda_payload_bytes", "Size of events that were sent", {"buckets": _BYTES}
    ),
    "response": Declared(
        Histogram, "wsgi_lambda_response_bytes", "Size of Lambda's replies", {"buckets": _BYTES}
    ),
    "in_flight": Declared(
        Gauge,
        "wsgi_lambda_in_flight",
        "Requests to a route at this moment",
        {"multiprocess_mode": "livesum"},
    ),
    "repeats": Declared(Counter, "wsgi_lambda_repeats_total", "Requests that were sent again"),
    "credentials_wait": Declared(
        Counter, "wsgi_lambda_credentials_wait_seconds_total", "Time of waiting for credentials"
    ),
    "reported": Declared(Counter, "wsgi_lambda_reported_total", "Replies with a report of Lambda"),
    "cold_starts": Declared(
        Counter, "wsgi_lambda_cold_starts_total", "Reported replies that waited for an init"
    ),
    "init": Declared(
        Histogram,
        "wsgi_lambda_init_seconds",
        "Time of an init or a restore",
        {"buckets": _INIT_SECONDS},
    ),
    "billed": Declared(Counter, "wsgi_lambda_billed_seconds_total", "Billed time"),
    "billed_gb": Declared(
        Counter, "wsgi_lambda_billed_gb_seconds_total", "Billed time multiplied by the memory size"
    ),
}
#: Outcomes of a request to a route, with the status that each usually has.
OUTCOMES = (
    ("ok", 200),
    ("function_error", 200),
    ("function_error", 502),  # in proxy integration
    ("function_timeout", 200),
    ("function_timeout", 504),
    ("invalid_result", 502),
    ("throttled", 429),
    ("not_ready", 503),
    ("service_error", 502),
    ("deadline_exceeded", 504),
    ("connection_error", 502),
    ("credentials_error", 500),
    ("concurrency_limit", 503),
    ("bad_request", 400),
    ("bad_request", 413),
    ("authorize_error", 500),
)
#: The same, of streams only.
STREAM_OUTCOMES = (("stream_error", 200), ("client_disconnected", 200))
INVOCATIONS = "wsgi_lambda_invocations_total"
CONNECTIONS_OPENED = "wsgi_lambda_connections_opened_total"


class _Metrics:
    """The metrics of this process, in prometheus_client's default registry."""

    def __init__(self) -> None:
        self.invocations = Counter(
            INVOCATIONS,
            "Requests to a route, by outcome and status of the response",
            (*_ROUTE, "outcome", "code"),
        )
        self.opened = Counter(CONNECTIONS_OPENED, "Connections to Lambda", ("lambda_endpoint",))
        self._of_route = {
            name: each.kind(each.name, each.text, _ROUTE, **each.options)
            for name, each in OF_ROUTE.items()
        }

    def of(self, record: InvocationRecord) -> Any:
        """Return the metrics of one route: `duration`, …, by the names in `OF_ROUTE`."""
        labels = (record.route, record.function)
        return SimpleNamespace(
            opened=self.opened.labels(record.lambda_endpoint),
            **{name: metric.labels(*labels) for name, metric in self._of_route.items()},
        )


# A registry rejects a second metric of the same name, and a process may have two apps.
_metrics = cache(_Metrics)


class Prometheus(PreparedObserver):
    """Counts each request to a route; docs/operations.md lists the metrics."""

    def __init__(self) -> None:
        self._metrics = _metrics()
        self._routes: dict[tuple[str, str, str], Any] = {}
        self._counters: dict[tuple[str, str, str, int], Counter] = {}

    def prepare(self, routes: Iterable[InvocationRecord]) -> None:
        """Begin all series with 0, so that `rate()` sees their first increment."""
        for route in routes:
            self._of(route)
            is_stream = route.invoke_mode == "RESPONSE_STREAM"
            for outcome in OUTCOMES + (STREAM_OUTCOMES if is_stream else ()):
                self._counter(route.route, route.function, *outcome)

    def began(self, record: InvocationRecord) -> None:
        self._of(record).in_flight.inc()

    def ended(self, record: InvocationRecord) -> None:
        of = self._of(record)
        of.in_flight.dec()
        self._counter(record.route, record.function, record.outcome, record.status).inc()
        if record.attempts:
            of.duration.observe(record.duration_ms / 1000)
            of.payload.observe(record.payload_bytes)
            if record.attempts > 1:
                of.repeats.inc(record.attempts - 1)
            if record.connections_opened:
                of.opened.inc(record.connections_opened)
        if record.lambda_status is not None:
            of.response.observe(record.response_bytes)
        if record.credentials_ms:
            of.credentials_wait.inc(record.credentials_ms / 1000)
        if record.billed_ms is not None and record.memory_mb is not None:
            _count_report(of, record, record.billed_ms / 1000, record.memory_mb / 1024)

    def _of(self, record: InvocationRecord) -> Any:
        # To look up the labels of a metric takes a microsecond.
        key = (record.route, record.function, record.lambda_endpoint)
        found = self._routes.get(key)
        if found is None:
            found = self._routes[key] = self._metrics.of(record)
        return found

    def _counter(self, route: str, function: str, outcome: str, status: int) -> Counter:
        key = (route, function, outcome, status)
        found = self._counters.get(key)
        if found is None:
            found = self._metrics.invocations.labels(route, function, outcome, str(status))
            self._counters[key] = found
        return found


def _count_report(of: Any, record: InvocationRecord, seconds: float, gigabytes: float) -> None:
    of.reported.inc()
    of.billed.inc(seconds)
    of.billed_gb.inc(seconds * gigabytes)
    if record.is_cold:
        of.cold_starts.inc()
        of.init.observe((record.init_ms or record.restore_ms or 0.0) / 1000)
