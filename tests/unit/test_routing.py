"""The route table: paths, methods, hosts, consumers, precedence."""

import random
import re
from fnmatch import fnmatchcase
from types import SimpleNamespace
from urllib.parse import unquote

import pytest

from wsgi_lambda.config import read_routes
from wsgi_lambda.errors import ConfigError
from wsgi_lambda.routing import RouteTable


def table(routes):
    """Return a table of ``routes``: path to a function name, options, or a list of options."""
    named = {
        path: {"function_name": own} if isinstance(own, str) else own
        for path, own in routes.items()
    }
    routes = read_routes({"routes": named}, {"AWS_REGION": "us-east-1"})
    return RouteTable(SimpleNamespace(route=route) for route in routes)


def environ(target="/", *, method="GET", host="app.test", user=None, **more):
    """Return the environ that a server makes of a request; ``target`` is percent-encoded."""
    made = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(target, "latin-1"),
        "SERVER_NAME": "server.test",
        "SERVER_PORT": "80",
        "HTTP_HOST": host,
        "REMOTE_USER": user,
        **more,
    }
    return {name: value for name, value in made.items() if value is not None}


def owner(routes, request):
    """Return the name of the function that owns ``request``, or None."""
    found = table(routes).find(request)
    return found and found.route.target.function_name


# --- paths

PAY = {"/pay": "pay"}
NESTED = {"/": "all", "/shop/cart": "cart", "/shop": "shop", "/shop/cart/items": "items"}


@pytest.mark.parametrize(
    ("routes", "target", "expected"),
    [
        pytest.param(PAY, "/pay", "pay", id="the-path-itself"),
        pytest.param(PAY, "/pay/", "pay", id="with-a-slash"),
        pytest.param(PAY, "/pay/7", "pay", id="below"),
        pytest.param(PAY, "/pay//7", "pay", id="below-an-empty-segment"),
        pytest.param(PAY, "/pay/../admin", "pay", id="dots-are-not-resolved"),
        pytest.param(PAY, "/payments", None, id="segment-goes-on"),
        pytest.param(PAY, "/pay-1", None, id="segment-goes-on-with-a-hyphen"),
        pytest.param(PAY, "/pay;x", None, id="path-parameter"),
        pytest.param(PAY, "/pay.json", None, id="extension"),
        pytest.param(PAY, "/pa", None, id="segment-ends-early"),
        pytest.param(PAY, "/Pay", None, id="other-case"),
        pytest.param(PAY, "//pay", "pay", id="two-slashes"),
        pytest.param(PAY, "///pay/7", "pay", id="three-slashes"),
        pytest.param(PAY, "/x/pay", None, id="in-the-middle"),
        pytest.param(PAY, "pay", "pay", id="no-slash"),
        pytest.param(PAY, "pay/7", "pay", id="no-slash-and-below"),
        pytest.param(PAY, "x/pay", None, id="no-slash-and-another-segment"),
        pytest.param({"/ay": "ay"}, "pay", None, id="no-slash-and-no-first-letter"),
        pytest.param(PAY, "/", None, id="root"),
        pytest.param(PAY, "", None, id="empty-path"),
        pytest.param({"/pay/": "pay"}, "/pay", "pay", id="configured-with-a-slash"),
        pytest.param({"/pay/": "pay"}, "/pay/7", "pay", id="configured-with-a-slash-and-below"),
        pytest.param({"/pay/": "pay"}, "/payments", None, id="configured-with-a-slash-ends-too"),
        pytest.param({"/": "all"}, "/", "all", id="root-owns-root"),
        pytest.param({"/": "all"}, "/any/thing", "all", id="root-owns-everything"),
        pytest.param({"/": "all"}, "//any", "all", id="root-owns-two-slashes"),
        pytest.param({"/": "all"}, "", "all", id="root-owns-the-empty-path"),
        pytest.param({"/x//y": "x"}, "/x//y/z", "x", id="empty-segment-configured"),
        pytest.param({"/x//y": "x"}, "/x/y", None, id="empty-segment-counts"),
        pytest.param(NESTED, "/shop/cart/items/1", "items", id="longest"),
        pytest.param(NESTED, "/shop/cart/1", "cart", id="second-longest"),
        pytest.param(NESTED, "/shop/cartoon", "shop", id="longer-ends-inside-a-segment"),
        pytest.param(NESTED, "/about", "all", id="shortest"),
        pytest.param({}, "/", None, id="no-routes"),
    ],
)
def test_prefix_ends_at_a_segment_and_the_longest_wins(routes, target, expected):
    assert owner(routes, environ(target)) == expected


def test_missing_path_is_the_root():
    assert owner({"/": "all"}, environ(PATH_INFO=None)) == "all"


@pytest.mark.parametrize(
    ("path", "target", "expected"),
    [
        pytest.param("/pay", "/%70ay", "f", id="letter"),
        pytest.param("/pay", "/pay%2F7", "f", id="slash"),
        pytest.param("/pay", "/pay%3Fx", None, id="question-mark"),
        pytest.param("/pay", "/%2570ay", None, id="encoded-twice"),
        pytest.param("/a b", "/a%20b", "f", id="blank"),
        pytest.param("/100%", "/100%25", "f", id="percent-sign"),
        pytest.param("/café", "/caf%C3%A9/menu", "f", id="UTF-8"),
        pytest.param("/café", "/caf%E9", None, id="latin-1-is-not-UTF-8"),
        pytest.param("/caf", "/caf%C3%A9", None, id="segment-goes-on-in-UTF-8"),
        pytest.param("/日本", "/%E6%97%A5%E6%9C%AC", "f", id="Japanese"),
        pytest.param("/日本", "/%E6%97%A5%E6%9C", None, id="half-a-character"),
        pytest.param("/cafe\u0301", "/caf%C3%A9", None, id="not-normalised"),
    ],
)
def test_paths_are_compared_percent_decoded_once(path, target, expected):
    assert owner({path: "f"}, environ(target)) == expected


def test_script_name_is_not_part_of_the_path():
    assert owner(PAY, environ("/pay", SCRIPT_NAME="/app")) == "pay"
    assert owner({"/app": "app"}, environ("/pay", SCRIPT_NAME="/app")) is None


def test_environ_stays_unchanged():
    request = environ("/pay/%C3%A9", user="alice")
    before = dict(request)
    table({"/pay": {"function_name": "f", "hosts": ["*.test"], "methods": ["GET"]}}).find(request)
    assert request == before


# --- methods, hosts, consumers


def for_methods(name, *methods):
    return {"function_name": name, "methods": list(methods)}


def for_hosts(name, *hosts):
    return {"function_name": name, "hosts": list(hosts)}


def for_consumers(name, *consumers):
    return {"function_name": name, "consumers": list(consumers)}


@pytest.mark.parametrize(
    ("configured", "method", "expected"),
    [
        pytest.param(["POST"], "POST", "f", id="the-one"),
        pytest.param(["GET", "POST"], "POST", "f", id="one-of-two"),
        pytest.param(["post"], "POST", "f", id="configured-in-lower-case"),
        pytest.param(["POST"], "post", "f", id="sent-in-lower-case"),
        pytest.param(["POST"], "GET", None, id="another"),
        pytest.param(["GET"], "HEAD", None, id="HEAD-is-not-GET"),
        pytest.param(["POST"], "POSTS", None, id="longer"),
        pytest.param(["PURGE"], "PURGE", "f", id="not-a-standard-method"),
    ],
)
def test_methods_limit_a_route(configured, method, expected):
    routes = {"/a": for_methods("f", *configured)}
    assert owner(routes, environ("/a", method=method)) == expected


@pytest.mark.parametrize(
    ("configured", "host", "expected"),
    [
        pytest.param("shop.test", "shop.test", "f", id="name"),
        pytest.param("shop.test", "other.test", None, id="other-name"),
        pytest.param("shop.test", "eu.shop.test", None, id="name-below"),
        pytest.param("shop.test", "shop.test.evil", None, id="longer-name"),
        pytest.param("shop.test", "SHOP.Test", "f", id="sent-in-capitals"),
        pytest.param("SHOP.Test", "shop.test", "f", id="configured-in-capitals"),
        pytest.param("shop.test", "shop.test.", "f", id="dot-at-the-end"),
        pytest.param("shop.test", "shop.test.:8080", "f", id="dot-before-the-port"),
        pytest.param("shop.test", "shop.test:8080", "f", id="any-port"),
        pytest.param("shop.test", "shop.test:", "f", id="empty-port"),
        pytest.param("shop.test", "shop.test:x", None, id="invalid-port"),
        pytest.param("shop.test:8080", "shop.test:8080", "f", id="its-port"),
        pytest.param("shop.test:8080", "shop.test:80", None, id="other-port"),
        pytest.param("shop.test:8080", "shop.test", None, id="no-port"),
        pytest.param("*.shop.test", "eu.shop.test", "f", id="star-before"),
        pytest.param("*.shop.test", "a.eu.shop.test:81", "f", id="star-before-takes-two-labels"),
        pytest.param("*.shop.test", "shop.test", None, id="star-before-takes-a-label-at-least"),
        pytest.param("*.shop.test", ".shop.test", None, id="star-before-takes-no-empty-label"),
        pytest.param("*.shop.test", "myshop.test", None, id="star-before-ends-at-a-dot"),
        pytest.param("*.shop.test:81", "eu.shop.test:81", "f", id="star-before-with-its-port"),
        pytest.param("*.shop.test:81", "eu.shop.test:82", None, id="star-before-other-port"),
        pytest.param("shop.*", "shop.test", "f", id="star-after"),
        pytest.param("shop.*", "shop.co.test", "f", id="star-after-takes-two-labels"),
        pytest.param("shop.*", "shop", None, id="star-after-takes-a-label-at-least"),
        pytest.param("shop.*", "shop.", None, id="star-after-takes-no-empty-label"),
        pytest.param("shop.*", "shopping.test", None, id="star-after-starts-at-a-dot"),
        pytest.param("shop.test", "shopxtest", None, id="dot-is-a-dot"),
        pytest.param("127.0.0.1", "127.0.0.1:8000", "f", id="IPv4"),
        pytest.param("[::1]", "[::1]", "f", id="IPv6"),
        pytest.param("[::1]", "[::1]:8080", "f", id="IPv6-any-port"),
        pytest.param("[::1]:8080", "[::1]:8080", "f", id="IPv6-its-port"),
        pytest.param("[::1]:8080", "[::1]:81", None, id="IPv6-other-port"),
        pytest.param("[fe80::A]", "[FE80::a]", "f", id="IPv6-in-capitals"),
        pytest.param("[::1]", "[::2]", None, id="other-IPv6"),
        pytest.param("server.test", None, "f", id="no-header-means-the-servers-name"),
        pytest.param("server.test", "", "f", id="empty-header-means-the-servers-name"),
        pytest.param("app.test", None, None, id="no-header-and-another-name"),
        pytest.param("shop.test", "a\nshop.test", None, id="line-end-before"),
        pytest.param("shop.test", "shop.test\n", None, id="line-end-after"),
        pytest.param("shop.test", ":80", None, id="port-alone"),
    ],
)
def test_hosts_limit_a_route(configured, host, expected):
    assert owner({"/a": for_hosts("f", configured)}, environ("/a", host=host)) == expected


def test_one_of_several_hosts_is_enough():
    routes = {"/a": for_hosts("f", "shop.test:81", "*.eu.test", "shop.*", "app.test")}
    assert owner(routes, environ("/a", host="app.test")) == "f"


@pytest.mark.parametrize(
    ("scheme", "port", "host", "expected"),
    [
        ("https", "443", "shop.test", "f"),
        ("https", "443", "shop.test:", "f"),
        ("https", "80", "shop.test", None),
        ("http", "80", "shop.test", "f"),
        ("http", "443", "shop.test", None),
        ("http", "443", "shop.test:443", "f"),
    ],
)
@pytest.mark.parametrize("pattern", ["shop.test", "*.test", "shop.*"])
def test_host_without_a_port_has_that_of_the_scheme(pattern, scheme, port, host, expected):
    given = environ("/a", host=host, **{"wsgi.url_scheme": scheme})
    assert owner({"/a": for_hosts("f", f"{pattern}:{port}")}, given) == expected


def test_server_name_may_be_an_ipv6_address():
    routes = {"/a": for_hosts("f", "[::1]")}
    assert owner(routes, environ("/a", host=None, SERVER_NAME="::1")) == "f"


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        pytest.param("alice", "f", id="the-one"),
        pytest.param("bob", "f", id="the-other"),
        pytest.param("Alice", None, id="other-case"),
        pytest.param("alice2", None, id="longer"),
        pytest.param("", None, id="empty"),
        pytest.param("Zo\xc3\xab", "f", id="UTF-8"),
        pytest.param("Zo\xeb", "f", id="latin-1"),
        pytest.param("日本", "f", id="text-of-a-middleware"),
        pytest.param(None, None, id="nobody"),
    ],
)
def test_consumers_limit_a_route(user, expected):
    routes = {"/a": for_consumers("f", "alice", "bob", "Zoë", "日本")}
    assert owner(routes, environ("/a", user=user)) == expected


def test_methods_hosts_and_consumers_must_all_match():
    routes = {"/a": for_methods("f", "POST") | for_hosts("f", "*.test") | for_consumers("f", "al")}
    assert owner(routes, environ("/a", method="POST", host="b.test", user="al")) == "f"
    assert owner(routes, environ("/a", method="GET", host="b.test", user="al")) is None
    assert owner(routes, environ("/a", method="POST", host="b.org", user="al")) is None
    assert owner(routes, environ("/a", method="POST", host="b.test", user="bo")) is None


# --- precedence

POST_GET = [for_methods("writer", "POST"), for_methods("reader", "GET"), {"function_name": "rest"}]
NARROW_BELOW = {"/": "all", "/a": for_methods("a", "GET"), "/a/b": for_methods("b", "POST")}


@pytest.mark.parametrize(
    ("routes", "request_", "expected"),
    [
        pytest.param({"/a": POST_GET}, environ("/a", method="POST"), "writer", id="first"),
        pytest.param({"/a": POST_GET}, environ("/a", method="GET"), "reader", id="second"),
        pytest.param({"/a": POST_GET}, environ("/a", method="PUT"), "rest", id="last"),
        pytest.param({"/a": POST_GET[:2]}, environ("/a", method="PUT"), None, id="none"),
        pytest.param(
            {"/a": [for_methods("reader", "GET"), for_hosts("here", "app.test")]},
            environ("/a"),
            "reader",
            id="first-of-two-that-match",
        ),
        pytest.param(NARROW_BELOW, environ("/a/b", method="POST"), "b", id="longest-path"),
        pytest.param(NARROW_BELOW, environ("/a/b", method="GET"), "a", id="shorter-path"),
        pytest.param(NARROW_BELOW, environ("/a/b", method="PUT"), "all", id="shortest-path"),
        pytest.param(NARROW_BELOW, environ("/a", method="POST"), "all", id="other-method"),
        pytest.param(
            {"/a": [{"function_name": "all"}, for_consumers("hers", "alice")]},
            environ("/a", user="alice"),
            "hers",
            id="consumer-before-all",
        ),
        pytest.param(
            {"/a": [{"function_name": "all"}, for_consumers("hers", "alice")]},
            environ("/a", user="bob"),
            "all",
            id="all-but-the-consumer",
        ),
        pytest.param(
            {"/a": [for_consumers("first", "alice"), for_consumers("second", "alice", "bob")]},
            environ("/a", user="alice"),
            "first",
            id="first-of-two-for-a-consumer",
        ),
        pytest.param(
            {"/": for_consumers("hers", "alice"), "/a": "a"},
            environ("/a", user="alice"),
            "a",
            id="longer-path-before-consumer",
        ),
    ],
)
def test_first_match_under_the_longest_path_wins(routes, request_, expected):
    assert owner(routes, request_) == expected


# --- templates and exact paths

TODOS = {"/todos": "list", "/todos/{id}": "item", "/files/{path+}": "file"}
EXACT = {"/todos": {"function_name": "list", "exact": True}}


@pytest.mark.parametrize(
    ("routes", "target", "expected"),
    [
        pytest.param(TODOS, "/todos/7", "item", id="one-segment"),
        pytest.param(TODOS, "/todos/7/", "item", id="one-segment-and-a-slash"),
        pytest.param(TODOS, "//todos/7", "item", id="leading-slashes-count-as-one"),
        pytest.param(TODOS, "/todos/%2F", "list", id="slash-in-a-segment-ends-it"),
        pytest.param(TODOS, "/todos", "list", id="no-segment"),
        pytest.param(TODOS, "/todos/", "list", id="an-empty-segment"),
        pytest.param(TODOS, "/todos//", "list", id="two-slashes"),
        pytest.param(TODOS, "/todos/7/x", "list", id="two-segments-fall-back-to-the-prefix"),
        pytest.param({"/todos/{id}": "item"}, "/todos/7/x", None, id="templates-are-whole-paths"),
        pytest.param({"/todos/{id}": "item"}, "/todos/7//", None, id="one-slash-is-ignored"),
        pytest.param(TODOS, "/files/a", "file", id="rest-of-one-segment"),
        pytest.param(TODOS, "/files/a/b/c/", "file", id="rest-of-several-segments"),
        pytest.param(TODOS, "/files/a//b", "file", id="rest-with-an-empty-segment"),
        pytest.param(TODOS, "/files//a", "file", id="rest-that-begins-with-a-slash"),
        pytest.param(TODOS, "/files", None, id="no-rest"),
        pytest.param(TODOS, "/files/", None, id="an-empty-rest"),
        pytest.param(TODOS, "/files//", None, id="a-rest-of-one-slash"),
        pytest.param({"/{a}/{b}": "f"}, "/x/y", "f", id="template-from-the-first-segment"),
        pytest.param({"/{a}/{b}": "f"}, "/x", None, id="template-is-longer-than-the-path"),
        pytest.param({"/{path+}": "f"}, "/x/y", "f", id="rest-from-the-first-segment"),
        pytest.param({"/{path+}": "f"}, "/", None, id="rest-needs-a-path"),
        pytest.param({"/a/{x}/c": "f"}, "/a/b/c", "f", id="literal-after-a-parameter"),
        pytest.param({"/a/{x}/c": "f"}, "/a/b/d", None, id="other-literal-after-a-parameter"),
        pytest.param({"/caf\u00e9/{x}": "f"}, "/caf%C3%A9/%C3%A9", "f", id="UTF-8"),
        pytest.param(EXACT, "/todos", "list", id="exact"),
        pytest.param(EXACT, "/todos/", "list", id="exact-with-a-slash"),
        pytest.param(EXACT, "/todos//", None, id="exact-with-two-slashes"),
        pytest.param(EXACT, "/todos/7", None, id="below-an-exact-path"),
        pytest.param({"/": {"function_name": "f", "exact": True}}, "/", "f", id="exact-root"),
        pytest.param({"/": {"function_name": "f", "exact": True}}, "", "f", id="exact-empty-path"),
        pytest.param({"/": {"function_name": "f", "exact": True}}, "/x", None, id="below-the-root"),
    ],
)
def test_templates_and_exact_paths_match_whole_paths(routes, target, expected):
    assert owner(routes, environ(target)) == expected


ORDER = {
    "/": "root",
    "/a": [{"function_name": "prefix"}, {"function_name": "exact", "exact": True}],
    "/a/{x}": "one",
    "/a/{x+}": "rest",
    "/a/b": "literal",
    "/a/{x}/d": "one-d",
    "/{y}/b/e": "other",
}


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/a", "exact"),
        ("/a/", "exact"),
        ("/a/b", "literal"),
        ("/a/b/c", "literal"),
        ("/a/c", "one"),
        ("/a/c/d", "one-d"),
        ("/a/c/e", "rest"),
        ("/a//", "prefix"),
        ("/a/b/e", "literal"),
        ("/z/b/e", "other"),
        ("/z/b", "root"),
    ],
)
def test_literal_comes_before_parameter_before_rest_before_prefix(target, expected):
    assert owner(ORDER, environ(target)) == expected


def test_condition_that_fails_leads_to_the_next_path():
    routes = {"/a/b": for_methods("b", "POST"), "/a/{x}": for_methods("x", "PUT"), "/a": "a"}
    found = [owner(routes, environ("/a/b", method=method)) for method in ("POST", "PUT", "GET")]
    assert found == ["b", "x", "a"]


def test_items_are_in_the_order_of_matching():
    names = [item.route.target.function_name for item in table(ORDER).items]
    assert names == ["literal", "one-d", "one", "rest", "exact", "prefix", "other", "root"]


# --- headers


def for_headers(name, **headers):
    return {"function_name": name, "headers": {k.replace("_", "-"): v for k, v in headers.items()}}


@pytest.mark.parametrize(
    ("configured", "given", "expected"),
    [
        pytest.param({"X_Tier": ["gold"]}, {"HTTP_X_TIER": "gold"}, "f", id="value"),
        pytest.param({"X_Tier": ["gold"]}, {"HTTP_X_TIER": "GOLD"}, "f", id="sent-in-capitals"),
        pytest.param(
            {"x_tier": ["GOLD"]}, {"HTTP_X_TIER": "gold"}, "f", id="configured-in-capitals"
        ),
        pytest.param({"X_Tier": ["a", "b"]}, {"HTTP_X_TIER": "b"}, "f", id="one-of-two"),
        pytest.param({"X_Tier": ["gold"]}, {"HTTP_X_TIER": "golden"}, None, id="longer"),
        pytest.param({"X_Tier": ["gold"]}, {"HTTP_X_TIER": "gold,gold"}, None, id="repeated-lines"),
        pytest.param({"X_Tier": ["gold"]}, {}, None, id="missing"),
        pytest.param({"X_Tier": ["gold"]}, {"HTTP_X_TIER": ""}, None, id="empty"),
        pytest.param({"X_Tier": ["caf\u00e9"]}, {"HTTP_X_TIER": "caf\xc3\xa9"}, "f", id="UTF-8"),
        pytest.param(
            {"Content_Type": ["text/x"]}, {"CONTENT_TYPE": "text/x"}, "f", id="content-type"
        ),
        pytest.param({"A": ["1"], "B": ["2"]}, {"HTTP_A": "1", "HTTP_B": "2"}, "f", id="both"),
        pytest.param({"A": ["1"], "B": ["2"]}, {"HTTP_A": "1"}, None, id="one-of-both"),
    ],
)
def test_headers_limit_a_route(configured, given, expected):
    assert owner({"/a": for_headers("f", **configured)}, environ("/a", **given)) == expected


def test_routes_with_headers_come_after_consumers_and_before_the_rest():
    both = {**for_headers("both", A=["1"]), "consumers": ["al"]}
    routes = {
        "/a": [{"function_name": "rest"}, for_headers("h", A=["1"]), for_consumers("c", "al"), both]
    }
    names = [item.route.target.function_name for item in table(routes).items]
    assert names == ["both", "c", "h", "rest"]


# --- the same as a plain loop

SEGMENTS = ["a", "b", "ab", "a;b", "é", "日", "{x}"]
METHODS = ["GET", "POST"]
HOSTS = ["a.test", "b.a.test", "a.org"]
PATTERNS = [*HOSTS, "*.a.test", "*.test", "a.*"]
USERS = ["alice", "bob"]


def some(chosen, values):
    """Return a few of ``values``, or None for no limit."""
    return chosen.sample(values, chosen.randint(1, 2)) if chosen.random() < 0.4 else None


def any_path(chosen):
    """Return a path of a route; at most one of its segments is a parameter."""
    parts = chosen.choices(SEGMENTS, k=chosen.randint(0, 3))
    named = [p.replace("x", f"x{n}") if p == "{x}" else p for n, p in enumerate(parts)]
    if chosen.random() < 0.2:
        named.append("{rest+}")
    return "/" + "/".join(named)


def any_routes(chosen):
    """Return routes with distinct function names, without those that can never be reached."""
    configured = {}
    for number, path in enumerate(sorted({any_path(chosen) for _ in range(chosen.randint(0, 8))})):
        configured[path] = [
            {
                "function_name": f"f{number}-{index}",
                "exact": chosen.random() < 0.3 and "{" not in path,
                "methods": some(chosen, METHODS),
                "hosts": some(chosen, PATTERNS),
                "consumers": some(chosen, USERS),
                "headers": {"X-A": ["1"]} if chosen.random() < 0.2 else None,
            }
            for index in range(chosen.randint(1, 3))
        ]
    return configured


def kind_of(segment):
    return 2 if segment.endswith("+}") else 1 if segment.startswith("{") else 0


def path_matches(path, is_exact, requested):
    """Return whether a configured path matches, by a regular expression."""
    parts = path.strip("/").split("/") if path != "/" else []
    pattern = "".join(
        "/" + {0: re.escape(part), 1: "[^/]+", 2: "(?=.*[^/]).+?"}[kind_of(part)] for part in parts
    )
    ending = "/?" if is_exact or "{" in path else "(?:/.*)?"
    return re.fullmatch(pattern + ending, requested, re.DOTALL) is not None


def plain_owner(routes, path, method, host, user, header):
    """Return what `RouteTable` should find: look at each route, and keep the best so far."""
    best, best_rank = None, None
    requested = f"/{path.lstrip('/')}"
    for number, (configured, functions) in enumerate(routes.items()):
        parts = configured.strip("/").split("/") if configured != "/" else []
        for index, own in enumerate(functions):
            # A prefix that has ended comes after every segment.
            shape = [(kind_of(part), "") for part in parts] + [(3, "")]
            is_whole = own["exact"] or "{" in configured
            rank = (shape, not is_whole, not own["consumers"], not own["headers"], number, index)
            if (
                path_matches(configured, own["exact"], requested)
                and method in (own["methods"] or [method])
                and user in (own["consumers"] or [user])
                and header in ([None, "1"] if own["headers"] is None else ["1"])
                and any(fnmatchcase(host, pattern) for pattern in own["hosts"] or ["*"])
                and (best is None or rank < best_rank)
            ):
                best, best_rank = own["function_name"], rank
    return best


def reachable(routes):
    """Return ``routes`` without those that `ConfigError` calls unreachable."""
    while True:
        try:
            table(routes)
        except ConfigError as error:
            same = {problem.place for problem in error.problems if problem.code == "same_path"}
            if same:
                routes = {
                    path: own for path, own in routes.items() if f"routes[{path!r}]" not in same
                }
                continue
            place = re.fullmatch(r"routes\['(.*)'\]\[(\d+)\]", error.problems[0].place)
            path, index = place[1], int(place[2])
            rest = routes[path][:index] + routes[path][index + 1 :]
            routes = {**routes, path: rest}
        else:
            return routes


@pytest.mark.parametrize("seed", range(40))
def test_table_agrees_with_a_plain_loop(seed):
    chosen = random.Random(seed)
    owners = set()
    for _ in range(15):
        routes = reachable(any_routes(chosen))
        routing = table(routes)
        for _ in range(25):
            base = chosen.choice([*routes, "/"])
            path = re.sub(r"\{[^}]*\}", lambda _: chosen.choice(["7", "a", "é"]), base)
            path += chosen.choice(["", "", "/", "/a", "/b/c", "//"])
            host, header = chosen.choice(HOSTS), chosen.choice([None, "1"])
            method, user = chosen.choice(METHODS), chosen.choice([*USERS, None])
            request = environ(
                method=method,
                host=host,
                user=user,
                PATH_INFO=path.encode().decode("latin-1"),
                HTTP_X_A=header,
            )
            found = routing.find(request)
            expected = plain_owner(routes, path, method, host, user, header)
            assert (found and found.route.target.function_name) == expected, (routes, path)
            owners.add(expected)
    assert len(owners) > 10


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/shop/7", ["template", "greedy", "prefix", "root"]),
        ("/shop/7/", ["template", "greedy", "prefix", "root"]),
        ("/shop/7/8", ["greedy", "prefix", "root"]),
        ("/shop", ["exact", "prefix", "root"]),
        ("//shop/", ["exact", "prefix", "root"]),
        ("/other", ["root"]),
    ],
)
def test_all_items_of_a_path_whatever_their_conditions(path, names):
    found = table(
        {
            "/": {"function_name": "root", "methods": ["PUT"]},
            "/shop": [
                {"function_name": "prefix", "hosts": ["other.test"]},
                {"function_name": "exact", "exact": True, "consumers": ["ada"]},
            ],
            "/shop/{id}": "template",
            "/shop/{rest+}": "greedy",
        }
    )
    items = found.find_all(path)
    assert [item.route.target.function_name for item in items] == names


def test_all_items_of_a_path_without_routes():
    assert table({"/a": "f", "/b/{id}": "g"}).find_all("/b") == []
    assert table({"/a": "f"}).find_all("/b") == []
