"""Routes of Kong become entries: paths, conditions, consumers, order."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

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
from wsgi_lambda.kong_import.notes import SHELL_PLACEHOLDER, Kind
from wsgi_lambda.kong_import.variables import mark_templates


@pytest.mark.parametrize(
    ("fields", "paths"),
    [
        pytest.param({}, ["/"], id="no paths"),
        pytest.param({"paths": None}, ["/"], id="null"),
        pytest.param({"paths": ["/"]}, ["/"], id="root"),
        pytest.param({"paths": ["/a", "/b/"]}, ["/a", "/b"], id="slash at the end"),
        pytest.param({"paths": ["/a", "/a/"]}, ["/a"], id="the same path twice"),
        pytest.param({"paths": "/a"}, ["/a"], id="string instead of a list"),
        pytest.param({"paths": ["/caf%C3%A9"]}, ["/café"], id="percent-encoded"),
        pytest.param({"paths": ["~/a$", "/b"]}, ["/b"], id="regular expression and plain path"),
        pytest.param({"paths": ["~/a$"]}, [], id="regular expression"),
        pytest.param({"paths": ["/${{ env 'DECK_P' }}", 1]}, [], id="variable and number"),
        pytest.param({"protocols": ["grpc"]}, [], id="gRPC"),
        pytest.param({"expression": 'http.path == "/a"'}, [], id="expression"),
    ],
)
def test_each_plain_path_becomes_an_entry(fields: dict[str, Any], paths: list[str]) -> None:
    fields = yaml.safe_load(mark_templates(yaml.safe_dump(fields)))
    assert list(routes_of(routes=[{**fields, "plugins": [PLUGIN]}])) == paths


@pytest.mark.parametrize(
    ("version", "path", "is_plain"),
    [
        ("1.1", "/a.b_c~d%20/-", True),
        ("1.1", r"/a\d+", False),
        ("2.1", "/a/(?<id>.*)", False),
        ("2.1", "/a$", False),
        ("3.0", "/a$", True),
        ("3.0", "~/a", False),
    ],
)
def test_regular_expression_depends_on_the_format_version(
    version: str, path: str, is_plain: bool
) -> None:
    result = imported(version=version, routes=[route(path=path)])
    assert bool(result.configuration["routes"]) == is_plain
    assert any("is a regular expression" in str(note) for note in result.notes) != is_plain


@pytest.mark.parametrize(
    ("path", "text"),
    [
        pytest.param("/a", "in Kong '/a' also matches '/ax'", id="part of a segment"),
        pytest.param("/a/", "in Kong '/a/' does not match '/a'; here it does", id="slash"),
        pytest.param("/a%2Fb", "in Kong %2F is not a slash, here it is", id="encoded slash"),
    ],
)
def test_path_that_matches_differently_is_a_difference(path: str, text: str) -> None:
    ((kind, place, found),) = notes_of(routes=[route(path=path)])
    assert (kind, place) == (Kind.DIFFERENCE, "routes[0].paths[0]")
    assert text in found


def test_root_matches_as_in_kong() -> None:
    assert notes_of(routes=[route(path="/")]) == []


def test_methods_and_hosts_are_imported() -> None:
    entry = routes_of(routes=[route(methods=["GET"], hosts=["a.test", "*.b.test"])])["/"]
    assert entry == {"methods": ["GET"], "hosts": ["a.test", "*.b.test"], **FUNCTION}


@pytest.mark.parametrize(
    ("fields", "kind", "field"),
    [
        ({"protocols": ["https"]}, Kind.PROTECTION, "protocols"),
        ({"protocols": ["http"]}, Kind.DIFFERENCE, "protocols"),
        ({"protocols": ["tcp"]}, Kind.NOT_IMPORTED, "protocols"),
        ({"headers": {"x": ["1"]}}, Kind.PROTECTION, "headers"),
        ({"snis": ["a.test"]}, Kind.PROTECTION, "snis"),
        ({"sources": [{"ip": "10.0.0.0/8"}]}, Kind.PROTECTION, "sources"),
        ({"destinations": [{"port": 1}]}, Kind.PROTECTION, "destinations"),
        ({"expression": "true"}, Kind.NOT_IMPORTED, "expression"),
        ({"brand_new": 1}, Kind.NOT_IMPORTED, "brand_new"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_condition_without_an_option_is_noted(
    fields: dict[str, Any], kind: Kind, field: str
) -> None:
    notes = notes_of(routes=[route(**fields)])
    assert [(kind, place) for kind, place, _ in notes] == [(kind, f"routes[0].{field}")]


def test_irrelevant_fields_are_ignored() -> None:
    fields = {"strip_path": True, "preserve_host": True, "tags": ["a"], "protocols": None}
    assert notes_of(routes=[route(**fields, headers=None, regex_priority=0)]) == []


def test_consumer_without_username_is_named_by_custom_id() -> None:
    consumers = [{"custom_id": "c", "plugins": [PLUGIN]}]
    document = {"routes": [{"paths": ["/"]}], "consumers": consumers}
    assert routes_of(**document)["/"] == {"consumers": ["c"], **FUNCTION}
    assert places(Kind.DIFFERENCE, **document) == ["consumers[0]"]
    # Kong proxied the requests of other consumers.
    assert places(Kind.NOT_IMPORTED, **document) == ["routes[0]"]


@pytest.mark.parametrize(
    ("fields", "is_stripped"),
    [({}, True), ({"strip_path": True}, True), ({"strip_path": False}, False)],
    ids=["default", "true", "false"],
)
def test_strip_path_is_imported_for_gateway_events(
    fields: dict[str, Any], is_stripped: bool
) -> None:
    gateway = plugin(awsgateway_compatible=True)
    entry = routes_of(routes=[{"paths": ["/a"], "plugins": [gateway], **fields}])["/a"]
    assert entry.get("strip_path", False) is is_stripped


def test_strip_path_is_ignored_for_other_events() -> None:
    assert "strip_path" not in routes_of(routes=[route(path="/a", strip_path=True)])["/a"]


@pytest.mark.parametrize(
    ("service", "has_path"),
    [
        ({"url": "http://a.test/v2"}, True),
        ({"path": "/v2"}, True),
        ({"url": "http://a.test/"}, False),
        ({"path": "/", "url": "http://a.test"}, False),
        ({"url": "${URL}"}, False),
        ({"path": 1}, False),
    ],
    ids=str,
)
def test_path_of_a_service_is_missing_from_gateway_events(
    service: dict[str, Any], has_path: bool
) -> None:
    gateway = {**service, "routes": [{"plugins": [plugin(awsgateway_compatible=True)]}]}
    other = {**service, "routes": [{"plugins": [PLUGIN]}]}
    expected = ["services[0]"] if has_path else []
    assert places(Kind.DIFFERENCE, services=[gateway, {"path": "/unrelated"}]) == expected
    assert places(Kind.DIFFERENCE, services=[other]) == []


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"paths": ["/${PREFIX}/"]}, "routes[0].paths[0]"),
        ({"hosts": ["a.test", "${HOST}"]}, "routes[0].hosts"),
    ],
    ids=["path", "host"],
)
def test_placeholder_of_a_shell_is_noted(fields: dict[str, Any], place: str) -> None:
    note = (Kind.ADVICE, place, SHELL_PLACEHOLDER)
    assert note in notes_of(routes=[{"plugins": [PLUGIN], **fields}])


def test_entries_of_a_path_keep_kongs_order() -> None:
    routes = [
        route(path="/a/", name="plain", created_at=2),
        route(path="/a/", name="older", created_at=1),
        route(path="/a/", name="lost a condition", headers={"x": ["1"]}, methods=["GET"]),
        route(path="/a/", name="wildcard host", hosts=["*.test"]),
        route(path="/a/", name="host", hosts=["a.test"]),
        route(path="/a", name="host and method", hosts=["a.test"], methods=["GET"]),
    ]
    for number, own in enumerate(routes):
        own["plugins"] = [plugin(function_name=f"f{number}")]
    order = [int(entry["function_name"][1:]) for entry in routes_of(routes=routes)["/a"]]
    assert [routes[number]["name"] for number in order] == [
        "host and method",
        "host",
        "wildcard host",
        "older",
        "plain",
        "lost a condition",
    ]
