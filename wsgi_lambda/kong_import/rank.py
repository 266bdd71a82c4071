"""Compare the order of routes in Kong with the order here.

Kong tries more conditions first, then plain hosts, more headers, regular
expressions (by `regex_priority`), longer paths, and older routes.
https://developer.konghq.com/gateway/entities/route/#priority-matching
kong/router/transform.lua: get_priority()
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wsgi_lambda.kong_import.document import Entity
from wsgi_lambda.kong_import.paths import RoutePath, as_list
from wsgi_lambda.options.paths import Path

#: Conditions of a route that are not imported. Without them it matches more requests.
LOST_CONDITIONS = ("snis", "sources", "destinations", "query parameters")

#: Before a regular expression in the values of Kong's `headers`.
REGEX_HEADER = "~*"

#: What a Kong route may require of a request, besides the query.
CONDITIONS = ("methods", "hosts", "headers", "paths", "snis")


def loses_a_condition(fields: Mapping[str, Any]) -> bool:
    return has_regex_header(fields) or any(fields.get(name) for name in LOST_CONDITIONS)


def has_regex_header(fields: Mapping[str, Any]) -> bool:
    headers = fields.get("headers")
    return isinstance(headers, Mapping) and any(
        str(value).startswith(REGEX_HEADER)
        for values in headers.values()
        for value in as_list(values)
    )


def kong_rank(route: Entity, path: RoutePath) -> tuple[object, ...]:
    """Return the sort key of a route under one of its paths: the smallest comes first.

    A route that lost a condition matches too much, so it comes after the others.
    """
    fields = route.fields
    headers = fields.get("headers")
    hosts = as_list(fields.get("hosts"))
    priority = fields.get("regex_priority")
    created_at = fields.get("created_at")
    return (
        loses_a_condition(fields),
        -sum(bool(fields.get(name)) for name in CONDITIONS),
        not hosts or any("*" in str(host) for host in hosts),
        -len(headers) if isinstance(headers, Mapping) else 0,
        not path.is_regex,
        -priority if path.is_regex and isinstance(priority, (int, float)) else 0,
        -path.length,
        created_at if isinstance(created_at, (int, float)) else 0,
    )


def specificity(path: Path, *, exact: bool) -> tuple[int, ...]:
    """Return the sort key of a path here, for paths that overlap (`routing.RouteTable`)."""
    kinds = [segment.is_parameter + segment.is_rest for segment in path.segments]
    # A path that has ended comes after one that goes on; a prefix comes last.
    return (*kinds, 3 if exact else 4)


def overlap(path: Path, is_exact: bool, other: Path, other_is_exact: bool) -> bool:
    """Return whether a request may match both paths."""
    for ours, theirs in zip(path.segments, other.segments, strict=False):
        if ours.is_rest or theirs.is_rest:
            return True
        if not (ours.is_parameter or theirs.is_parameter) and ours.text != theirs.text:
            return False
    shorter_is_exact = is_exact if len(path.segments) < len(other.segments) else other_is_exact
    return len(path.segments) == len(other.segments) or not shorter_is_exact
