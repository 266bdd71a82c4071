"""The whole import: which plugin runs for which requests, and how entries are put together."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.unit.kong_import.kong_files import (
    FUNCTION,
    PLUGIN,
    imported,
    notes_of,
    places,
    plugin,
    route,
    routes_of,
)
from wsgi_lambda.config import read_routes
from wsgi_lambda.kong_import.notes import Kind, report
from wsgi_lambda.kong_import.writer import as_python

ROOT = Path(__file__).resolve().parents[3]

#: The parents of a plugin, most specific first.
FOR_ONE_CONSUMER = {
    "consumer, route, service": {"consumer": "c", "route": "r", "service": "s"},
    "consumer, route": {"consumer": "c", "route": "r"},
    "consumer, service": {"consumer": "c", "service": "s"},
    "consumer": {"consumer": "c"},
}
FOR_ALL = {
    "route, service": {"route": "r", "service": "s"},
    "route": {"route": "r"},
    "service": {"service": "s"},
    "none": {},
}


def with_plugins(*parents: str) -> dict[str, Any]:
    """Return a document with one route, and for each of ``parents`` a plugin: f0, f1, …"""
    known = {**FOR_ONE_CONSUMER, **FOR_ALL}
    plugins = [
        {**plugin(function_name=f"f{number}"), **known[name]} for number, name in enumerate(parents)
    ]
    return {
        "services": [{"name": "s"}],
        "routes": [{"name": "r", "service": "s", "paths": ["/"]}],
        "consumers": [{"username": "c"}, {"username": "d"}],
        "plugins": plugins,
    }


@pytest.mark.parametrize("parents", [FOR_ONE_CONSUMER, FOR_ALL], ids=["one consumer", "all"])
def test_most_specific_plugin_runs(parents: dict[str, Any]) -> None:
    for first in range(len(parents)):
        least_specific_first = [*parents][first:][::-1]
        entry = routes_of(**with_plugins(*least_specific_first))["/"]
        assert entry["function_name"] == f"f{len(least_specific_first) - 1}"


def test_plugin_of_a_consumer_becomes_an_entry_with_consumers() -> None:
    assert routes_of(**with_plugins("consumer", "route"))["/"] == [
        {"consumers": ["c"], "function_name": "f0"},
        {"function_name": "f1"},
    ]


def test_route_and_service_are_more_specific_than_a_consumer() -> None:
    document = with_plugins("consumer", "route, service")
    assert routes_of(**document)["/"] == {"function_name": "f1"}
    assert places(Kind.NOT_IMPORTED, **document) == ["plugins[0] (aws-lambda)"]


def test_disabled_plugin_is_ignored() -> None:
    document = with_plugins("route", "service")
    document["plugins"][0]["enabled"] = False
    assert routes_of(**document)["/"] == {"function_name": "f1"}
    note = (Kind.NOT_IMPORTED, "plugins[0] (aws-lambda)", "disabled in Kong")
    assert note in notes_of(**document)


def test_route_of_a_disabled_service_is_not_imported() -> None:
    services = [{"enabled": False, "routes": [route()]}]
    assert routes_of(services=services) == {}
    note = (Kind.NOT_IMPORTED, "services[0].routes[0]", "its service is disabled in Kong")
    assert note in notes_of(services=services)


def test_plugin_of_a_consumer_group_is_not_imported() -> None:
    document = {
        "routes": [route()],
        "consumer_groups": [{"name": "g", "plugins": [PLUGIN, {"name": "acl"}]}],
        "plugins": [{**PLUGIN, "consumer_group": "g"}],
    }
    assert routes_of(**document) == {"/": FUNCTION}
    assert places(Kind.NOT_IMPORTED, **document) == [
        "consumer_groups[0] (g).plugins[0] (aws-lambda)",
        "plugins[0] (aws-lambda)",
        "consumer_groups[0] (g)",
    ]
    assert places(Kind.PROTECTION, **document) == ["consumer_groups[0] (g).plugins[1] (acl)"]


def test_config_of_a_plugin_overrides_the_shared_one_of_deck() -> None:
    own = {"name": "aws-lambda", "_config": "x", "config": {"timeout": 1}}
    document = {
        "_plugin_configs": {"x": {"timeout": 2, **FUNCTION}},
        "routes": [{"paths": ["/"], "plugins": [own]}],
    }
    assert routes_of(**document) == {"/": {**FUNCTION, "timeout": 1}}


def test_options_that_all_entries_share_become_defaults() -> None:
    with_timeout = plugin(aws_region="us-east-1", timeout=1000)
    without = plugin(aws_region="us-east-1")
    routes = [{"paths": ["/a", "/b"], "plugins": [with_timeout]}, {"plugins": [without]}]
    assert imported(routes=routes).configuration == {
        "aws_region": "us-east-1",
        "routes": {
            "/a": {**FUNCTION, "timeout": 1000},
            "/b": {**FUNCTION, "timeout": 1000},
            "/": FUNCTION,
        },
    }


def test_function_that_lost_every_route_is_noted() -> None:
    routes = [
        {"paths": ["/a", "~/a.+$x"], "plugins": [plugin(function_name="kept")]},
        {"protocols": ["grpc"], "plugins": [plugin(function_name="lost")]},
        {"protocols": ["grpc"], "plugins": [plugin(function_name="kept")]},
    ]
    lost = [note for note in notes_of(routes=routes) if note[0] is Kind.LOST]
    text = "the function 'lost' has no route here: its requests go to the app"
    assert lost == [(Kind.LOST, "routes[1]", text)]


def test_plugin_without_a_function_or_config_is_converted() -> None:
    routes = [{"paths": ["/a"], "plugins": [{"name": "aws-lambda"}]}]
    assert routes_of(routes=routes) == {"/a": {}}


def test_empty_file_becomes_a_valid_configuration() -> None:
    assert read_routes(imported().configuration, {}) == ()


def test_example_in_the_documentation_is_correct() -> None:
    text = (ROOT / "docs" / "kong.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```(?:yaml|python|text)\n(.*?)^```$", text, re.S | re.M)
    source, code, lines = blocks[:3]
    result = imported(source)
    assert as_python(result.configuration) == code
    assert report(result.notes) == lines.splitlines()
