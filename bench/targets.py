"""Define the rows of the table: a ratio or amount per round, and its target."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from bench.run import Measured


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table; without ``must`` it has no verdict."""

    text: str
    figure: str
    value: Callable[[Measured], float]
    must: float | None = None
    aim: float | None = None
    better: Literal["more", "less"] = "less"
    unit: str = "×"

    def is_reached(self, value: float, mark: float) -> bool:
        return value >= mark if self.better == "more" else value <= mark


@dataclass(frozen=True, slots=True)
class Result:
    """The values of a row in all rounds."""

    row: Row
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def verdict(self) -> str:
        """Return "ok" or "missed", or "" without a target."""
        if self.row.must is None:
            return ""
        return "ok" if self.row.is_reached(self.median, self.row.must) else "missed"


def ratio(over: str, under: str) -> Callable[[Measured], float]:
    return lambda measured: measured[over] / measured[under]


def difference(more: str, less: str) -> Callable[[Measured], float]:
    return lambda measured: measured[more] - measured[less]


def amount(name: str) -> Callable[[Measured], float]:
    return lambda measured: measured[name]


def _rates(kind: str, must: float, aim: float) -> Row:
    text = f"requests/s, {kind} / boto3 view"
    value = ratio(f"{kind}, middleware, requests/s", f"{kind}, boto3, requests/s")
    return Row(text, "throughput", value, must, aim, "more")


def _in_app(framework: str) -> Row:
    text = f"CPU in {framework} / middleware + view"
    return Row(text, "in-app", _over_both(framework.lower()), 1.25, 1.1)


def _over_both(framework: str, how: str = "") -> Callable[[Measured], float]:
    """Return the cost of a route in the app / that of the middleware and a view together."""

    def value(measured: Measured) -> float:
        both = measured[f"middleware{how}"] + measured[f"{framework} view{how}"]
        return measured[f"{framework}{how}"] / both

    return value


def _others(kind: str) -> list[Row]:
    mine, naive = f"{kind}, middleware, requests/s", f"{kind}, requests, requests/s"
    passed, constant = f"{kind}, pass-through, requests/s", f"{kind}, constant, requests/s"
    return [
        Row(f"requests/s, {kind} / requests view", "throughput", ratio(mine, naive), better="more"),
        Row(
            f"requests/s of no route, {kind} / Flask alone",
            "throughput",
            ratio(passed, constant),
            better="more",
        ),
    ]


def _observed(text: str, what: str, must: float, aim: float) -> Row:
    return Row(f"CPU of {text}", "observers", difference(what, "nothing"), must, aim, unit="µs")


def _stream(text: str, what: str, must: float, aim: float, against: str = "boto3") -> Row:
    """Return the row of a time or of CPU, which is smaller than that of another contender."""
    contender = "boto3 view" if against == "boto3" else f"bare {against}"
    value = ratio(f"{what}, middleware", f"{what}, {against}")
    return Row(f"stream, {text} / {contender}", "streams", value, must, aim)


def _stream_speed(text: str, what: str, must: float, aim: float) -> Row:
    value = ratio(f"{what}, boto3", f"{what}, middleware")  # of times
    return Row(f"stream, {text}, speed / boto3 view", "streams", value, must, aim, "more")


ROWS = [
    _rates("sync ×1", 2.0, 2.3),
    _rates("gthread 1×16", 1.95, 2.2),
    _rates("gthread 4×16", 2.0, 2.3),
    Row(
        "p99, saturated, gthread 1×16 / boto3 view",
        "throughput",
        ratio("gthread 1×16, middleware, p99", "gthread 1×16, boto3, p99"),
        0.75,
        0.55,
    ),
    Row("CPU of the WSGI call / urllib3", "cpu", ratio("middleware", "floor"), 1.1, 0.95),
    Row("CPU of the WSGI call / boto3", "cpu", ratio("middleware", "boto3 client"), 0.42, 0.36),
    _in_app("Flask"),
    _in_app("Django"),
    Row(
        "CPU of observing if nothing is switched on",
        "unobserved",
        difference("nothing", "cut out"),
        1,
        0.3,
        unit="µs",
    ),
    _observed("an observer that does nothing", "idle", 25, 15),
    _observed("wsgi_lambda.access, formatted", "access", 60, 40),
    _observed("prometheus", "prometheus", 60, 45),
    _observed("otel without an SDK", "otel, API", 50, 35),
    _observed("otel with an SDK", "otel, SDK", 140, 110),
    Row("pass-through, 1 route", "pass-through", amount("1 routes"), 500, 150, unit="ns"),
    Row("pass-through, 100 routes", "pass-through", amount("100 routes"), 1000, 300, unit="ns"),
    Row("TLS connections / 1000 invokes", "connections", amount("per 1000"), 5, 0, unit=""),
    Row("CPU of a new connection / bare", "handshakes", ratio("middleware", "floor"), 2, 1.3),
    Row(
        "worker RSS more than Flask",
        "memory",
        difference("middleware, RSS", "constant, RSS"),
        12,
        8.5,
        unit="MB",
    ),
    Row(
        "import in a Flask app / boto3 + client",
        "imports",
        ratio("middleware in Flask, CPU", "boto3 in Flask, CPU"),
        0.35,
        0.25,
    ),
    Row(
        "5 MB in, wall / boto3 view",
        "large",
        ratio("5 MB in, middleware, wall", "5 MB in, boto3, wall"),
        1.0,
        0.87,
    ),
    Row(
        "5 MB in, peak RSS / boto3 view",
        "large",
        ratio("5 MB in, middleware, peak RSS", "5 MB in, boto3, peak RSS"),
        0.9,
        0.8,
    ),
    _stream("time to the first byte", "first byte", 0.75, 0.60),
    _stream("time to the first byte", "first byte", 1.6, 1.3, "urllib3"),
    _stream_speed("17-byte tokens in bursts", "tokens", 4, 8),
    _stream("CPU of a token in bursts", "tokens, CPU", 0.25, 0.15),
    _stream_speed("8 KiB frames", "8 KiB", 1.1, 1.5),
    _stream_speed("64 KiB frames", "64 KiB", 0.8, 1.1),
    _stream("CPU of paced tokens", "paced, CPU", 1.0, 0.8),
    Row(
        "stream, peak memory after 200 MB more",
        "stream memory",
        amount("growth"),
        2,
        0.5,
        unit="MB",
    ),
    Row("failures after hang-ups", "hang-ups", amount("failures"), 0, 0, unit=""),
    Row("functions run twice", "hang-ups", amount("run twice"), 0, 0, unit=""),
    *(row for kind in ("sync ×1", "gthread 1×16", "gthread 4×16") for row in _others(kind)),
    Row("CPU of a boto3 view / bare boto3", "cpu", ratio("boto3 view", "boto3 client")),
    Row("CPU of requests + AWS4Auth / bare boto3", "cpu", ratio("requests post", "boto3 client")),
    Row(
        "import without an app / boto3 + client", "imports", ratio("middleware, CPU", "boto3, CPU")
    ),
    Row(
        "import of requests + AWS4Auth, without an app / boto3 + client",
        "imports",
        ratio("requests, CPU", "boto3, CPU"),
    ),
    Row(
        "CPU in Flask / middleware + view, each in a loop", "in-app", _over_both("flask", ", alone")
    ),
    Row(
        "CPU in Django / middleware + view, each in a loop",
        "in-app",
        _over_both("django", ", alone"),
    ),
    Row("pass-through, 10 routes", "pass-through", amount("10 routes"), unit="ns"),
    Row("pass-through, 1000 routes", "pass-through", amount("1000 routes"), unit="ns"),
    Row(
        "pass-through, 100 routes in the same folder",
        "pass-through",
        amount("100 routes, shared"),
        unit="ns",
    ),
    Row(
        "worker RSS of a boto3 view more than Flask",
        "memory",
        difference("boto3, RSS", "constant, RSS"),
        unit="MB",
    ),
    Row("memory of 6 MB of JSON in", "bodies", amount("6 MB in, parsed"), unit="MB"),
    Row("memory of 6 MB out", "bodies", amount("6 MB out"), unit="MB"),
    Row(
        "4 MB out, wall / boto3 view",
        "large",
        ratio("4 MB out, middleware, wall", "4 MB out, boto3, wall"),
    ),
    Row(
        "4 MB out, peak RSS / boto3 view",
        "large",
        ratio("4 MB out, middleware, peak RSS", "4 MB out, boto3, peak RSS"),
    ),
]


def judge(measured: Mapping[str, list[Measured]], rows: Iterable[Row] = ROWS) -> list[Result]:
    """Return the results of the rows whose figures were measured.

    Each value compares contenders within one round.
    """
    return [
        Result(row, tuple(row.value(each) for each in measured[row.figure]))
        for row in rows
        if measured.get(row.figure)
    ]
