"""The url rules of the configured paths, in Werkzeug's notation.

Which route handles a request is decided by the routing table again: the rules only
lead to it, after the app's own rules. So Flask knows an endpoint before any hook
runs, and redirects nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app, has_request_context, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import BaseConverter, MapAdapter, Rule

from wsgi_lambda.options import Path, Route


class _Segment(BaseConverter):
    """``{name}``: after any converter of the app, except those that match slashes (200)."""

    regex = "[^/]+"
    part_isolating = True
    weight = 150


class _Rest(BaseConverter):
    """``{name+}``: a rest that is not empty without one trailing slash."""

    regex = r"(?s:(?!/?\Z).+)"
    part_isolating = False
    weight = 250


class _Below(BaseConverter):
    """Everything below a prefix; also nothing, after a trailing slash."""

    regex = "(?s:.*)"
    part_isolating = False
    weight = 300


class _Host(BaseConverter):
    """Any host or subdomain, also none; not ``<invalid>``, Werkzeug's for a foreign host."""

    regex = "[^/<>]*"
    part_isolating = True
    weight = 300


_VARIABLE = re.compile("<[^>]+>")

_CONVERTERS = {
    "wsgi_lambda_segment": _Segment,
    "wsgi_lambda_rest": _Rest,
    "wsgi_lambda_below": _Below,
    "wsgi_lambda_host": _Host,
}


@dataclass(frozen=True, slots=True)
class UrlRule:
    """A rule and the methods of its routes: ``UrlRule("route_/shop", "/shop", {"GET"})``."""

    endpoint: str
    rule: str
    methods: frozenset[str]


def add_converters(app: Flask) -> None:
    """Make the converters of the rules known to ``app``."""
    app.url_map.converters.update(_CONVERTERS)


def any_host(app: Flask) -> dict[str, Any]:
    """Return the option of a rule for all hosts of ``app``: the `hosts` of the routes decide."""
    if app.url_map.host_matching:
        return {"host": "<wsgi_lambda_host:host>"}
    return {"subdomain": "<wsgi_lambda_host:host>"} if app.subdomain_matching else {}


def add_current_host(endpoint: str, values: dict[str, Any]) -> None:  # noqa: ARG001
    """Let `url_for` build the url of a route on the host of the current request."""
    given: Any = request if has_request_context() else None
    adapter: Any = current_app.create_url_adapter(given)
    is_host = adapter.map.host_matching
    values.setdefault("host", adapter.server_name if is_host else adapter.subdomain)


def drop_implied_head(app: Flask, rules: Iterable[UrlRule]) -> None:
    """Take HEAD, which Werkzeug adds to GET, from the rules whose routes do not list it."""
    without_head = {rule.rule for rule in rules if "HEAD" not in rule.methods}
    for registered in app.url_map.iter_rules():
        is_ours = registered.endpoint.startswith("wsgi_lambda.")
        if is_ours and registered.methods and registered.rule in without_head:
            registered.methods.discard("HEAD")


def hidden_paths(app: Flask) -> Iterator[str]:
    """Yield each configured path of which another url rule of ``app`` takes every request."""
    adapter = app.url_map.bind("localhost")
    by_endpoint: dict[str, list[Rule]] = {}
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("wsgi_lambda."):
            by_endpoint.setdefault(rule.endpoint, []).append(rule)
    for endpoint, rules in by_endpoint.items():
        if not any(_is_reached(adapter, rule) for rule in rules):
            path = endpoint.removeprefix("wsgi_lambda.route_")
            yield path.replace("%2E", ".").replace("%25", "%")


def _is_reached(adapter: MapAdapter, rule: Rule) -> bool:
    path = _VARIABLE.sub("~wsgi-lambda~", rule.rule)
    for method in rule.methods or ():
        try:
            endpoint, _ = adapter.match(path, method)
        except HTTPException:  # a redirect of another rule
            continue
        if endpoint == rule.endpoint:
            return True
    return False


def escape(name: str) -> str:
    """Return a name without dots, which separate blueprints; different names stay different."""
    return name.replace("%", "%25").replace(".", "%2E")


def url_rules(routes: Iterable[Route]) -> Iterator[UrlRule]:
    """Yield the rules of ``routes``, whose `methods` must be set; one endpoint for each path.

    A prefix has two rules: the path itself, and everything below it. The prefix "/"
    has one, so that the app's own page "/" comes first.
    """
    by_path: dict[Path, list[Route]] = {}
    for route in routes:
        by_path.setdefault(route.path, []).append(route)
    for path, same_path in by_path.items():
        endpoint = f"route_{escape(str(path))}"
        prefixes = [route for route in same_path if not route.is_exact]
        if path.segments or len(prefixes) < len(same_path):
            itself = same_path if path.segments else [r for r in same_path if r.is_exact]
            yield UrlRule(endpoint, _rule(path), _methods(itself))
        if prefixes:
            below = f"{_rule(path).rstrip('/')}/<wsgi_lambda_below:below>"
            yield UrlRule(endpoint, below, _methods(prefixes))


def _methods(routes: Sequence[Route]) -> frozenset[str]:
    return frozenset().union(*(route.match.methods for route in routes))


def _rule(path: Path) -> str:
    """Return the rule of a path; its variables are numbered, because names are limited."""
    parts = []
    for number, segment in enumerate(path.segments):
        if segment.is_rest:
            parts.append(f"<wsgi_lambda_rest:p{number}>")
        elif segment.is_parameter:
            parts.append(f"<wsgi_lambda_segment:p{number}>")
        else:
            parts.append(segment.text)
    return "/" + "/".join(parts)
