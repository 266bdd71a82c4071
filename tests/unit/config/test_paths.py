"""Paths of the configuration: their order, and the invalid ones."""

import pytest

from tests.unit.configurations import REGION, problems, read_route
from wsgi_lambda.config import read_routes


def test_routes_keep_the_order_of_the_configuration():
    config = {
        "function_name": "f",
        "routes": {"/b": {}, "/a": [{"methods": ["GET"]}, {"methods": ["PUT"]}], "/": {}},
    }
    routes = read_routes(config, REGION)
    assert [(str(route.path), *route.match.methods) for route in routes] == [
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


def test_paths_that_differ_in_parameter_names_are_the_same():
    own = {"function_name": "f"}
    assert problems({"routes": {"/a/{x}": own, "/a/{y}/": own, "/a/{y+}": own}}) == [
        "routes['/a/{y}/']: the same path as routes['/a/{x}']; give a list of routes there"
    ]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        pytest.param("a", "must begin with exactly one '/': write '/a'", id="no-slash"),
        pytest.param("", "must begin with exactly one '/': write '/'", id="empty"),
        pytest.param("//a", "must begin with exactly one '/': write '/a'", id="two-slashes"),
        pytest.param("~/a", "is not a regular expression: write", id="regex-of-kong"),
        pytest.param("^a/(?P<id>[0-9]+)$", "is not a regular expression", id="regex-of-django"),
        pytest.param("/^a$", "is not a regular expression", id="anchored-regex"),
        pytest.param("*", "exactly one '/': write a path such as '/todos/{id}'", id="only-a-star"),
        pytest.param("/x-<int:id>", "write a path such as '/todos/{id}'", id="part-of-a-segment"),
        pytest.param("/p/<path:x>/y", "write a path such as", id="path-converter-in-the-middle"),
        pytest.param("/a/*.html", "has no wildcard: write '/a/{name}'", id="star-with-an-ending"),
        pytest.param(1, "must be a string, not a number", id="number"),
        pytest.param(None, "must be a string, not None", id="none"),
        pytest.param(b"/a", "must be a string, not bytes", id="bytes"),
        pytest.param("/a\0b", "must not contain NUL", id="NUL"),
        pytest.param("/\ud800", "must not contain a lone surrogate", id="lone-surrogate"),
        pytest.param("/users?x=1", "does not contain the query: write '/users'", id="query"),
        pytest.param("/users#x", "does not contain the fragment: write '/users'", id="fragment"),
        pytest.param("/caf%C3%A9", "without percent-escapes: write '/café'", id="escape"),
        pytest.param("/users/<int:id>", "write '/users/{id}'", id="converter"),
        pytest.param("/u/<path:rest>", "write '/u/{rest+}'", id="path-converter"),
        pytest.param("/u/<id>/x", "write '/u/{id}/x'", id="converter-without-type"),
        pytest.param("/u/<", "write a path such as '/todos/{id}'", id="angle-bracket"),
        pytest.param("/static/*", "write '/static' for everything below it, or", id="star"),
        pytest.param("/*", "write '/' for everything below it, or '/{path+}'", id="star-alone"),
        pytest.param("/a/*/b", "write '/a/{name}/b'", id="star-in-the-middle"),
        pytest.param("/a*", "has no wildcard", id="star-in-a-segment"),
        pytest.param("/a{b}", "fills a whole segment", id="brace-in-a-segment"),
        pytest.param("/{}", "fills a whole segment", id="no-name"),
        pytest.param("/{a b}", "consists of letters, digits", id="blank-in-a-name"),
        pytest.param("/{a}/{a+}", "two parameters with the name 'a'", id="name-twice"),
        pytest.param("/{a+}/b", "must be the last segment; write '{a}'", id="rest-in-the-middle"),
    ],
)
def test_path_that_no_request_can_match_is_rejected(path, text):
    (problem,) = problems({"routes": {path: {"function_name": "f"}}})
    assert problem.startswith(f"routes[{path!r}]: ")
    assert text in problem


@pytest.mark.parametrize("path", ["/a-b_c.d~e", "/a:b;c,d@e", "/a%", "/a//b", "/{a-b.c_1}", "/é"])
def test_path_that_a_request_can_match_is_accepted(path):
    (route,) = read_routes({"routes": {path: {"function_name": "f"}}}, REGION)
    assert str(route.path) == path


def test_template_is_always_exact():
    own = {"function_name": "f"}
    assert problems({"routes": {"/a/{x}": {**own, "exact": True}}}) == [
        "routes['/a/{x}'].exact: a template is always exact; leave it out"
    ]
    config = {**own, "exact": True, "routes": {"/a": {}, "/a/{x}": {}, "/b": {"exact": False}}}
    assert [route.is_exact for route in read_routes(config, REGION)] == [True, True, False]


# --- routes that no request can reach

GET, POST = {"methods": ["GET"]}, {"methods": ["POST"]}
BOTH = {"methods": ["GET", "POST"]}
HEADER, HEADERS = {"headers": {"X-A": ["1"]}}, {"headers": {"x-a": ["1", "2"], "X-B": ["1"]}}


@pytest.mark.parametrize(
    ("routes", "hidden"),
    [
        pytest.param([{}, {}], [1], id="twice-the-same"),
        pytest.param([{}, GET], [1], id="after-a-route-for-all"),
        pytest.param([BOTH, GET], [1], id="fewer-methods"),
        pytest.param([GET, BOTH], [], id="more-methods"),
        pytest.param([GET, POST, GET], [2], id="third-after-the-first"),
        pytest.param([GET, {}], [], id="all-after-a-condition"),
        pytest.param([{"hosts": ["a.test"]}, GET], [], id="other-conditions"),
        pytest.param([GET, {**GET, "hosts": ["a.test"]}], [1], id="one-more-condition"),
        pytest.param([{"hosts": ["*.test"]}, {"hosts": ["a.test"]}], [], id="hosts-as-written"),
        pytest.param([{}, {"consumers": ["al"]}], [], id="consumers-come-first"),
        pytest.param([{}, HEADER], [], id="headers-come-first"),
        pytest.param([HEADER, {"headers": {"X-A": ["1"], "X-B": ["1"]}}], [1], id="more-headers"),
        pytest.param([HEADERS, HEADER], [], id="fewer-headers"),
        pytest.param([HEADER, {"headers": {"X-A": ["1", "2"]}}], [], id="more-values"),
        pytest.param([{"exact": True}, {}], [], id="exact-does-not-hide-a-prefix"),
        pytest.param([{}, {"exact": True}], [], id="exact-comes-first"),
        pytest.param([{"exact": True}, {"exact": True, **GET}], [1], id="exact-after-exact"),
    ],
)
def test_route_that_no_request_can_reach_is_rejected(routes, hidden):
    config = {"function_name": "f", "routes": {"/a": routes}}
    found = problems(config) if hidden else []
    assert hidden or read_routes(config, REGION)
    places = [problem.partition(":")[0] for problem in found]
    assert places == [f"routes['/a'][{number}]" for number in hidden]
    assert all("no request can reach it: routes['/a'][0] matches" in problem for problem in found)
