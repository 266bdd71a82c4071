"""Requests that reach another route than in Kong are reported."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.kong_import.kong_files import (
    FUNCTION,
    PLUGIN,
    imported,
    notes_of,
    plugin,
    route,
    routes_of,
)
from wsgi_lambda.config import read_routes
from wsgi_lambda.kong_import.notes import Kind

HEADERS = {"x": ["1"]}
TRIED_LATER = "Kong tried this route before routes[1]; here "
PROXIED = "requests that Kong proxied reach a function here: "


@pytest.mark.parametrize(
    ("routes", "text"),
    [
        pytest.param(
            [route(path="/a/", hosts=["h"]), route(path="/a/b/")],
            f"{TRIED_LATER}'/a/b' of that one comes first, because it is more specific than '/a'",
            id="shorter path with more conditions",
        ),
        pytest.param(
            [route(path="~/a/(?<id>[^/]+)/?$"), route(path="/a/b/")],
            f"{TRIED_LATER}'/a/b' of that one comes first, because it is more specific than "
            "'/a/{id}'",
            id="regular expression before a path",
        ),
        pytest.param(
            [
                route(path="~/a/(?<id>[^/]+)/?$", regex_priority=2),
                route(path="~/a/b/?$", regex_priority=1),
            ],
            f"{TRIED_LATER}'/a/b' of that one comes first, because it is more specific than "
            "'/a/{id}'",
            id="higher regex_priority",
        ),
        pytest.param(
            [route(path="/a/", hosts=["h"], methods=["GET"]), route(path="/a/", headers=HEADERS)],
            f"{TRIED_LATER}'/a' of that one comes first, because it has headers",
            id="conditions before headers",
        ),
        pytest.param(
            [route(path="/a/"), {"paths": ["/a/b"]}],
            f"{PROXIED}'/a/b' and '/a' of routes[0] match the same requests",
            id="proxied below a function",
        ),
        pytest.param(
            [route(), {"hosts": ["h"]}],
            f"{PROXIED}'/' and '/' of routes[0] match the same requests",
            id="proxied host below a function for all hosts",
        ),
        pytest.param(
            [route(path="/a/", hosts=["*.h"]), {"paths": ["/a"], "hosts": ["i.h"]}],
            f"{PROXIED}'/a' and '/a' of routes[0] match the same requests",
            id="wildcard host may match the other host",
        ),
        pytest.param(
            [route(path="~/a/(?<p>.+)$"), route(path="/a/b/")],
            f"{TRIED_LATER}'/a/b' of that one comes first, because it is more specific than "
            "'/a/{p+}'",
            id="rest of a path",
        ),
        pytest.param(
            [route(path="/a/"), {"paths": ["~/a/?$"]}],
            f"{PROXIED}'/a' and '/a' of routes[0] match the same requests",
            id="proxied by a regular expression",
        ),
    ],
)
def test_request_that_reaches_another_route_is_a_difference(
    routes: list[dict[str, Any]], text: str
) -> None:
    (found,) = order_differences(routes)
    assert found.startswith(text)


@pytest.mark.parametrize(
    "routes",
    [
        pytest.param(
            [route(path="/a/"), route(path="/a/b/", hosts=["h"])],
            id="longer path with more conditions",
        ),
        pytest.param(
            [route(path="/a/", hosts=["h"]), route(path="/ab/")], id="path in another segment"
        ),
        pytest.param(
            [route(path="~/a/?$", hosts=["h"]), route(path="/a/b/")], id="exact path and one below"
        ),
        pytest.param(
            [route(path="~/a/(?<i>[^/]+)/?$", hosts=["h"]), route(path="/a/b/c/")],
            id="template and a path below",
        ),
        pytest.param(
            [route(path="/a/"), {"paths": ["/ab", "~/a.+b$", "/"]}],
            id="proxied in another segment, by an unknown expression, or above the function",
        ),
        pytest.param(
            [route(path="/a/", methods=["GET"]), {"paths": ["/a"], "methods": ["PUT"]}],
            id="other methods",
        ),
        pytest.param(
            [route(path="/a/", hosts=["h"]), {"paths": ["/a"], "hosts": ["i"]}], id="other hosts"
        ),
    ],
)
def test_routes_that_keep_their_requests_are_not_noted(routes: list[dict[str, Any]]) -> None:
    assert order_differences(routes) == []


def order_differences(routes: list[dict[str, Any]]) -> list[str]:
    """Return the differences, without those of single paths."""
    notes = [
        (place, text) for kind, place, text in notes_of(routes=routes) if kind is Kind.DIFFERENCE
    ]
    return [text for place, text in notes if ".paths[" not in place]


def test_proxied_requests_of_other_consumers_are_noted() -> None:
    own = {**PLUGIN, "route": "b", "consumer": "c"}
    routes = [route(path="/a/", name="a"), {"name": "b", "paths": ["/a/b/"]}]
    document = {"routes": routes, "consumers": [{"username": "c"}], "plugins": [own]}
    texts = [text for _, place, text in notes_of(**document) if place == "routes[1] (b)"]
    assert f"{PROXIED}'/a/b' and '/a' of routes[0] (a) match the same requests" in texts
    assert texts[-1].startswith("no aws-lambda plugin runs on it for other consumers; ")


def test_entry_for_a_consumer_that_overtakes_a_route_is_noted() -> None:
    own = {**PLUGIN, "route": "b", "consumer": "c"}
    routes = [route(name="a", methods=["GET"]), {"name": "b", "paths": ["/"]}]
    document = {"routes": routes, "consumers": [{"username": "c"}], "plugins": [own]}
    text = (
        "Kong tried this route before routes[1] (b); here '/' of that one comes first, because it "
        "has consumers"
    )
    assert (Kind.DIFFERENCE, "routes[0] (a)", text) in notes_of(**document)


@pytest.mark.parametrize(
    "hidden",
    [
        pytest.param({}, id="equal"),
        pytest.param({"methods": ["GET"]}, id="fewer methods, but lost"),
        pytest.param({"headers": {"x": ["1", "~*2"]}, "hosts": ["h"]}, id="lost headers"),
    ],
)
def test_route_that_no_request_can_reach_is_left_out(hidden: dict[str, Any]) -> None:
    routes = [
        route(path="/a/", name="first"),
        {"paths": ["/a/"], "plugins": [plugin(function_name="g")], "snis": ["s"], **hidden},
    ]
    result = imported(routes=routes)
    assert read_routes({"aws_region": "us-east-1", **result.configuration}, {})
    assert result.configuration["routes"] == {"/a": FUNCTION}
    text = "no request can reach it: routes[0] (first) gets all of its requests first"
    found = [(note.kind, note.text) for note in result.notes if note.place == "routes[1]"]
    assert found == [(Kind.LOST, text)]


def test_function_of_a_route_that_no_request_can_reach_may_have_another() -> None:
    routes = [route(path="/a/"), route(path="/a/"), route(path="/b/")]
    text = "no request can reach it: routes[0] gets all of its requests first"
    found = [note for note in notes_of(routes=routes) if note[0] is not Kind.DIFFERENCE]
    assert found == [(Kind.NOT_IMPORTED, "routes[1]", text)]


@pytest.mark.parametrize(
    "conditions",
    [
        pytest.param({"methods": ["GET"]}, id="methods"),
        pytest.param({"hosts": ["h"]}, id="hosts"),
        pytest.param({"headers": {"x": ["1"]}}, id="headers"),
    ],
)
def test_route_with_a_condition_does_not_hide_one_without(conditions: dict[str, Any]) -> None:
    routes = [route(path="/a/", **conditions), route(path="/a/")]
    assert len(routes_of(routes=routes)["/a"]) == 2


@pytest.mark.parametrize(
    ("values", "is_hidden"), [(["1"], True), (["1", "2"], True), (["3"], False)], ids=str
)
def test_header_with_the_same_or_fewer_values_is_hidden(values: list[str], is_hidden: bool) -> None:
    routes = [
        route(path="/a/", headers={"x": ["1", "2"]}),
        route(path="/a/", headers={"x": values}, created_at=1),
    ]
    found = routes_of(routes=routes)["/a"]
    assert isinstance(found, dict) is is_hidden
