"""docs/grafana.json: every query names metrics and labels that exist."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.unit.docs.pages import page
from wsgi_lambda.observe import prometheus

DASHBOARD = json.loads(page("docs/grafana.json"))
EXPRESSIONS = [
    target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]
] + re.findall(r"^(?:sum|histogram_quantile|topk).*$", page("docs/operations.md"), re.MULTILINE)

OF_ROUTE = {each.name: each.kind.__name__ for each in prometheus.OF_ROUTE.values()}
KINDS = {
    **OF_ROUTE,
    prometheus.INVOCATIONS: "Counter",
    prometheus.CONNECTIONS_OPENED: "Counter",
}
LABELS = {"route", "function", "outcome", "code", "lambda_endpoint", "le"}


def series() -> set[str]:
    """Return the names of all series that a scrape can contain."""
    histograms = {name for name, kind in KINDS.items() if kind == "Histogram"}
    parts = {f"{name}{part}" for name in histograms for part in ("_bucket", "_sum", "_count")}
    return (KINDS.keys() - histograms) | parts


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_query_names_what_exists(expression: str) -> None:
    names = set(re.findall(r"wsgi_lambda_\w+", expression))
    assert names
    assert names <= series()
    grouped = re.findall(r"by \(([^)]*)\)", expression)
    selected = re.findall(r"[{,](\w+)[=!]", expression)
    labels = {label.strip() for each in grouped for label in each.split(",")} | set(selected)
    assert labels <= LABELS
    assert expression.count("(") == expression.count(")")


def test_dashboard_shows_every_metric() -> None:
    text = " ".join(EXPRESSIONS)
    missing = {name for name in KINDS if name not in text}
    # Billed time is in the cost, multiplied by the memory size.
    assert missing == {"wsgi_lambda_billed_seconds_total"}


def test_panels_are_numbered_and_do_not_overlap() -> None:
    panels: list[dict[str, Any]] = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
    assert len(places) == len(panels)
