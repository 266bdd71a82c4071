"""`functions` and `principal`: named functions, and who is asking."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from tests.unit.configurations import REGION, problems
from wsgi_lambda import LambdaMiddleware
from wsgi_lambda.config import Configuration, read_configuration

REPLACED = "not allowed here: the view's own url replaces it"


def read(**config: Any) -> Configuration:
    return read_configuration(config, REGION)


def test_function_name_defaults_to_the_name() -> None:
    found = read(functions={"pay": {}, "hook": {"function_name": "github:live"}})
    names = [(route.name, route.label, route.target.function_name) for route in found.functions]
    assert names == [("pay", "pay", "pay"), ("hook", "hook", "github:live")]


def test_name_wins_over_a_default_function_name() -> None:
    (pay,) = read(function_name="other", functions={"pay": {}}).functions
    assert pay.target.function_name == "pay"


def test_options_at_the_top_level_are_defaults_of_functions_too() -> None:
    (pay,) = read(timeout=1000, authorize=print, functions={"pay": {}}).functions
    assert (pay.target.timeout, pay.match.authorize) == (1.0, print)


CONDITIONS = {
    "methods": ["GET"],
    "hosts": ["a.test"],
    "headers": {"X-A": ["1"]},
    "consumers": ["ada"],
    "exact": True,
    "strip_path": True,
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_condition_of_a_route_is_not_allowed_in_a_function(name: str) -> None:
    config = {"functions": {"pay": {name: CONDITIONS[name]}}}
    assert problems(config) == [f"functions['pay'].{name}: {REPLACED}"]


def test_conditions_at_the_top_level_apply_to_routes_only() -> None:
    found = read(**CONDITIONS, functions={"pay": {}}, routes={"/a": {"function_name": "f"}})
    (pay,), (route,) = found.functions, found.routes
    assert (pay.match.methods, pay.match.hosts, pay.match.consumers) == (frozenset(), (), set())
    assert (pay.is_exact, pay.event.strip_path) == (False, False)
    assert (route.is_exact, route.event.strip_path) == (True, True)


def test_problems_of_routes_and_functions_are_reported_together() -> None:
    config = {
        "routes": {"/a": {"function_name": "f", "timeout": 0}},
        "functions": {"pay": {"timeout": 0, "hots": ["a.test"]}, "a b": {}, "": {}, 7: {}, "x": 1},
        "principal": "nowhere:user",
    }
    time = "must be an integer from 1 to 2147483646"
    found = problems(config)
    assert sorted(line.partition(": ")[0] for line in found) == sorted(
        [
            "principal",
            "routes['/a'].timeout",
            "functions['']",
            "functions[7]",
            "functions['x']",
            "functions['pay'].timeout",
            "functions['pay'].hots",
            "functions['a b'].function_name",
        ]
    )
    assert f"functions['pay'].timeout: {time}" in found
    assert "functions['pay'].hots: unknown option; did you mean 'hosts'?" in found
    assert "functions['x']: must be a mapping of options, not a number" in found
    assert "principal: cannot be imported: there is no module 'nowhere'" in found


def test_functions_must_be_a_mapping() -> None:
    assert problems({"functions": ["pay"]}) == [
        "functions: must be a mapping of names to options, not a list"
    ]


def test_misspelt_keys_get_a_near_match() -> None:
    assert problems({"function": {}, "principle": print}) == [
        "function: unknown option; did you mean 'functions'?",
        "principle: unknown option; did you mean 'principal'?",
    ]


def test_principal_belongs_to_the_top_level() -> None:
    config = {"functions": {"pay": {"principal": print}}}
    assert problems(config) == ["functions['pay'].principal: unknown option"]


def test_principal_is_a_callable_or_its_import_path() -> None:
    assert read(principal=print, functions={"pay": {}}).principal is print
    assert read(principal="os:getcwd", functions={"pay": {}}).principal is not None
    assert read(functions={"pay": {}}).principal is None


@pytest.mark.parametrize(("functions", "logged"), [({"pay": {}}, []), ({}, ["no routes"])])
def test_functions_need_no_routes(
    caplog: pytest.LogCaptureFixture, functions: dict[str, Any], logged: list[str]
) -> None:
    with caplog.at_level(logging.WARNING, logger="wsgi_lambda"):
        read(functions=functions)
    assert [record.message[:9] for record in caplog.records] == logged


def test_unlikely_values_of_functions_are_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    read(functions={"pay": {"timeout": 30}})
    assert "the timeout of the route pay is 30 ms" in caplog.text


def test_middleware_validates_functions_and_does_not_serve_them() -> None:
    app = LambdaMiddleware(None, {"aws_region": "us-east-1", "functions": {"pay": {}}})
    assert app.dispatcher.find({"REQUEST_METHOD": "GET", "PATH_INFO": "/pay"}) is None
    with pytest.raises(ValueError, match="functions"):
        LambdaMiddleware(None, {"aws_region": "us-east-1", "functions": {"pay": {"x": 1}}})
