"""Turn a configuration into routes, or into one `ConfigError` that lists every problem.

A mapping, or the name of a file or Python object, comes in; a tuple of `Route`
goes out. Nothing here connects to AWS or looks up credentials.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

from wsgi_lambda.config import endpoints
from wsgi_lambda.config.contradictions import KEYS, find_contradictions
from wsgi_lambda.config.hidden_routes import find_hidden
from wsgi_lambda.config.sources import load_configuration
from wsgi_lambda.config.unlikely_values import warn_of_unlikely_values
from wsgi_lambda.errors import ConfigError, Problem
from wsgi_lambda.options import (
    ASYNCHRONOUS_PAYLOAD,
    OPTIONS,
    SYNCHRONOUS_PAYLOAD,
    EventOptions,
    Identity,
    Match,
    Path,
    ResponseOptions,
    Route,
    Target,
    Transport,
    aws_names,
    parsers,
)
from wsgi_lambda.options.paths import parse_path

Group = TypeVar("Group", Match, Target, Identity, Transport, EventOptions, ResponseOptions)


def read_routes(config: object, environ: Mapping[str, str] = os.environ) -> tuple[Route, ...]:
    """Return the routes of ``config`` in its order.

    ``config`` is a mapping, or anything that `load_configuration` accepts. Each of
    its keys is an option, whose value is the default for all routes, or
    ``routes``: a mapping of paths to a mapping of options, or to a list of such
    mappings. None means not set. Raises `ConfigError` with every problem, and
    logs a warning for values that are probably a mistake.
    """
    config = load_configuration(config)
    if not isinstance(config, Mapping):
        text = f"must be a mapping, not {parsers.type_in_words(config)}"
        raise ConfigError([Problem("configuration", text, "wrong_type")])
    problems: list[Problem] = []
    defaults = _parse({name: config[name] for name in config if name != "routes"}, "", problems)
    bundle = endpoints.EnvironmentBundle(environ)
    placed: list[tuple[str, Route]] = []
    for given in _given_routes(config.get("routes"), problems):
        own = _parse(given.options, f"{given.place}.", problems)
        if given.path is not None and given.path.is_template and own.values.get("exact"):
            text = "a template is always exact; leave it out"
            problems.append(Problem(f"{given.place}.exact", text, "contradiction"))
        route = _make_route(given, _joined(defaults, own), environ, bundle, problems)
        if route is not None:
            placed.append((given.place, route))
    problems.extend(find_hidden(placed))
    if problems:
        raise ConfigError(problems)
    routes = tuple(route for _, route in placed)
    warn_of_unlikely_values(routes)
    return routes


@dataclass(frozen=True, slots=True)
class _GivenRoute:
    """The options of one route as they were given.

    ``place`` is for messages (``routes['/a/'][0]``); ``path`` is None if it is invalid.
    """

    place: str
    path: Path | None
    options: Mapping[Any, object] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Parsed:
    """The options of one place: valid values, and the names of options with invalid ones."""

    values: dict[str, Any] = field(repr=False)
    invalid: frozenset[str]


def _parse(given: Mapping[Any, object], prefix: str, problems: list[Problem]) -> _Parsed:
    values: dict[str, Any] = {}
    invalid = set()
    for name, value in given.items():
        if name not in OPTIONS:
            near = _near(name, is_top=not prefix)
            # Do not report a misspelt option as missing as well.
            invalid.update(near)
            problems.append(_unknown(name, prefix, near))
        elif value is not None:
            try:
                values[name] = OPTIONS[name].metadata["parse"](value)
            except ValueError as error:
                invalid.add(name)
                problems.append(Problem(f"{prefix}{name}", str(error), "invalid_value"))
    return _Parsed(values, frozenset(invalid))


def _near(name: object, *, is_top: bool) -> list[str]:
    if name == "routes":  # not a misspelling of an option
        return []
    names = [*OPTIONS, "routes"] if is_top else OPTIONS
    return difflib.get_close_matches(str(name).lower(), names, n=1)


def _unknown(name: object, prefix: str, near: list[str]) -> Problem:
    if not isinstance(name, (str, int)):
        # Its repr may contain a secret.
        text = f"the name of an option must be a string, not {parsers.type_in_words(name)}"
        return Problem(prefix.removesuffix("."), text, "unknown_option")
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return Problem(f"{prefix}{name}", f"unknown option{hint}", "unknown_option")


def _joined(defaults: _Parsed, own: _Parsed) -> _Parsed:
    """Return a route's options over the defaults.

    A session token belongs to its keys, so a default token is dropped for a
    route that has keys of its own.
    """
    hidden = own.values.keys() | own.invalid
    if hidden & KEYS:
        hidden |= {"aws_session_token"}
    if aws_names.split_function_name(own.values.get("function_name", "")).region:
        # A default region applies only to routes whose function_name contains none.
        hidden |= {"aws_region"}
    values = {name: value for name, value in defaults.values.items() if name not in hidden}
    return _Parsed(values | own.values, (defaults.invalid - hidden) | own.invalid)


def _given_routes(routes: object, problems: list[Problem]) -> Iterator[_GivenRoute]:
    """Yield every route that is a mapping, even if its path is invalid."""
    if routes is None:
        return
    if not isinstance(routes, Mapping):
        text = f"must be a mapping of paths to options, not {parsers.type_in_words(routes)}"
        problems.append(Problem("routes", text, "wrong_type"))
        return
    seen: dict[object, str] = {}
    for key, value in routes.items():
        place = f"routes[{key!r}]"
        path = None
        try:
            path = parse_path(key)
        except ValueError as error:
            problems.append(Problem(place, str(error), "invalid_path"))
        if path is not None and path.shape in seen:
            text = f"the same path as {seen[path.shape]}; give a list of routes there"
            problems.append(Problem(place, text, "same_path"))
            path = None
        elif path is not None:
            seen[path.shape] = place
        yield from _routes_of_path(place, path, value, problems)


def _routes_of_path(
    place: str, path: Path | None, value: object, problems: list[Problem]
) -> Iterator[_GivenRoute]:
    if isinstance(value, (list, tuple)):
        if not value:
            problems.append(Problem(place, "must contain at least one route", "no_routes"))
        options_by_place = {f"{place}[{number}]": own for number, own in enumerate(value)}
    else:
        options_by_place = {place: value}
    for here, own in options_by_place.items():
        if isinstance(own, Mapping):
            yield _GivenRoute(here, path, own)
        else:
            text = f"must be a mapping of options, not {parsers.type_in_words(own)}"
            problems.append(Problem(here, text, "wrong_type"))


def _make_route(
    given: _GivenRoute,
    parsed: _Parsed,
    environ: Mapping[str, str],
    bundle: endpoints.EnvironmentBundle,
    problems: list[Problem],
) -> Route | None:
    """Return one route, or None if it is invalid; add its contradictions to ``problems``."""
    values = parsed.values
    target = _make(Target, values)
    identity = _make(Identity, values)
    transport = _make(Transport, values)
    region = endpoints.region_of(target, environ)
    found = [
        Problem(f"{given.place}.{each.option}", each.text, each.code)
        for each in find_contradictions(
            target, identity, transport, region=region, environ=environ, bundle=bundle
        )
        # Skip problems that follow from a value already reported as invalid.
        if not parsed.invalid & {each.option, *each.depends_on}
    ]
    problems.extend(found)
    if found or parsed.invalid or given.path is None:
        return None
    return Route(
        path=given.path,
        match=_make(Match, values),
        target=replace(target, aws_region=region),
        identity=identity,
        transport=bundle.for_route(endpoints.complete(transport, region, environ)),
        event=_make_event(values, target),
        response=_make(ResponseOptions, values),
    )


def _make_event(values: Mapping[str, Any], target: Target) -> EventOptions:
    """Return the options of the event, with the defaults that depend on other options."""
    event = _make(EventOptions, values)
    payload = ASYNCHRONOUS_PAYLOAD if target.invocation_type == "Event" else SYNCHRONOUS_PAYLOAD
    return replace(
        event,
        max_payload_size=event.max_payload_size or payload,
        # The event must not differ from the request that `authorize` has checked.
        reject_unparsed_body=values.get("reject_unparsed_body", "authorize" in values),
    )


def _make(group: type[Group], values: Mapping[str, Any]) -> Group:
    """Return one group of options, with those of ``values`` that belong to it."""
    own = {item.name: values[item.name] for item in fields(group) if item.name in values}
    return group(**own)
