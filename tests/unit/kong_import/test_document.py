"""Reading a declarative file: formats, nesting, references to parents, vaults."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.kong_import.kong_files import (
    FUNCTION,
    imported,
    kong_file,
    notes_of,
    places,
    route,
    routes_of,
)
from wsgi_lambda.errors import ConfigError
from wsgi_lambda.kong_import import convert, convert_all
from wsgi_lambda.kong_import.notes import Kind


@pytest.mark.parametrize("version", ["1.1", "2.1", "3.0"])
@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            "routes: [{paths: [/a], plugins: [{name: aws-lambda, config: {function_name: f}}]}]",
            id="inside a route",
        ),
        pytest.param(
            """
services:
- name: s
  routes: [{paths: [/a], plugins: [{name: aws-lambda, config: {function_name: f}}]}]
""",
            id="inside a route inside a service",
        ),
        pytest.param(
            """
services:
- routes: [{paths: [/a]}]
  plugins: [{name: aws-lambda, config: {function_name: f}}]
""",
            id="inside a service",
        ),
        pytest.param(
            """
services: [{name: s}]
routes: [{name: r, service: s, paths: [/a]}]
plugins: [{name: aws-lambda, service: {name: s}, config: {function_name: f}}]
""",
            id="at the top with a name of its service",
        ),
        pytest.param(
            """
routes: [{id: 1-2, paths: [/a]}]
plugins: [{name: aws-lambda, route: {id: 1-2}, config: {function_name: f}}]
""",
            id="at the top with an id of its route",
        ),
        pytest.param(
            """
routes: [{paths: [/a]}]
plugins: [{name: aws-lambda, config: {function_name: f}}]
""",
            id="at the top for all routes",
        ),
    ],
)
def test_plugin_may_be_at_any_level(text: str, version: str) -> None:
    assert routes_of(text, version=version) == {"/a": FUNCTION}


@pytest.mark.parametrize(
    ("version", "number"), [("3.0", 3.0), ("3.0", 3), ("2.1", 2.1), ("1.1", 1.1)]
)
def test_format_version_may_be_a_number(version: str, number: float) -> None:
    assert convert({"_format_version": number}) == convert({"_format_version": version})


@pytest.mark.parametrize(
    ("document", "message"),
    [
        pytest.param([], "must be a mapping, not a list", id="list"),
        pytest.param(None, "is empty$", id="nothing"),
        pytest.param(
            {}, "_format_version: missing: not a declarative file of Kong$", id="no version"
        ),
        pytest.param(
            kong_file(version="4.0"),
            "_format_version: must be one of 1.1, 2.1, 3.0",
            id="unknown version",
        ),
        pytest.param(
            kong_file(services={"a": 1}), "services: must be a list of mappings", id="mapping"
        ),
        pytest.param(
            kong_file(routes=["a"]), "routes: must be a list of mappings", id="list of strings"
        ),
        pytest.param(
            kong_file(services=[{"routes": "a"}]),
            r"services\[0\].routes: must be a list of mappings",
            id="nested string",
        ),
        pytest.param(
            kong_file(routes=[{"plugins": [{"name": "aws-lambda", "config": "a"}]}]),
            r"routes\[0\].plugins\[0\] \(aws-lambda\): config: must be a mapping",
            id="config is a string",
        ),
        pytest.param(
            kong_file(routes=[{"plugins": [{"_config": []}]}], _plugin_configs=[]),
            r"routes\[0\].plugins\[0\]: _config: must name a mapping in _plugin_configs",
            id="_plugin_configs is a list",
        ),
        pytest.param(
            kong_file(routes=[{"plugins": [{"name": "aws-lambda", "_config": "a"}]}]),
            r"routes\[0\].plugins\[0\] \(aws-lambda\): _config: must name a mapping in",
            id="no _plugin_configs",
        ),
    ],
)
def test_invalid_file_is_rejected(document: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        convert(document)


def test_empty_mapping_counts_as_an_empty_list() -> None:
    assert routes_of(services={}) == {}


@pytest.mark.parametrize("parent", ["service", "route", "consumer"])
def test_entity_with_a_missing_parent_is_not_imported(parent: str) -> None:
    document = {"routes": [route()], "plugins": [{"name": "key-auth", parent: "nobody"}]}
    assert notes_of(**document) == [
        (Kind.NOT_IMPORTED, "plugins[0] (key-auth)", f"its {parent} is not in the file")
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("env", [], id="environment"),
        pytest.param("aws", ["vaults[0] (aws)"], id="another vault"),
    ],
)
def test_only_vaults_of_the_environment_are_imported(name: str, expected: list[str]) -> None:
    vaults = [{"name": name, "prefix": "p"}]
    assert places(Kind.NOT_IMPORTED, routes=[route()], vaults=vaults) == expected


@pytest.mark.parametrize(
    "fields",
    [
        {True: 1, "a": 2, "protocols": [{}]},
        {"hosts": [{}], "methods": "GET", "paths": [[]]},
        {"created_at": "now", "plugins": [{"name": [], True: 1, "b": 1, "protocols": [{}]}]},
    ],
    ids=["keys", "conditions", "plugin"],
)
def test_fields_of_a_wrong_type_are_noted(fields: dict[Any, Any]) -> None:
    assert notes_of(routes=[route(), {"plugins": [{"name": "aws-lambda"}], **fields}])


def test_documents_are_merged() -> None:
    found = convert_all(
        [
            ("a.yml", kong_file(services=[{"name": "s", "routes": [{"paths": ["/a"]}]}])),
            ("b.yml", kong_file(plugins=[{"name": "aws-lambda", "service": "s", "_config": "x"}])),
            ("c.yml", kong_file(_plugin_configs={"x": FUNCTION}, upstreams=[{"name": "u"}])),
        ]
    )
    assert found.configuration["routes"] == {"/a": FUNCTION}
    places = [note.place for note in found.notes]
    assert "a.yml: services[0] (s).routes[0].paths[0]" in places
    assert "c.yml: upstreams" in places


@pytest.mark.parametrize(
    "entities",
    [
        {"services": [{"name": "shop"}]},
        {"routes": [{"name": "shop", "paths": ["/a"]}]},
        {"consumers": [{"username": "shop"}]},
    ],
    ids=["services", "routes", "consumers"],
)
def test_name_that_stands_twice_is_rejected(entities: dict[str, Any]) -> None:
    (kind,) = entities
    message = rf"b.yml: {kind}\[0\] \(shop\): has the same name as a.yml: {kind}\[0\] \(shop\)"
    with pytest.raises(ConfigError, match=message):
        convert_all([("a.yml", kong_file(**entities)), ("b.yml", kong_file(**entities))])


def test_entities_without_a_name_are_not_compared() -> None:
    document = kong_file(services=[{}, {}], consumers=[{"custom_id": "a"}, {"custom_id": "b"}])
    assert convert(document).configuration == {"routes": {}}


def test_documents_of_different_formats_are_rejected() -> None:
    message = "_format_version: must be the same in all files, not 2.1 and 3.0"
    with pytest.raises(ConfigError, match=message):
        convert_all([("a.yml", kong_file(version="3.0")), ("b.yml", kong_file(version="2.1"))])


def test_one_of_several_documents_may_leave_out_the_format() -> None:
    documents = [("a.yml", {"routes": [route(path="/a/")]}), ("b.yml", kong_file())]
    assert convert_all(documents).configuration["routes"] == {"/a": FUNCTION}
    with pytest.raises(ConfigError, match=r"b\.yml: _format_version: must be one of"):
        convert_all([("a.yml", kong_file()), ("b.yml", {"_format_version": "4"})])


def test_documents_of_one_file_stay_apart() -> None:
    documents = [kong_file(routes=[route(path=path)]) for path in ("/a/", "/b/")]
    found = convert_all([("a.yml", document) for document in documents])
    assert list(found.configuration["routes"]) == ["/a", "/b"]
    places = {note.place for note in found.notes if "routes[0].paths[0]" in note.place}
    assert places == {"a.yml: routes[0].paths[0]", "a.yml: document 2: routes[0].paths[0]"}


def test_document_that_is_not_a_mapping_is_named() -> None:
    with pytest.raises(ConfigError, match=r"b\.yml: must be a mapping, not a list"):
        convert_all([("a.yml", kong_file()), ("b.yml", [])])


@pytest.mark.parametrize(
    ("document", "hint"),
    [
        ({"format_version": "3.0", "services": []}, "; the key 'format_version' is misspelt"),
        ({"services": {"web": {"image": "nginx"}}}, "; it is a file of Docker Compose, or an"),
        ({"openapi": "3.1.0", "paths": {}}, "; it is an OpenAPI file: convert it with deck"),
        ({"swagger": "2.0"}, "; it is an OpenAPI file: convert it with deck"),
        ({"routes": {"/a": {}}}, "; it is a configuration of wsgi_lambda already"),
        ({"WSGI_LAMBDA": {}}, "; it is a configuration of wsgi_lambda already"),
        ({"apiVersion": "v1"}, "; a Kubernetes manifest has both apiVersion and kind"),
        ({"AWSTemplateFormatVersion": "x"}, "; it is a template of CloudFormation"),
        ({"data": [], "next": None}, "; it is a reply of Kong's Admin API"),
        ({"name": "ci", "on": "push", 7: 8}, ""),
    ],
)
def test_file_of_another_tool_is_named(document: dict[Any, Any], hint: str) -> None:
    with pytest.raises(ConfigError) as raised:
        convert(document)
    (line,) = raised.value.errors
    start = "_format_version: missing: not a declarative file of Kong"
    assert line.startswith(start + hint)
    assert hint or line == start


def test_defaults_of_deck_are_those_of_routes_and_services() -> None:
    gateway = {"function_name": "f", "awsgateway_compatible": True}
    defaults = {"route": {"strip_path": False}, "service": {"path": "/v2"}}
    services = [
        {"name": "s", "routes": [{"paths": ["/a"]}, {"paths": ["/b"], "strip_path": True}]},
        {"name": "t", "path": "/", "routes": [{"paths": ["/c"]}]},
    ]
    made = imported(
        _info={"defaults": defaults},
        services=services,
        routes=[{"paths": ["/d"], "service": "s"}],
        plugins=[{"name": "aws-lambda", "config": gateway}],
    )
    assert made.configuration["awsgateway_compatible"] is True
    assert made.configuration["routes"] == {
        "/a": {"function_name": "f", "add_path": "/v2"},
        "/b": {"function_name": "f", "strip_path": True, "add_path": "/v2"},
        "/c": FUNCTION,
        "/d": {"function_name": "f", "add_path": "/v2"},
    }
