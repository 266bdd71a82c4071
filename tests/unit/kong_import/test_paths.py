"""The paths of one Kong route."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.kong_import.kong_files import FUNCTION, imported, notes_of, plugin, route, routes_of
from wsgi_lambda.config import read_routes
from wsgi_lambda.kong_import.notes import Kind


def test_exact_path_and_the_paths_below_it_are_a_prefix_without_difference() -> None:
    own = {**route(), "paths": ["/a/", "~/a$"]}
    assert routes_of(routes=[own]) == {"/a": FUNCTION}
    assert notes_of(routes=[own]) == []


@pytest.mark.parametrize(
    "paths", [["~/a(/.*)?$"], ["~/a(/|$)"], ["~/a(?:/|$)(.*)"], ["~/a$", "/a/", "/a/"]], ids=str
)
def test_expression_that_ends_at_a_segment_is_a_prefix_without_difference(paths: list[str]) -> None:
    own = {**route(), "paths": paths}
    assert routes_of(routes=[own]) == {"/a": FUNCTION}
    assert notes_of(routes=[own]) == []


def test_exact_path_and_a_prefix_of_other_routes_stay_apart() -> None:
    routes = [route(path="~/a$", methods=["GET"]), {"paths": ["/a/"], "plugins": [plugin()]}]
    assert routes_of(routes=routes)["/a"] == [
        {"exact": True, "methods": ["GET"], **FUNCTION},
        FUNCTION,
    ]


@pytest.mark.parametrize("names", [("id", "id"), ("petid", "id")], ids=str)
def test_templates_with_other_names_are_one_path(names: tuple[str, str]) -> None:
    routes: list[dict[str, Any]] = [
        route(path=f"~/pets/(?<{name}>[^/]+)/?$", methods=[method])
        for name, method in zip(names, ("GET", "PUT"), strict=True)
    ]
    result = imported(routes=routes)
    assert list(result.configuration["routes"]) == [f"/pets/{{{names[0]}}}"]
    assert len(read_routes({"aws_region": "us-east-1", **result.configuration}, {})) == 2
    renamed = [note.place for note in result.notes if "are named as in" in note.text]
    assert renamed == ["routes[1]"] * (names[0] != names[1])


def test_path_that_no_request_can_match_is_not_imported() -> None:
    found = notes_of(routes=[route(path="/%2525")])
    assert found[0][:2] == (
        Kind.NOT_IMPORTED,
        "routes[0].paths[0]",
    )
