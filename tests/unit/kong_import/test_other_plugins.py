"""Plugins other than aws-lambda: a lost protection, or not."""

from __future__ import annotations

import pytest

from tests.unit.kong_import.kong_files import notes_of, places, route
from wsgi_lambda.kong_import.notes import Kind
from wsgi_lambda.kong_import.other_plugins import HARMLESS, PROTECTING


@pytest.mark.parametrize("name", [*PROTECTING, "our-own-login"])
def test_protecting_or_unknown_plugin_is_a_lost_protection(name: str) -> None:
    assert places(Kind.PROTECTION, routes=[route({"name": name})]) == [
        f"routes[0].plugins[1] ({name})"
    ]


@pytest.mark.parametrize("name", sorted(HARMLESS))
def test_harmless_plugin_is_not_imported(name: str) -> None:
    notes = notes_of(routes=[route({"name": name})])
    assert [kind for kind, _, _ in notes] == [Kind.NOT_IMPORTED]
