"""Everything that is not imported is reported; a lost protection has its own kind."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.kong_import.kong_files import notes_of, places, route
from wsgi_lambda.kong_import.notes import Kind


@pytest.mark.parametrize(
    ("document", "kinds"),
    [
        pytest.param({"plugins": [{"name": "jwt"}]}, [Kind.PROTECTION], id="for all routes"),
        pytest.param(
            {"plugins": [{"name": "jwt", "service": "s"}]}, [Kind.PROTECTION], id="for the service"
        ),
        pytest.param(
            {"plugins": [{"name": "jwt", "route": "r"}]}, [Kind.PROTECTION], id="for the route"
        ),
        pytest.param(
            {"consumers": [{"username": "c", "plugins": [{"name": "acl"}]}]},
            [Kind.PROTECTION],
            id="for a consumer",
        ),
        pytest.param(
            {"consumers": [{"username": "c", "acls": [{"group": "g"}]}]},
            [Kind.PROTECTION],
            id="access list of a consumer",
        ),
        pytest.param(
            {"keyauth_credentials": [{"key": "hunter2"}]}, [Kind.PROTECTION], id="credentials"
        ),
        pytest.param(
            {"plugins": [{"name": "jwt", "service": "other"}]},
            [Kind.NOT_IMPORTED],
            id="for a service without functions",
        ),
        pytest.param(
            {"plugins": [{"name": "jwt", "route": "r", "enabled": False}]},
            [Kind.NOT_IMPORTED],
            id="disabled",
        ),
        pytest.param({"upstreams": [{"name": "u"}]}, [Kind.NOT_IMPORTED], id="upstream"),
        pytest.param(
            {"consumer_group_consumers": [{}]},
            [Kind.NOT_IMPORTED],
            id="resembles a key that is read",
        ),
        pytest.param(
            {"_info": {"defaults": {"consumer": {}, "route": {}, "upstream": {}}}},
            [Kind.NOT_IMPORTED],
            id="defaults of decK",
        ),
        pytest.param(
            {"_info": {"select_tags": ["a"]}, "_transform": False, "_comment": "x"},
            [],
            id="metadata",
        ),
        pytest.param(
            {"consumers": [{"username": "c", "tags": ["t"], "acls": []}], "acls": []},
            [],
            id="empty lists",
        ),
    ],
)
def test_entity_that_is_not_imported_is_noted(document: dict[str, Any], kinds: list[Kind]) -> None:
    base = {
        "services": [
            {"name": "s", "routes": [route(name="r")]},
            {"name": "other", "routes": [{"hosts": ["a.test"]}]},
        ]
    }
    before = notes_of(**base)
    added = [note for note in notes_of(**base, **document) if note not in before]
    assert [kind for kind, _, _ in added] == kinds
    assert "hunter2" not in str(added)


def test_plugin_that_protects_no_function_is_no_protection() -> None:
    services = [
        {"name": "s", "routes": [route(path="/a/")]},
        {"name": "other", "routes": [{"paths": ["/b"]}], "plugins": [{"name": "jwt"}]},
        {"name": "alone"},
    ]
    assert places(Kind.PROTECTION, services=services) == []
    assert places(Kind.NOT_IMPORTED, services=services) == [
        "services[1] (other).plugins[0] (jwt)",
        "services[1] (other).routes[0]",
        "services[2] (alone)",
    ]


def test_credentials_that_protect_no_function_are_no_protection() -> None:
    document = {"keyauth_credentials": [{"key": "k"}], "consumers": [{"acls": [{"group": "g"}]}]}
    assert places(Kind.NOT_IMPORTED, **document) == ["consumers[0].acls", "keyauth_credentials"]


@pytest.mark.parametrize(
    ("field", "kind", "text"),
    [
        ("host", Kind.PROTECTION, "unknown field; did you mean 'hosts'?"),
        ("Methods", Kind.PROTECTION, "unknown field; did you mean 'methods'?"),
        ("colour", Kind.NOT_IMPORTED, "unknown field"),
    ],
)
def test_misspelt_condition_of_a_route_is_a_lost_protection(
    field: str, kind: Kind, text: str
) -> None:
    notes = notes_of(routes=[route(**{field: ["/a"]})])
    assert (kind, f"routes[0].{field}", text) in notes


@pytest.mark.parametrize("key", ["servces", "Services", "service", "plugin", "route", "pluginz"])
def test_misspelt_key_at_the_top_is_an_error(key: str) -> None:
    near = key.lower().replace("servces", "service").rstrip("sz") + "s"
    text = f"unknown key; did you mean {near!r}?"
    assert (Kind.ERROR, key, text) in notes_of(routes=[route()], **{key: [{}]})


@pytest.mark.parametrize(
    ("services", "place", "near"),
    [
        ([{"name": "s", "plugin": []}], "services[0] (s).plugin", "plugins"),
        ([{"route": []}], "services[0].route", "routes"),
        ([{"enable": False}], "services[0].enable", "enabled"),
        ([{"routes": [{"plugin": []}]}], "services[0].routes[0].plugin", "plugins"),
    ],
)
def test_misspelt_field_that_contains_others_is_an_error(
    services: list[Any], place: str, near: str
) -> None:
    text = f"unknown field; did you mean {near!r}?"
    assert (Kind.ERROR, place, text) in notes_of(routes=[route()], services=services)


def test_unknown_field_of_a_service_is_ignored() -> None:
    before = notes_of(services=[{"routes": [route()]}])
    assert notes_of(services=[{"routes": [route()], "x-owner": "shop", 7: 8}]) == before


@pytest.mark.parametrize(("field", "near"), [("conf", "config"), ("enable", "enabled")])
def test_misspelt_field_of_a_plugin_is_an_error(field: str, near: str) -> None:
    plugin = {"name": "aws-lambda", "config": {"function_name": "f"}, field: False}
    place = f"routes[0].plugins[0] (aws-lambda): {field}"
    text = f"unknown field; did you mean {near!r}?"
    assert (Kind.ERROR, place, text) in notes_of(routes=[{"paths": ["/"], "plugins": [plugin]}])


def test_second_function_for_the_same_requests_is_an_error() -> None:
    second = {"name": "aws-lambda", "config": {"function_name": "g"}}
    text = (
        "for the same requests as routes[0].plugins[0] (aws-lambda): Kong rejects a second plugin"
    )
    place = "routes[0].plugins[1] (aws-lambda)"
    assert (Kind.ERROR, place, text) in notes_of(routes=[route(second)])
    groups = [{"name": name, "plugins": [second]} for name in "ab"]
    assert places(Kind.ERROR, routes=[route()], consumer_groups=groups) == []
