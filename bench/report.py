"""Format the results as Markdown tables and as JSON."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from bench.figures.growth import CLIENTS, CONTENDERS, SIZES
from bench.run import Measured
from bench.targets import Result, Row, judge

_PACKAGES = ("requests", "urllib3", "requests-aws4auth", "boto3", "gunicorn", "flask")
_HEAD = ("figure", "must", "aim", "median", "min – max", "")


def to_table(results: Sequence[Result], *, is_judged: bool = True) -> str:
    """Return a line for each row: targets, median, spread over the rounds, verdict."""
    lines = [_HEAD, *(_cells(result) for result in results)]
    return _markdown(lines if is_judged else [line[:-1] for line in lines])


def with_results(page: str, written: Mapping[str, Any]) -> str:
    """Return the text of docs/performance.md with the table of a run that was written as JSON."""
    before, start, rest = page.partition("<!-- results -->\n")
    _, end, after = rest.partition("\n\n<!-- end of results -->")
    return f"{before}{start}{page_table(written)}{end}{after}"


def page_table(written: Mapping[str, Any]) -> str:
    """Return the conditions of a run that was written as JSON, and its rows that have a target."""
    given = written["conditions"]
    packages = ", ".join(f"{name} {given[name]}" for name in ("python", *_PACKAGES))
    results = [result for result in judge(written["measured"]) if result.row.must is not None]
    seconds, rounds = f"{given['seconds']:g}", given["rounds"]
    return (
        f"{given['date']}, {given['processors']} processors, {rounds} rounds of {seconds} s; "
        f"{packages}:\n\n{to_table(results)}"
    )


def _cells(result: Result) -> tuple[str, ...]:
    row = result.row
    spread = f"{_number(min(result.values), row)} – {_number(max(result.values), row)}"
    median = _number(result.median, row, with_unit=True)
    return row.text, _mark(row, row.must), _mark(row, row.aim), median, spread, result.verdict


def _mark(row: Row, mark: float | None) -> str:
    if mark is None:
        return ""
    if mark == 0:
        return "0"
    return f"{'≥' if row.better == 'more' else '≤'} {mark:g}"


def _number(value: float, row: Row, *, with_unit: bool = False) -> str:
    digits = {"×": 2, "MB": 1, "µs": 1}.get(row.unit, 0)
    unit = row.unit if with_unit else ""
    return f"{value:.{digits}f} {unit}".strip()


def growth_table(rounds: Sequence[Measured]) -> str:
    """Return medians of requests/s, p50 and p99 of both contenders, by clients and payload."""
    points = [f"{n} clients" for n in CLIENTS] + [f"{n} bytes" for n in SIZES]
    columns = [f"{name}, {what}" for what in ("requests/s", "p50", "p99") for name in CONTENDERS]
    head = ["", *(f"{name}, ms" if ", p" in name else name for name in columns)]
    lines = [
        [point, *(_median(rounds, f"{point}, {column}") for column in columns)]
        for point in points
        if f"{point}, {columns[0]}" in rounds[0]
    ]
    return _markdown([head, *lines])


def _median(rounds: Sequence[Measured], name: str) -> str:
    value = statistics.median(measured[name] for measured in rounds)
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"


def _markdown(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    head, *rest = ("| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in lines)
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([head, rule, *rest])


def to_json(
    results: Sequence[Result], measured: Mapping[str, list[Measured]], conditions: Any
) -> dict[str, Any]:
    """Return the conditions, the rows, and the measurements of every round."""
    rows = [
        {
            "figure": result.row.text,
            "unit": result.row.unit,
            "better": result.row.better,
            "must": result.row.must,
            "aim": result.row.aim,
            "median": result.median,
            "values": list(result.values),
            "verdict": result.verdict,
        }
        for result in results
    ]
    return {"conditions": conditions, "rows": rows, "measured": measured}


def conditions(*, rounds: int, seconds: float, is_quick: bool) -> dict[str, Any]:
    """Return the conditions of the run: versions, processors, rounds and seconds."""
    return {
        "date": f"{date.today()}",
        "rounds": rounds,
        "seconds": seconds,
        "quick": is_quick,
        "processors": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        **{name: _version(name) for name in _PACKAGES},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
