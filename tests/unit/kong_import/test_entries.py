"""Routes of Kong become entries: paths, conditions, consumers, order."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.unit.kong_import.kong_files import (
    FUNCTION,
    PLUGIN,
    notes_of,
    places,
    plugin,
    route,
    routes_of,
)
from wsgi_lambda.kong_import.notes import Kind
from wsgi_lambda.kong_import.variables import Variable, mark_templates


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
        pytest.param({"paths": ["~/a$", "/b"]}, ["/a", "/b"], id="regular expression and path"),
        pytest.param({"paths": ["~/a.+b$"]}, [], id="untranslatable regular expression"),
        pytest.param({"paths": ["/${{ env 'DECK_P' }}", 1]}, [], id="variable and number"),
        pytest.param({"paths": ["/${P}/a", "/$P", "/%env(P)%"]}, [], id="placeholders"),
        pytest.param({"paths": ["/{a}", "/a*", "/a?b", "a"]}, [], id="not a path here"),
        pytest.param({"protocols": ["grpc"]}, [], id="gRPC"),
        pytest.param({"expression": 'http.path == "/a"'}, [], id="expression"),
    ],
)
def test_each_plain_path_becomes_an_entry(fields: dict[str, Any], paths: list[str]) -> None:
    fields = yaml.safe_load(mark_templates(yaml.safe_dump(fields)))
    assert list(routes_of(routes=[{**fields, "plugins": [PLUGIN]}])) == paths


@pytest.mark.parametrize(
    ("version", "path", "expected"),
    [
        ("1.1", "/a.b_c~d%20/-", {"/a.b_c~d /-": FUNCTION}),
        ("1.1", r"/a/\d+$", {"/a/{param1}": FUNCTION}),
        ("2.1", "/a/(?<id>.*)", {"/a/{id+}": FUNCTION}),
        ("2.1", "/a$", {"/a": {"exact": True, **FUNCTION}}),
        ("3.0", "/a$", {"/a$": FUNCTION}),
        ("3.0", "~/a", {"/a": FUNCTION}),
        ("2.1", "~/a", {"/a": FUNCTION}),
    ],
)
def test_regular_expression_depends_on_the_format_version(
    version: str, path: str, expected: dict[str, Any]
) -> None:
    assert routes_of(version=version, routes=[route(path=path)]) == expected


def test_path_that_cannot_be_translated_is_named_and_its_function_is_lost() -> None:
    routes = [route(path="~/a.+b$"), {"paths": ["~/a/(?i)b"], "plugins": [plugin()]}]
    notes = notes_of(routes=routes)
    assert [(kind, place) for kind, place, _ in notes] == [
        (Kind.NOT_IMPORTED, "routes[0].paths[0]"),
        (Kind.NOT_IMPORTED, "routes[1].paths[0]"),
        (Kind.LOST, "routes[0]"),
    ]
    assert notes[0][2].startswith("the regular expression '~/a.+b$' cannot be written as a path")
    assert notes[2][2] == "the function 'f' has no route here: its requests go to the app"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        pytest.param("/a", "in Kong a path also matches longer segments", id="part of a segment"),
        pytest.param("/a/", "in Kong the path does not match without the slash", id="slash"),
        pytest.param("/a%2Fb/", "in Kong %2F is not a slash, here it is", id="encoded slash"),
    ],
)
def test_path_that_matches_differently_is_a_difference(path: str, text: str) -> None:
    kind, place, found = notes_of(routes=[route(path=path)])[0]
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
        ({"headers": {"x": ["1", "~*2"]}}, Kind.PROTECTION, "headers"),
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
    notes = [note for note in notes_of(routes=[route(**fields)]) if note[0] is not Kind.LOST]
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
    ("service", "path"),
    [
        ({"url": "http://a.test/v2"}, "/v2"),
        ({"path": "/v2"}, "/v2"),
        ({"path": "/v2/"}, "/v2"),
        ({"path": "/caf%C3%A9"}, "/café"),
        ({"url": "http://a.test/"}, None),
        ({"path": "/", "url": "http://a.test"}, None),
        ({"url": "${URL}"}, None),
        ({"path": 1}, None),
    ],
    ids=str,
)
@pytest.mark.parametrize("strip_path", [True, False])
@pytest.mark.parametrize("level", ["route", "service", "top"])
def test_path_of_a_service_is_added_to_gateway_events(
    service: dict[str, Any], path: str | None, strip_path: bool, level: str
) -> None:
    plugins = [plugin(awsgateway_compatible=True)]
    own = {"paths": ["/a"], "strip_path": strip_path, "plugins": plugins * (level == "route")}
    services = [{**service, "routes": [own], "plugins": plugins * (level == "service")}]
    entry = routes_of(services=services, plugins=plugins * (level == "top"))["/a"]
    assert (entry.get("add_path"), entry.get("strip_path", False)) == (path, strip_path)


def test_path_of_a_service_is_ignored_for_other_events() -> None:
    services = [{"path": "/v2", "routes": [route(path="/a")]}]
    assert routes_of(services=services) == {"/a": FUNCTION}


def test_path_of_a_service_with_a_variable_is_not_imported() -> None:
    services = [{"path": "/${V}", "routes": [{"plugins": [plugin(awsgateway_compatible=True)]}]}]
    assert places(Kind.NOT_IMPORTED, services=services) == ["services[0].path"]
    assert "add_path" not in routes_of(services=services)["/"]


@pytest.mark.parametrize(
    ("fields", "path", "expected"),
    [
        pytest.param({"strip_path": False}, "/v2", ["routes[0].path_handling"], id="no slash"),
        pytest.param({"strip_path": False}, "/v2/", [], id="slash"),
        pytest.param({"strip_path": True}, "/v2", [], id="stripped"),
    ],
)
def test_old_path_handling_without_a_slash_is_a_difference(
    fields: dict[str, Any], path: str, expected: list[str]
) -> None:
    own = {"plugins": [plugin(awsgateway_compatible=True)], "path_handling": "v1", **fields}
    found = places(Kind.DIFFERENCE, services=[{"path": path, "routes": [own]}])
    assert found == [f"services[0].{place}" for place in expected]


@pytest.mark.parametrize(
    ("config", "is_noted"),
    [
        pytest.param({}, True, id="arguments"),
        pytest.param({"forward_request_uri": True}, True, id="URI"),
        pytest.param({"forward_request_body": True}, False, id="other parts"),
        pytest.param({"awsgateway_compatible": True}, False, id="API Gateway"),
    ],
)
def test_parameters_of_a_path_in_the_event_are_a_difference(
    config: dict[str, Any], is_noted: bool
) -> None:
    routes = [{"paths": ["~/a/(?<id>[^/]+)/?$"], "plugins": [plugin(**config)]}]
    assert places(Kind.DIFFERENCE, routes=routes) == ["routes[0].paths[0]"] * is_noted


def test_headers_are_imported() -> None:
    headers = {"X-Tier": ["gold", "${TIER}"]}
    entry = routes_of(routes=[route(headers=headers)])["/"]
    assert entry == {"headers": {"X-Tier": ["gold", Variable("TIER")]}, **FUNCTION}


@pytest.mark.parametrize(
    "fields",
    [{"hosts": ["a.test", "{{ .Host }}"]}, {"headers": {"x": ["%env(X)%"]}}],
    ids=["hosts", "headers"],
)
def test_placeholder_of_another_tool_is_an_error(fields: dict[str, Any]) -> None:
    (name,) = fields
    assert places(Kind.ERROR, routes=[route(**fields)]) == [f"routes[0].{name}"]


def test_entries_of_a_path_keep_kongs_order() -> None:
    routes = [
        route(path="/a/", name="plain", methods=["GET"], created_at=2),
        route(path="/a/", name="older", methods=["POST"], created_at=1),
        route(path="/a/", name="lost a condition", snis=["x"], methods=["PUT"]),
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


@pytest.mark.parametrize(
    ("path", "strip_path", "is_noted"),
    [("~/a/.*", True, True), ("~/a/.*", False, False), ("~/a(/|$)", True, False)],
)
def test_other_part_that_strip_path_removes_is_a_difference(
    path: str, strip_path: bool, is_noted: bool
) -> None:
    own = {"paths": [path], "strip_path": strip_path}
    notes = notes_of(routes=[{**own, "plugins": [plugin(awsgateway_compatible=True)]}])
    assert any(text.startswith("with strip_path Kong") for _, _, text in notes) is is_noted
