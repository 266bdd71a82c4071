"""The observer `prometheus` in one process."""

from __future__ import annotations

import base64
import itertools
import math
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import REGISTRY
from werkzeug.test import Client

from tests.conftest import MakeApp
from tests.servers import lambda_server as far_end
from tests.servers.lambda_server import LambdaServer

REPORT = (
    "REPORT RequestId: r-1\tDuration: 1500.00 ms\tBilled Duration: 2000 ms\t"
    "Memory Size: 512 MB\tMax Memory Used: 40 MB"
)
COLD = f"{REPORT}\tInit Duration: 300.00 ms"
numbers = itertools.count()


@pytest.fixture
def path() -> str:
    """A path that no other test has: the registry belongs to the process."""
    return f"/metrics-{next(numbers)}"


def logged(report: str) -> dict[str, str]:
    return {"X-Amz-Log-Result": base64.b64encode(report.encode()).decode()}


def value(name: str, path: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(
        f"wsgi_lambda_{name}", {"route": path, "function": "orders", **labels}
    )


def app_of(make_app: MakeApp, path: str, **options: Any) -> Any:
    return make_app({path: {"function_name": "orders:live", **options}}, observers=["prometheus"])


#: Every metric with the labels route and function, as it is before the first request.
ZERO = (
    "duration_seconds_count",
    "payload_bytes_count",
    "response_bytes_count",
    "in_flight",
    "repeats_total",
    "credentials_wait_seconds_total",
    "reported_total",
    "cold_starts_total",
    "init_seconds_count",
    "billed_seconds_total",
    "billed_gb_seconds_total",
)


def test_series_begin_with_zero(make_app: MakeApp, path: str) -> None:
    app_of(make_app, path)
    assert {name: value(name, path) for name in ZERO} == dict.fromkeys(ZERO, 0)


#: Rare ones first of all: `increase()` does not see the beginning of a series at 1.
FAILURES: dict[str, tuple[far_end.Step, str, str]] = {
    "ok": (far_end.respond(200), "ok", "200"),
    "function_error": (
        far_end.respond(200, {"X-Amz-Function-Error": "Unhandled"}),
        "function_error",
        "200",
    ),
    "throttled": (far_end.respond(429), "throttled", "429"),
    "not_ready": (far_end.respond(503), "not_ready", "503"),
    "service_error": (far_end.respond(403), "service_error", "502"),
    "connection_error": (far_end.reset(), "connection_error", "502"),
}


@pytest.mark.parametrize(("step", "outcome", "code"), FAILURES.values(), ids=FAILURES)
def test_first_failure_increments_a_zero(
    step: far_end.Step,
    outcome: str,
    code: str,
    lambda_server: LambdaServer,
    make_app: MakeApp,
    path: str,
) -> None:
    lambda_server.script(step)
    client = Client(app_of(make_app, path))
    assert value("invocations_total", path, outcome=outcome, code=code) == 0
    client.post(path)
    assert value("invocations_total", path, outcome=outcome, code=code) == 1


@pytest.mark.parametrize(("mode", "found"), [("BUFFERED", None), ("RESPONSE_STREAM", 0)])
def test_only_streams_have_the_outcomes_of_streams(
    mode: str, found: int | None, make_app: MakeApp, path: str
) -> None:
    app_of(make_app, path, invoke_mode=mode)
    for outcome in ("stream_error", "client_disconnected"):
        assert value("invocations_total", path, outcome=outcome, code="200") == found


SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
BYTES = [1e3, 1e4, 1e5, 1e6, 6 * 1024 * 1024]


@pytest.mark.parametrize(
    ("name", "buckets"),
    [("duration_seconds", SECONDS), ("payload_bytes", BYTES), ("response_bytes", BYTES)],
)
def test_buckets(name: str, buckets: list[float], make_app: MakeApp, path: str) -> None:
    app_of(make_app, path)
    found = [
        float(sample.labels["le"])
        for family in REGISTRY.collect()
        for sample in family.samples
        if sample.name == f"wsgi_lambda_{name}_bucket" and sample.labels["route"] == path
    ]
    assert found == [*buckets, math.inf]


def test_wait_for_credentials_is_in_seconds(make_app: MakeApp, path: str) -> None:
    records: list[Any] = []
    observers = ["prometheus", SimpleNamespace(ended=records.append)]
    keys = {"aws_key": None, "aws_secret": None}
    app = make_app({path: {"function_name": "orders"}}, observers=observers, **keys)
    Client(app).get(path)
    (record,) = records
    assert record.credentials_ms > 0
    wait = value("credentials_wait_seconds_total", path)
    assert wait == pytest.approx(record.credentials_ms / 1000)


def test_restore_is_a_cold_start(lambda_server: LambdaServer, make_app: MakeApp, path: str) -> None:
    lambda_server.script(far_end.respond(200, logged(f"{REPORT}\tRestore Duration: 400.00 ms")))
    Client(app_of(make_app, path)).get(path)
    assert value("cold_starts_total", path) == 1
    assert value("init_seconds_sum", path) == 0.4


def test_numbers_of_a_cold_and_a_warm_start(
    lambda_server: LambdaServer, make_app: MakeApp, path: str
) -> None:
    lambda_server.script(
        far_end.respond(200, logged(COLD), b"12345"), far_end.respond(200, logged(REPORT))
    )
    client = Client(app_of(make_app, path))
    client.get(path)
    client.get(path)
    assert value("invocations_total", path, outcome="ok", code="200") == 2
    assert value("reported_total", path) == 2
    assert value("cold_starts_total", path) == 1
    assert value("init_seconds_sum", path) == 0.3
    assert value("billed_seconds_total", path) == 4
    assert value("billed_gb_seconds_total", path) == 2
    assert value("duration_seconds_count", path) == 2
    assert value("payload_bytes_bucket", path, le="1000.0") == 2
    assert value("response_bytes_sum", path) == 5
    assert value("credentials_wait_seconds_total", path) == 0
    endpoint = {"lambda_endpoint": f"http://127.0.0.1:{lambda_server.port}"}
    assert REGISTRY.get_sample_value("wsgi_lambda_connections_opened_total", endpoint) == 1


def test_wait_for_credentials_is_counted(make_app: MakeApp, path: str) -> None:
    routes = {path: {"function_name": "orders:live"}}
    app = make_app(routes, observers=["prometheus"], aws_key=None, aws_secret=None)
    Client(app).get(path)
    assert (value("credentials_wait_seconds_total", path) or 0) > 0


def test_repeats_and_outcomes(
    lambda_server: LambdaServer, make_app: MakeApp, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wsgi_lambda.invoke.retry_quota.random.uniform", lambda low, high: 0)
    lambda_server.respond(429)
    client = Client(app_of(make_app, path, retries=2))
    client.get(path)
    assert value("invocations_total", path, outcome="throttled", code="429") == 1
    assert value("repeats_total", path) == 2
    assert value("reported_total", path) == 0


def test_nothing_is_measured_that_was_not_sent(make_app: MakeApp, path: str) -> None:
    client = Client(app_of(make_app, path, max_payload_size=1))
    client.get(path)
    assert value("invocations_total", path, outcome="bad_request", code="413") == 1
    for name in ("duration_seconds_count", "payload_bytes_count", "response_bytes_count"):
        assert value(name, path) == 0


def test_gauge_counts_requests_in_progress(
    lambda_server: LambdaServer, make_app: MakeApp, path: str
) -> None:
    during: list[float | None] = []

    def meanwhile(exchange: far_end.Exchange) -> None:
        during.append(value("in_flight", path))
        far_end.respond(200)(exchange)

    lambda_server.script(meanwhile)
    Client(app_of(make_app, path)).get(path)
    assert (during, value("in_flight", path)) == ([1], 0)


def test_two_apps_in_one_process(make_app: MakeApp, path: str) -> None:
    for app in (app_of(make_app, path), app_of(make_app, path)):
        Client(app).get(path)
    assert value("invocations_total", path, outcome="ok", code="200") == 2
