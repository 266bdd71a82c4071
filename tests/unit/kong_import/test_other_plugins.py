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


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("cors", "browsers refuse its responses"),
        ("request-transformer", "the function gets another event"),
        ("response-transformer", "clients get the function's response without"),
        ("proxy-cache", "each request runs the function"),
        ("http-log", "nothing is sent there"),
        ("key-auth", "option authorize"),
        ("acl", "option authorize"),
        ("rate-limiting", "option authorize"),
        ("request-validator", "option authorize"),
        ("our-own-login", "option authorize"),
    ],
)
def test_note_names_the_consequence(name: str, word: str) -> None:
    ((_, _, text),) = notes_of(routes=[route({"name": name})])
    assert word in text


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Key-auht", "key-auth"),
        ("cros", ""),
        ("rate-limit", "rate-limiting"),
        ("aws_lambda", "aws-lambda"),
        ("my-auth", ""),
    ],
)
def test_name_close_to_a_plugin_of_kong_is_questioned(name: str, meant: str) -> None:
    ((_, _, text),) = notes_of(routes=[route({"name": name})])
    assert text.partition("did you mean ")[2] == (f"{meant!r}?" if meant else "")


def test_misspelt_plugin_of_a_function_is_questioned() -> None:
    routes = [{"paths": ["/a"], "plugins": [{"name": "aws-lamda"}]}]
    text = "it runs on no imported route; did you mean 'aws-lambda'?"
    found = [text for _, place, text in notes_of(routes=routes) if place.endswith("(aws-lamda)")]
    assert found == [text]
