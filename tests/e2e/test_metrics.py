"""Metrics and spans of several gunicorn workers, as they are scraped and exported."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.servers.gunicorn_server import Gunicorn, gunicorn, site
from tests.servers.lambda_server import LambdaServer
from tests.unit.docs.pages import block, page, section

pytestmark = pytest.mark.e2e

METRICS = section(page("docs/operations.md"), "Prometheus")
ROUTES = {"/f": {"function_name": "f"}, "/pid": {"function_name": "pid"}}


def source(server: LambdaServer, folder: Path) -> str:
    """Return an app with the metrics page of the docs, and a page with the worker's id."""
    wrapped = site(server, ROUTES).replace("'routes'", "'observers': ['prometheus'], 'routes'")
    return (
        "import os\nfrom flask import Flask\n"
        f"{block(METRICS, 'python', 'Flask')}\n"
        "app = inner = metrics_app\n"
        "inner.add_url_rule('/worker', view_func=lambda: str(os.getpid()))\n"
        f"{wrapped.replace('LambdaMiddleware(None', 'LambdaMiddleware(inner')}"
    )


@pytest.fixture(params=[(), ("--preload",)], ids=["not-preloaded", "preloaded"])
def server(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Gunicorn]:
    values = tmp_path / "values"
    values.mkdir()
    (tmp_path / "gunicorn.conf.py").write_text(block(METRICS, "python", "child_exit"))
    with LambdaServer(tls=True, verify=False) as far_end:
        text = source(far_end, tmp_path)
        environ = {"PROMETHEUS_MULTIPROC_DIR": str(values)}
        with gunicorn(
            tmp_path, text, "--workers", "2", "--threads", "4", *request.param, environ=environ
        ) as served:
            yield served


def scrape(server: Gunicorn) -> dict[str, float]:
    """Return the sum of each metric's samples for the route /f."""
    response = server.get("/metrics")
    assert response.status == 200
    sums: dict[str, float] = {}
    for family in text_string_to_metric_families(response.body.decode()):
        for sample in family.samples:
            if sample.labels.get("route") == "/f":
                sums[sample.name] = sums.get(sample.name, 0) + sample.value
    return sums


def workers(server: Gunicorn, count: int) -> set[int]:
    """Return the ids of ``count`` workers, once as many have responded."""
    found: set[int] = set()
    deadline = time.monotonic() + 30
    while len(found) < count and time.monotonic() < deadline:
        found.add(int(server.get("/worker").body))
    assert len(found) >= count
    return found


def test_scrape_has_the_numbers_of_all_workers(server: Gunicorn) -> None:
    before = workers(server, 2)
    zero = scrape(server)
    assert (zero["wsgi_lambda_cold_starts_total"], zero["wsgi_lambda_in_flight"]) == (0, 0)
    for _ in range(20):
        assert server.get("/f").status == 200
    after = scrape(server)
    assert after["wsgi_lambda_invocations_total"] == 20
    assert after["wsgi_lambda_duration_seconds_count"] == 20
    os.kill(min(before), signal.SIGKILL)
    deadline = time.monotonic() + 30
    while len(workers(server, 2) - {min(before)}) < 2 and time.monotonic() < deadline:
        pass
    # Counters outlive their worker, gauges do not.
    kept = scrape(server)
    assert kept["wsgi_lambda_invocations_total"] == 20
    assert kept["wsgi_lambda_in_flight"] == 0
    for _ in range(5):
        server.get("/f")
    assert scrape(server)["wsgi_lambda_invocations_total"] == 25


EXPORTER = "from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter"
TO_STDOUT = "from opentelemetry.sdk.trace.export import ConsoleSpanExporter as OTLPSpanExporter"


@pytest.mark.parametrize("arguments", [(), ("--preload",)], ids=["not-preloaded", "preloaded"])
def test_workers_export_spans(arguments: tuple[str, ...], tmp_path: Path) -> None:
    configuration = block(section(page("docs/operations.md"), "OpenTelemetry"), "python")
    (tmp_path / "gunicorn.conf.py").write_text(configuration.replace(EXPORTER, TO_STDOUT))
    with LambdaServer(tls=True, verify=False) as far_end:
        text = site(far_end, ROUTES).replace("'routes'", "'observers': ['otel'], 'routes'")
        with gunicorn(tmp_path, text, "--workers", "2", *arguments) as served:
            for _ in range(4):
                assert served.get("/f").status == 200
        traces = {
            (invocation.header("X-Amzn-Trace-Id") or "").split(";")[0].removeprefix("Root=1-")
            for invocation in far_end.invocations
        }
    exported = re.findall(r'"trace_id": "0x([0-9a-f]{32})"', served.output)
    assert {f"{each[:8]}-{each[8:]}" for each in exported} == traces
    assert served.output.count('"name": "Lambda.Invoke"') == 4
