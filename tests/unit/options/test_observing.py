"""The options about observers and the log, at the top level."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from wsgi_lambda.config import read_configuration
from wsgi_lambda.errors import ConfigError
from wsgi_lambda.observe import Observer
from wsgi_lambda.options import WholeOptions

ROUTE = {"function_name": "f", "aws_region": "us-east-1"}


class Ended:
    """An observer with one method."""

    def ended(self, record: Any) -> None:
        """Do nothing."""


class Greedy(Ended):
    """An observer that needs an argument."""

    def __init__(self, argument: object) -> None:
        """Do nothing."""


ENDED = Ended()
WRONG = 7


def made() -> Ended:
    return ENDED


def read(**options: Any) -> WholeOptions:
    return read_configuration({"routes": {"/f": ROUTE}, **options}).whole


def problems(**options: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(**options)
    return list(caught.value.errors)


def test_defaults() -> None:
    for options in ({}, {"observers": None}, {"observers": []}):
        found = read(**options)
        assert (found.observers, found.failure_log_limit) == ((), 60)


def test_no_limit() -> None:
    assert read(failure_log_limit=None).failure_log_limit is None
    assert read(failure_log_limit=1).failure_log_limit == 1


class Awaited:
    async def ended(self, record: object) -> None:
        pass


class Yielding(Observer):
    def began(self, record: object) -> Iterator[None]:  # type: ignore[override]
        yield


class Both:
    async def replied(self, record: object) -> AsyncIterator[None]:
        yield


HERE = __name__
GIVEN = {
    "object": ENDED,
    "path-of-an-object": f"{HERE}:ENDED",
    "path-of-a-class": f"{HERE}:Ended",
    "path-of-a-function": f"{HERE}:made",
    "base-class": "wsgi_lambda.observe:Observer",
}


@pytest.mark.parametrize("given", GIVEN.values(), ids=GIVEN)
def test_observer(given: object) -> None:
    (found,) = read(observers=[given]).observers
    assert isinstance(found, (Ended, Observer))


NEEDED = "must be an object with a method began, replied or ended, the import path of one"
WRONG_VALUES: dict[str, tuple[object, str]] = {
    "not-a-list": ("otel", "must be a list, not a string"),
    "number": ([7], f"item 0 {NEEDED}"),
    "path-of-a-number": ([f"{HERE}:WRONG"], f"item 0 {NEEDED}"),
    "function": ([made], f"item 0 {NEEDED}"),
    "class": ([ENDED, Ended], "item 1 is a class; give an instance, or the import path"),
    "async": ([Awaited()], "item 0 has a method ended that a call only begins (async"),
    "generator": ([f"{HERE}:Yielding"], "item 0 has a method began that a call only begins"),
    "asynchronous-generator": ([Both()], "item 0 has a method replied that a call only begins"),
    "greedy": (
        [f"{HERE}:Greedy"],
        "item 0 cannot be called without arguments: TypeError",
    ),
    "misspelt": (
        ["otle"],
        f"item 0 {NEEDED} (package.module:name), otel or prometheus; did you mean 'otel'?",
    ),
    "module": (["shop.watch"], f"item 0 {NEEDED} (package.module:name), otel or prometheus"),
    "no-such-module": (
        ["nowhere:Ended"],
        "item 0 cannot be imported: there is no module 'nowhere'",
    ),
}


@pytest.mark.parametrize(("value", "text"), WRONG_VALUES.values(), ids=WRONG_VALUES)
def test_invalid_observer(value: object, text: str) -> None:
    (problem,) = problems(observers=value)
    assert problem.removeprefix("observers: ").startswith(text)


@pytest.mark.parametrize("value", [0, True, "60", 1.5])
def test_invalid_limit(value: object) -> None:
    (problem,) = problems(failure_log_limit=value)
    assert problem.startswith("failure_log_limit: must be an integer of at least 1")


@pytest.mark.parametrize("name", ["observers", "failure_log_limit"])
def test_only_at_the_top_level(name: str) -> None:
    (problem,) = problems(routes={"/f": {**ROUTE, name: []}})
    assert problem.startswith(f"routes['/f'].{name}: ")


def test_misspelt_name_has_a_hint() -> None:
    assert problems(observer=[]) == ["observer: unknown option; did you mean 'observers'?"]


EXTRAS = {"otel": "opentelemetry", "prometheus": "prometheus_client"}


@pytest.mark.parametrize(("name", "library"), EXTRAS.items())
def test_missing_extra_names_the_command(
    name: str, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in [each for each in sys.modules if each.split(".")[0] == library]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "path_importer_cache", {})
    assert problems(observers=[name]) == [
        f"observers: item 0 needs {library}: pip install '.[{name}]' in the checkout"
    ]


@pytest.mark.parametrize("directory", ["", "/no/such/directory", __file__])
def test_directory_for_prometheus_must_exist(
    directory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", directory)
    assert problems(observers=["prometheus"]) == [
        "observers: item 0 needs PROMETHEUS_MULTIPROC_DIR to be a directory that exists, "
        f"not {directory!r}"
    ]
