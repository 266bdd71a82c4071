"""List the guarantees of the package and the tests of each: `make reliability` writes the table.

A test names its guarantee with ``@pytest.mark.promise("once")``, and may count
its inputs with ``tried(faults=1, invocations=2)``.
"""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

PROJECT = Path(__file__).parents[2]
DOCUMENT = PROJECT / "docs" / "measured" / "reliability.md"
SOAK = PROJECT / "docs" / "measured" / "soak.json"

#: The text of each guarantee, by its name in the marker, in the order of the table.
PROMISES = {
    "once": "A function never runs twice for a request that HTTP does not call safe to repeat. "
    "Only two kinds of requests are sent again: those that certainly did not run, and GET, HEAD or "
    "OPTIONS whose kept connection closed before the response",
    "in time": "A request ends within 1.2 times its `timeout`, whatever Lambda does; in a "
    "stream, the wait for its head and each silence do",
    "told apart": "Each failure gets its documented status and a log line with its cause; its "
    "connection is neither leaked nor reused",
    "whole": "An event always contains the complete body; a request that is too large, truncated "
    "or framed incorrectly is rejected, and no function is invoked",
    "framing": "No byte from a function changes the framing of the HTTP response",
    "private": "Headers of the client reach AWS only inside the event",
    "secret": "Log lines, exceptions, reprs and responses never contain a key, secret, token or "
    "payload",
    "verified": "TLS is verified; redirects are not followed and cookies not stored; `.netrc` and "
    "proxies of the environment are ignored",
    "same path": "The middleware matches the same path that the app sees",
    "bounded": "A hostile request uses limited time and memory",
    "valid": "Any request bytes become an event or an error response, any reply becomes a valid "
    "PEP 3333 response, and any configuration becomes a middleware or a ConfigError",
    "signed": "Every request has a valid AWS signature made with one set of credentials, across "
    "midnight and in many threads",
    "forks": "No connection is opened before a fork or shared after it, in sync, gthread and "
    "gevent workers, with and without preload",
    "calm": "Retries do not amplify an outage; requests over a route's concurrency limit are "
    "rejected immediately; the app keeps working",
    "kept": "Connections are reused, closed before they expire, and stay open while a function "
    "runs",
    "untouched": "A request without a route reaches the app unchanged",
    "warned": "At start-up, a warning names a server timeout that is shorter than a route's "
    "`timeout`",
}
FIGURES = pytest.StashKey[Counter[str]]()

Tried = Callable[..., None]


@dataclass(slots=True)
class Held:
    """The passed tests of one guarantee: tests per file, and inputs by kind."""

    files: Counter[str] = field(default_factory=Counter)
    figures: Counter[str] = field(default_factory=Counter)


class Tally:
    """The pytest plugin that counts the passed tests of each guarantee."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._held = {name: Held() for name in PROMISES}

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Any:
        report: pytest.TestReport = (yield).get_result()
        if report.when == "call" and report.passed:
            for name in promises_of(item):
                held = self._held[name]
                held.files[item.path.relative_to(PROJECT).as_posix()] += 1
                held.figures.update(item.stash.get(FIGURES, Counter()))
                held.figures["generated inputs"] += _examples(item)

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        if exitstatus == 0:
            self._target.write_text(to_markdown(self._held, _soak()))


def promises_of(item: pytest.Item) -> set[str]:
    """Return the guarantees that a test names; an unknown one ends the run."""
    names = {name for mark in item.iter_markers("promise") for name in mark.args}
    if unknown := names - set(PROMISES):
        raise pytest.UsageError(f"{item.nodeid}: unknown promise: {', '.join(unknown)}")
    return names


def _examples(item: pytest.Item) -> int:
    """Return how many inputs hypothesis generates for a test, 0 without hypothesis."""
    is_property = hasattr(getattr(item, "obj", None), "hypothesis")
    return settings.default.max_examples if is_property else 0  # type: ignore[union-attr]


def _soak() -> Mapping[str, Any]:
    return json.loads(SOAK.read_text()) if SOAK.exists() else {}


def to_markdown(held: Mapping[str, Held], soak: Mapping[str, Any]) -> str:
    """Return the document: a row for each guarantee, and the results of the load test."""
    lines = [
        "# Guarantees and their tests",
        "",
        "Written by `make reliability` after a run in which all tests passed: Python "
        f"{platform.python_version()}, requests {version('requests')}, urllib3 "
        f"{version('urllib3')}. The stand-in for Lambda checks every signature, counts requests "
        "and fails on purpose. The app servers are wsgiref, with the validator of PEP 3333, and "
        "gunicorn. One test may count for several guarantees.",
        "",
        "| guarantee | tests | inputs | files |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {PROMISES[name]} | {sum(each.files.values())} | {_figures(each.figures)} "
        f"| {_links(each.files)} |"
        for name, each in held.items()
    ]
    return "\n".join([*lines, "", *_load(soak)])


def _figures(figures: Mapping[str, int]) -> str:
    shown = [f"{count:,} {name.replace('_', ' ')}" for name, count in figures.items() if count]
    return ", ".join(shown) or "–"


def _links(files: Iterable[str]) -> str:
    names = {name: name.removeprefix("tests/").removesuffix(".py") for name in sorted(files)}
    return ", ".join(f"[{shown}](../../{name})" for name, shown in names.items())


def _load(soak: Mapping[str, Any]) -> list[str]:
    if not soak:
        return []
    rows = [f"| {name} | {value} |" for name, value in soak.items()]
    return [
        "## Under load",
        "",
        "Results of the last `make soak`:",
        "",
        "| | |",
        "|---|---|",
        *rows,
        "",
    ]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--promises", type=Path, metavar="FILE", help="write the table of guarantees there"
    )


def pytest_configure(config: pytest.Config) -> None:
    target = config.getoption("--promises")
    if target:
        if config.getoption("numprocesses", None):
            raise pytest.UsageError("--promises counts the tests of one process: leave out -n")
        config.pluginmanager.register(Tally(target))


@pytest.fixture
def tried(request: pytest.FixtureRequest) -> Tried:
    """Count the inputs of a test, for the table: ``tried(faults=1)``."""
    figures = request.node.stash.setdefault(FIGURES, Counter())
    return lambda **amounts: figures.update(amounts)
