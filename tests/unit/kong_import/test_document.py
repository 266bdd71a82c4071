"""Reading a declarative file: formats, nesting, references to parents, vaults."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.kong_import.kong_files import (
    FUNCTION,
    kong_file,
    notes_of,
    places,
    route,
    routes_of,
)
from wsgi_lambda.errors import ConfigError
from wsgi_lambda.kong_import import convert
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


@pytest.mark.parametrize(("version", "number"), [("3.0", 3.0), ("2.1", 2.1), ("1.1", 1.1)])
def test_format_version_may_be_a_number(version: str, number: float) -> None:
    assert convert({"_format_version": number}) == convert({"_format_version": version})


@pytest.mark.parametrize(
    ("document", "message"),
    [
        pytest.param([], "must be a mapping, not list", id="list"),
        pytest.param({}, "_format_version: must be one of 1.1, 2.1, 3.0", id="no version"),
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
