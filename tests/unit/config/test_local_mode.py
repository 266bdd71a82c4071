"""Local mode is switched on by the option or the environment; routes with a handler need no AWS."""

from __future__ import annotations

import importlib.util
import logging
from typing import Any

import pytest

from tests.unit.configurations import problems
from wsgi_lambda.config import read_configuration, read_routes
from wsgi_lambda.options import Route

HERE = {"function_name": "orders", "handler": "app.handler"}


def read(environ: dict[str, str], routes: dict[str, Any] | None = None, **top: Any) -> list[Route]:
    return [*read_routes({**top, "routes": routes or {"/shop": HERE}}, environ)]


@pytest.mark.parametrize(
    ("word", "is_on"),
    [("1", True), ("true", True), ("TRUE", True), ("0", False), ("false", False), ("", False)],
)
def test_environment_switches_local_mode(word: str, is_on: bool) -> None:
    environ = {"WSGI_LAMBDA_LOCAL": word, "AWS_REGION": "eu-west-1"}
    (route,) = read(environ)
    assert route.is_local is is_on


def test_local_mode_is_off_by_default() -> None:
    (route,) = read({"AWS_REGION": "eu-west-1"})
    assert (route.is_local, route.endpoint) == (False, "https://lambda.eu-west-1.amazonaws.com")


@pytest.mark.parametrize("word", ["yes", "on", "2", " 1", "True!"])
def test_other_words_in_the_environment_are_a_problem(word: str) -> None:
    environ = {"WSGI_LAMBDA_LOCAL": word, "AWS_REGION": "eu-west-1"}
    assert problems({"routes": {"/shop": HERE}}, environ=environ) == [
        "WSGI_LAMBDA_LOCAL in the environment must be 1, true, 0 or false"
    ]


@pytest.mark.parametrize("word", ["1", "0", "yes"])
@pytest.mark.parametrize("option", [True, False])
def test_option_overrides_the_environment(option: bool, word: str) -> None:
    environ = {"WSGI_LAMBDA_LOCAL": word, "AWS_REGION": "eu-west-1"}
    (route,) = read(environ, local=option)
    assert route.is_local is option


def test_option_that_is_none_leaves_it_to_the_environment() -> None:
    (route,) = read({"WSGI_LAMBDA_LOCAL": "1"}, local=None)
    assert route.is_local


def test_option_belongs_at_the_top_level() -> None:
    config = {"routes": {"/shop": {**HERE, "local": True}}}
    assert problems(config) == [
        "routes['/shop'].local: unknown option of a route; it belongs at the top level of the "
        "configuration"
    ]


def test_option_must_be_true_or_false() -> None:
    config = {"local": "yes", "routes": {"/shop": HERE}}
    assert problems(config) == ["local: must be true or false, not a string"]


def test_misspelt_option_is_suggested() -> None:
    assert problems({"locla": True, "routes": {"/shop": HERE}}) == [
        "locla: unknown option; did you mean 'local'?"
    ]


def test_route_without_a_handler_stays_in_lambda() -> None:
    routes = {"/shop": HERE, "/pay": {"function_name": "pay", "aws_region": "eu-west-1"}}
    here, there = read({}, routes, local=True)
    assert (here.is_local, there.is_local) == (True, False)
    assert (here.endpoint, there.endpoint) == (
        "in-process",
        "https://lambda.eu-west-1.amazonaws.com",
    )


def test_route_without_a_handler_still_needs_a_region() -> None:
    routes = {"/shop": HERE, "/pay": {"function_name": "pay"}}
    (line,) = problems({"local": True, "routes": routes}, environ={})
    assert line.startswith("routes['/pay'].aws_region: not set")


@pytest.mark.parametrize(
    ("top", "route", "place"),
    [
        ({"local": True}, {"handler": "orders"}, "routes['/shop'].handler"),
        ({"local": True}, {"handlr": "app.handler"}, "routes['/shop'].handlr"),
        ({"local": True, "handler": 7}, {}, "handler"),
        ({"local": "yes"}, {"handler": "app.handler"}, "local"),
    ],
)
def test_invalid_option_of_local_mode_is_the_only_problem(
    top: dict[str, Any], route: dict[str, Any], place: str
) -> None:
    """A region is not missing, because the corrected route needs none."""
    config = {**top, "routes": {"/shop": {"function_name": "orders", **route}}}
    (line,) = problems(config, environ={})
    assert line.startswith(f"{place}: ")


@pytest.mark.parametrize(
    ("environ", "options", "region"),
    [
        ({}, {}, "us-east-1"),
        ({"AWS_REGION": "eu-west-1"}, {}, "eu-west-1"),
        ({}, {"aws_region": "eu-north-1"}, "eu-north-1"),
        ({}, {"function_name": "arn:aws:lambda:sa-east-1:123456789012:function:f"}, "sa-east-1"),
    ],
)
def test_region_is_needed_for_nothing(
    environ: dict[str, str], options: dict[str, Any], region: str
) -> None:
    (route,) = read(environ, {"/shop": {**HERE, **options}}, local=True)
    assert route.target.aws_region == region


@pytest.mark.parametrize(
    "environ",
    [
        {"AWS_ENDPOINT_URL_LAMBDA": "not a url"},
        {"AWS_CA_BUNDLE": "/no/such/file"},
        {"AWS_ENDPOINT_URL_STS": "not a url"},
    ],
    ids=lambda environ: next(iter(environ)),
)
def test_nothing_of_the_network_is_read(environ: dict[str, str]) -> None:
    role = {"aws_assume_role_arn": "arn:aws:iam::123456789012:role/shop"}
    (route,) = read(environ, {"/shop": {**HERE, **role}}, local=True)
    assert (route.identity.aws_assume_role_arn, route.transport.authority) == (None, "in-process")


@pytest.mark.parametrize(("top", "place"), [({"local": True}, "local"), ({}, "WSGI_LAMBDA_LOCAL")])
def test_missing_extra_is_a_problem(
    monkeypatch: pytest.MonkeyPatch, top: dict[str, Any], place: str
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr("wsgi_lambda.config.local_mode.find_spec", lambda name: None)
    config = {**top, "aws_region": "eu-west-1", "routes": {"/shop": HERE}}
    assert problems(config, environ={"WSGI_LAMBDA_LOCAL": "1"}) == [
        f"{place}: needs simplejson: pip install '.[local]' in the checkout"
    ]


def test_extra_is_not_needed_without_local_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsgi_lambda.config.local_mode.find_spec", lambda name: None)
    assert read({"AWS_REGION": "eu-west-1"})


def test_one_warning_lists_the_paths(caplog: pytest.LogCaptureFixture) -> None:
    routes = {
        "/shop": [{**HERE, "methods": ["GET"]}, HERE],
        "/pay/{id}": HERE,
        "/far": {"function_name": "far", "aws_region": "eu-west-1"},
    }
    read({}, routes, local=True)
    assert caplog.messages == ["local mode: in this process instead of Lambda: /shop, /pay/{id}"]
    assert caplog.records[0].levelno == logging.WARNING


def test_warning_of_a_configuration_without_handlers(caplog: pytest.LogCaptureFixture) -> None:
    routes = {"/far": {"function_name": "far", "aws_region": "eu-west-1"}}
    read({}, routes, local=True)
    assert caplog.messages == ["local mode is on, but no route has the option handler"]


def test_warning_lists_named_functions(caplog: pytest.LogCaptureFixture) -> None:
    read_configuration({"local": True, "functions": {"pay": {"handler": "app.handler"}}}, {})
    assert caplog.messages == ["local mode: in this process instead of Lambda: pay"]


def test_nothing_is_logged_without_local_mode(caplog: pytest.LogCaptureFixture) -> None:
    read({"AWS_REGION": "eu-west-1"})
    assert caplog.messages == []
