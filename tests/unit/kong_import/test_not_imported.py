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
            {"_info": {"defaults": {"route": {}}}}, [Kind.NOT_IMPORTED], id="defaults of decK"
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
