"""Kong's regular expressions become paths, with their differences; the rest is rejected."""

from __future__ import annotations

import pytest

from wsgi_lambda.kong_import.regex import LONGER, WITH_SLASH, WITHOUT_SLASH, Translation, translate
from wsgi_lambda.kong_import.regex_parts import DOT, EMPTY, NARROWER, Untranslatable


def paths(pattern: str) -> list[str]:
    return [each.path for each in translate(pattern)]


def differences(pattern: str) -> tuple[str, ...]:
    (found,) = translate(pattern)
    return found.differences


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("/pets$", "/pets"),
        ("^/pets$", "/pets"),
        ("/$", "/"),
        (r"\/pets\/7$", "/pets/7"),
        (r"/a\.b\-c%20d~_$", "/a.b-c d~_"),
        ("/caf%C3%A9/é$", "/café/é"),
        ("/pets/?$", "/pets"),
        ("/pets/*$", "/pets"),
    ],
)
def test_literals_become_an_exact_path(pattern: str, path: str) -> None:
    (found,) = translate(pattern)
    assert (found.path, found.exact) == (path, True)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("/pets/(?<petid>[^#?/]+)$", "/pets/{petid}"),
        ("/pets/(?P<petid>[^/]+)$", "/pets/{petid}"),
        ("/pets/([^/]+)$", "/pets/{param1}"),
        ("/pets/(?:[^/]+)$", "/pets/{param1}"),
        ("/pets/[^/]+$", "/pets/{param1}"),
        (r"/pets/\d+/toys/(\w+)$", "/pets/{param1}/toys/{param2}"),
        ("/pets/(?<param1>[^/]+)/([^/]+)$", "/pets/{param1}/{param2}"),
        (r"/u/(?<id>[0-9a-f]{8}-[0-9a-f]{4})$", "/u/{id}"),
        (r"/u/(?<id>\d{4}\.\w+)$", "/u/{id}"),
        ("/u/(?<id>me|[0-9]+)$", "/u/{id}"),
        (r"/u/(?<id>[\w.-]+)$", "/u/{id}"),
        (r"/u/(?<id>[a-z0-9-]+)/?$", "/u/{id}"),
        (r"/u/(?<id>[^/.]+)$", "/u/{id}"),
        (r"/u/(?<id>[^/]+?)$", "/u/{id}"),
        (r"/u/(?<id>a+)$", "/u/{id}"),
        ("/f/(?<path>.+)$", "/f/{path+}"),
        ("/f/(?<path>.*)$", "/f/{path+}"),
        ("/f/.+$", "/f/{param1+}"),
    ],
)
def test_parameters_become_a_template(pattern: str, path: str) -> None:
    (found,) = translate(pattern)
    assert (found.path, found.exact) == (path, True)


@pytest.mark.parametrize(
    "pattern", ["/a", "/a/", "/a/.*", "/a/.*$", "/a/(.*)", "/a/(?:.*)$", "/a.*", "/a/?", "/a(/|$)"]
)
def test_expression_with_an_open_end_is_a_prefix(pattern: str) -> None:
    (found,) = translate(pattern)
    assert (found.path, found.exact) == ("/a", False)


@pytest.mark.parametrize("pattern", ["/", "/.*", "/(.*)$"])
def test_expression_for_everything_is_the_root(pattern: str) -> None:
    assert translate(pattern) == [Translation("/", exact=False, strips_other=pattern != "/")]


@pytest.mark.parametrize("pattern", ["/a/([^/]+)", "/a/([^/]+)/?", "/a/([^/]+)(/|$)(.*)"])
def test_template_with_an_open_end_is_two_paths(pattern: str) -> None:
    found = [(each.path, each.exact) for each in translate(pattern)]
    assert found == [("/a/{param1}", True), ("/a/{param1}/{rest+}", True)]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("/pets(?:/(?<id>[^/]+))?$", ["/pets", "/pets/{id}"]),
        ("/pets(/toys)?$", ["/pets", "/pets/toys"]),
        (r"/pets(/\d+)?$", ["/pets", "/pets/{param1}"]),
        ("/pets/([^/]+)?$", ["/pets", "/pets/{param1}"]),
        ("/a(/.*)?$", ["/a", "/a"]),
        ("/(v1|v2)/pets$", ["/v1/pets", "/v2/pets"]),
        ("/v(?:1|2)$", ["/v1", "/v2"]),
        ("/(a|b)/(c|d)$", ["/a/c", "/a/d", "/b/c", "/b/d"]),
    ],
)
def test_optional_end_and_alternatives_are_several_paths(pattern: str, expected: list[str]) -> None:
    assert paths(pattern) == expected


def test_too_many_alternatives_become_parameters() -> None:
    assert paths("/(a|b|c|d)/(a|b|c|d)/(a|b|c|d)$") == ["/{param1}/{param2}/{param3}"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("/a/?$", ()),
        ("/a(/|$)", ()),
        ("/a$", (WITH_SLASH,)),
        ("/a/$", (WITHOUT_SLASH,)),
        ("/a/", (WITHOUT_SLASH,)),
        ("/a", (LONGER,)),
        ("/a/([^/]+)/?$", ()),
        ("/a/([^?#/]+)/?$", ()),
        ("/a/([^/]+)$", (WITH_SLASH,)),
        (r"/a/(\d+)/?$", (NARROWER,)),
        (r"/a/(\d+)/(\d+)/?$", (NARROWER,)),
        ("/a/([^/]{3})/?$", (NARROWER,)),
        ("/a/([^/.]+)/?$", (NARROWER,)),
        ("/a/(x|y|[^/]+)/?$", (NARROWER,)),
        ("/a/([^/]*)/?$", (EMPTY,)),
        ("/a/(?<x>.*)$", (EMPTY,)),
        ("/a/(?<x>.+)$", ()),
        ("/v1.0/?$", (DOT,)),
        (r"/v1\.0/?$", ()),
    ],
)
def test_difference_is_stated(pattern: str, expected: tuple[str, ...]) -> None:
    assert differences(pattern) == expected


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "$",
        "a$",
        "/a(b",
        "/[[:alpha:]]+",
        r"/v(\d+)$",
        r"/(\d+)\.json$",
        "/colou?r$",
        "/a/?b$",
        "/(?i)a$",
        "/(?!x)a$",
        "/a/.+/b$",
        "/a/.*/b$",
        r"/a/(\S+)$",
        r"/a/[\S]+$",
        "/a/[^?]+$",
        "/a/[!-~]+$",
        "/a/([a-z/]+)$",
        "/a/((x|[0-9]))$",
        "/a/(x|y)+$",
        "/a/(b/c)$",
        "/a/()$",
        r"/\{a\}$",
        "/a|/b",
        r"/a\d?\/b\Z",
        r"/a\)?$",
    ],
)
def test_other_expressions_are_untranslatable(pattern: str) -> None:
    with pytest.raises(Untranslatable):
        translate(pattern)


def test_escaped_end_is_a_literal() -> None:
    assert translate(r"/a\$") == [Translation("/a$", exact=False, differences=(LONGER,))]
    with pytest.raises(Untranslatable):
        translate(r"/a/b\.*$")


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("/a", [False]),
        ("/a$", [False]),
        ("/a/([^/]+)$", [False]),
        ("/a/(?<b>.+)$", [False]),
        ("/a/.*", [True]),
        ("/a/(.*)$", [True]),
        ("/a(/.*)?$", [False, True]),
        ("/a/([^/]+)", [False, True]),
    ],
)
def test_part_that_strip_path_removes_is_compared(pattern: str, expected: list[bool]) -> None:
    assert [each.strips_other for each in translate(pattern)] == expected
