"""Paths of the configuration: their order, and the invalid ones."""

import pytest

from tests.unit.configurations import REGION, problems, read_route
from tests.unit.options.invalid_values import NO_PATH
from wsgi_lambda.config import read_routes


def test_routes_keep_the_order_of_the_configuration():
    config = {
        "function_name": "f",
        "routes": {"/b": {}, "/a": [{"methods": ["GET"]}, {"methods": ["PUT"]}], "/": {}},
    }
    routes = read_routes(config, REGION)
    assert [(route.path, *route.match.methods) for route in routes] == [
        ("/b",),
        ("/a", "GET"),
        ("/a", "PUT"),
        ("/",),
    ]


@pytest.mark.parametrize("path", ["/a", "/a/", "/a///"])
def test_trailing_slash_of_a_path_is_ignored(path):
    (route,) = read_routes({"routes": {path: {"function_name": "pay"}}}, REGION)
    assert route == read_route()


def test_same_path_twice_is_rejected():
    own = {"function_name": "f"}
    assert problems({"routes": {"/a": own, "/b": own, "/a/": own}}) == [
        "routes['/a/']: the same path as routes['/a']; give a list of routes there"
    ]


@pytest.mark.parametrize(
    ("path", "place"),
    [
        pytest.param("a", "routes['a']", id="no-slash"),
        pytest.param("", "routes['']", id="empty"),
        pytest.param("//a", "routes['//a']", id="two-slashes"),
        pytest.param("~/a", "routes['~/a']", id="regex-of-kong"),
        pytest.param(1, "routes[1]", id="number"),
        pytest.param(None, "routes[None]", id="none"),
        pytest.param(b"/a", "routes[b'/a']", id="bytes"),
        pytest.param("/a\0b", "routes['/a\\x00b']", id="NUL"),
    ],
)
def test_invalid_path_is_rejected(path, place):
    assert problems({"routes": {path: {"function_name": "f"}}}) == [f"{place}: {NO_PATH}"]


def test_path_with_a_lone_surrogate_is_rejected():
    config = {"routes": {"/\ud800": {"function_name": "f"}}}
    assert problems(config) == [f"routes['/\\ud800']: {NO_PATH}"]
