"""What is promised, and the tests that hold it: `make reliability` writes the table.

A test says which promise it is for, ``@pytest.mark.promise("once")``, and may
count what it tried: ``tried(faults=1, invocations=2)``.
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

#: By the name that the marker takes, in the order of the table.
PROMISES = {
    "once": "A function is executed at most once for a request. What is sent again is what "
    "certainly did not run, and a GET, HEAD or OPTIONS on a kept connection that died unanswered",
    "in time": "A request ends within `timeout` and a fifth, whatever the far end does",
    "told apart": "Each failure has the status that the README says, and a log line with its "
    "cause; the connection is neither leaked nor used again",
    "whole": "No event goes out without its whole body; what is too large, cut short or framed "
    "badly is refused, and nothing is invoked",
    "framing": "No byte from a function changes the framing of the HTTP answer",
    "private": "No header of a client reaches AWS's API but inside the event",
    "secret": "No key, secret, token or payload is in a log line, exception, repr or answer",
    "verified": "TLS is verified, no redirect followed, no cookie kept; `.netrc` and the "
    "environment's proxies are not read",
    "same path": "The middleware decides on the path that the app sees",
    "bounded": "A hostile request takes bounded time and memory",
    "valid": "Any bytes give an event, a refusal, or an answer that PEP 3333 allows; any "
    "configuration gives a middleware or a ConfigError",
    "signed": "Every request is signed as AWS wants it, by one set of credentials, over midnight "
    "and across threads",
    "forks": "Nothing is opened before a fork, and nothing is shared after it: sync, gthread and "
    "gevent workers, with and without preload",
    "calm": "Retries do not multiply an outage, a route's surplus is refused at once, and the app "
    "goes on",
    "kept": "Connections are kept, closed before they are stale, and survive a silent function",
    "untouched": "A request of no route reaches the app as it came",
    "warned": "A server that would kill a request before its `timeout` is told at start-up",
}
FIGURES = pytest.StashKey[Counter[str]]()

Tried = Callable[..., None]


@dataclass(slots=True)
class Held:
    """What one promise's tests came to."""

    files: Counter[str] = field(default_factory=Counter)
    figures: Counter[str] = field(default_factory=Counter)


class Tally:
    """The pytest plugin that keeps what each promise's tests came to."""

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
    """Return the promises that a test is for; one that is not known ends the run."""
    found = {name for mark in item.iter_markers("promise") for name in mark.args}
    if unknown := found - set(PROMISES):
        raise pytest.UsageError(f"{item.nodeid}: no such promise: {', '.join(unknown)}")
    return found


def _examples(item: pytest.Item) -> int:
    """Return how many inputs hypothesis makes for a test, 0 for one that is no property."""
    is_property = hasattr(getattr(item, "obj", None), "hypothesis")
    return settings.default.max_examples if is_property else 0  # type: ignore[union-attr]


def _soak() -> Mapping[str, Any]:
    return json.loads(SOAK.read_text()) if SOAK.exists() else {}


def to_markdown(held: Mapping[str, Held], soak: Mapping[str, Any]) -> str:
    """Return the document: a row for each promise, and what the load test came to."""
    lines = [
        "# What is promised, and what is tried to break it",
        "",
        "Written by `make reliability` from a run of the tests, all of which passed: Python "
        f"{platform.python_version()}, requests {version('requests')}, urllib3 "
        f"{version('urllib3')}. The far end is a server that misbehaves on purpose, checks every "
        "signature and counts what it is sent; the near ends are wsgiref, under PEP 3333's "
        "validator, and gunicorn. A case may hold several promises.",
        "",
        "| promise | cases | what was tried | tests |",
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
    return ", ".join(shown) or "the cases"


def _links(files: Iterable[str]) -> str:
    names = {name: name.removeprefix("tests/").removesuffix(".py") for name in sorted(files)}
    return ", ".join(f"[{shown}](../../{name})" for name, shown in names.items())


def _load(soak: Mapping[str, Any]) -> list[str]:
    if not soak:
        return []
    rows = [f"| {name} | {value} |" for name, value in soak.items()]
    return ["## Under load", "", "`make soak`, its last run:", "", "| | |", "|---|---|", *rows, ""]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--promises", type=Path, metavar="FILE", help="write docs/measured/reliability.md there"
    )


def pytest_configure(config: pytest.Config) -> None:
    target = config.getoption("--promises")
    if target:
        config.pluginmanager.register(Tally(target))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        promises_of(item)


@pytest.fixture
def tried(request: pytest.FixtureRequest) -> Tried:
    """Count what a test tried, for the table: ``tried(faults=1)``."""
    figures = request.node.stash.setdefault(FIGURES, Counter())
    return lambda **amounts: figures.update(amounts)
