"""Requests that reach another route than in Kong are reported."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.kong_import.kong_files import PLUGIN, notes_of, route
from wsgi_lambda.kong_import.notes import Kind

TRIED_LATER = "Kong tried this route before '/a/b' of routes[1], because it has more conditions"
PROXIED = "requests that Kong proxied reach a function here: "


@pytest.mark.parametrize(
    ("routes", "text"),
    [
        pytest.param(
            [route(path="/a/", hosts=["h"]), route(path="/a/b/")],
            TRIED_LATER,
            id="shorter path with more conditions",
        ),
        pytest.param(
            [route(path="/a/"), {"paths": ["/a/b"]}],
            f"{PROXIED}'/a/b' is below '/a' of routes[0]",
            id="proxied below a function",
        ),
        pytest.param(
            [route(), {"hosts": ["h"]}],
            f"{PROXIED}'/' is below '/' of routes[0]",
            id="proxied host below a function for all hosts",
        ),
        pytest.param(
            [route(path="/a/", hosts=["*.h"]), {"paths": ["/a"], "hosts": ["i.h"]}],
            f"{PROXIED}'/a' is below '/a' of routes[0]",
            id="wildcard host may match the other host",
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
            [route(path="/a/"), {"paths": ["/ab", "~/a"]}],
            id="proxied in another segment or by a regular expression",
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
    plugin = {**PLUGIN, "route": "b", "consumer": "c"}
    routes = [route(path="/a/", name="a"), {"name": "b", "paths": ["/a/b/"]}]
    document = {"routes": routes, "consumers": [{"username": "c"}], "plugins": [plugin]}
    texts = [text for _, place, text in notes_of(**document) if place == "routes[1] (b)"]
    assert f"{PROXIED}'/a/b' is below '/a' of routes[0] (a)" in texts
    assert texts[-1].startswith("no aws-lambda plugin runs on it for other consumers; ")


def test_entry_for_a_consumer_that_overtakes_a_route_is_noted() -> None:
    plugin = {**PLUGIN, "route": "b", "consumer": "c"}
    routes = [route(name="a", methods=["GET"]), {"name": "b", "paths": ["/"]}]
    document = {"routes": routes, "consumers": [{"username": "c"}], "plugins": [plugin]}
    text = (
        "for its consumers this route comes before routes[0] (a) at '/'; in Kong it came after it"
    )
    assert (Kind.DIFFERENCE, "routes[1] (b)", text) in notes_of(**document)
