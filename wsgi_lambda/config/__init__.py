"""Turn a configuration into routes, or into one `ConfigError` that lists every problem."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

from wsgi_lambda.config import endpoints
from wsgi_lambda.config.contradictions import KEYS, find_contradictions
from wsgi_lambda.errors import ConfigError, Problem
from wsgi_lambda.options import (
    ASYNCHRONOUS_PAYLOAD,
    OPTIONS,
    SYNCHRONOUS_PAYLOAD,
    EventOptions,
    Identity,
    Match,
    ResponseOptions,
    Route,
    Target,
    Transport,
    aws_names,
    parsers,
)

Group = TypeVar("Group", Match, Target, Identity, Transport, EventOptions, ResponseOptions)


def read_routes(config: object, environ: Mapping[str, str] = os.environ) -> tuple[Route, ...]:
    """Return the routes of ``config``, in its order.

    ``config`` maps option names to values that hold for all routes, and
    ``routes`` to a mapping of path to one mapping of options, or a list of
    them. None means not set. Raises `ConfigError` with everything that is wrong.
    """
    if not isinstance(config, Mapping):
        text = f"must be a mapping, not {type(config).__name__}"
        raise ConfigError([Problem("configuration", text, "wrong_type")])
    problems: list[Problem] = []
    defaults = _parse({name: config[name] for name in config if name != "routes"}, "", problems)
    routes = []
    for place, path, own in _route_entries(config.get("routes"), problems):
        parsed = _joined(defaults, _parse(own, f"{place}.", problems))
        route = _make_route(place, path, parsed, environ, problems)
        if route is not None:
            routes.append(route)
    if problems:
        raise ConfigError(problems)
    return tuple(routes)


@dataclass(frozen=True, slots=True)
class _Parsed:
    """Options of one place: the values that are right, and the names of those that are not."""

    values: dict[str, Any] = field(repr=False)
    faulty: frozenset[str]


def _parse(given: Mapping[Any, object], prefix: str, problems: list[Problem]) -> _Parsed:
    values: dict[str, Any] = {}
    faulty = set()
    for name, value in given.items():
        if name not in OPTIONS:
            near = _near(name)
            # What was misspelt is not missing, too.
            faulty.update(near)
            problems.append(_unknown(name, prefix, near))
        elif value is not None:
            try:
                values[name] = OPTIONS[name].metadata["parse"](value)
            except ValueError as error:
                faulty.add(name)
                problems.append(Problem(f"{prefix}{name}", str(error), "invalid_value"))
    return _Parsed(values, frozenset(faulty))


def _near(name: object) -> list[str]:
    if name == "routes":  # in a route, where it is no slip of the pen
        return []
    return difflib.get_close_matches(str(name).lower(), OPTIONS, n=1)


def _unknown(name: object, prefix: str, near: list[str]) -> Problem:
    if not isinstance(name, (str, int)):
        place = f"{prefix}a name of type {type(name).__name__}"
        return Problem(place, "unknown option", "unknown_option")
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return Problem(f"{prefix}{name}", f"unknown option{hint}", "unknown_option")


def _joined(defaults: _Parsed, own: _Parsed) -> _Parsed:
    """Lay a route's options over the defaults.

    A session token belongs to its keys: one of the defaults does not go with
    keys of a route.
    """
    hidden = own.values.keys() | own.faulty
    if hidden & KEYS:
        hidden |= {"aws_session_token"}
    if aws_names.split_function_name(own.values.get("function_name", ""))[0]:
        # A default region is for the routes that do not say theirs, as an ARN does.
        hidden |= {"aws_region"}
    values = {name: value for name, value in defaults.values.items() if name not in hidden}
    return _Parsed(values | own.values, (defaults.faulty - hidden) | own.faulty)


def _route_entries(
    routes: object, problems: list[Problem]
) -> Iterator[tuple[str, str, Mapping[Any, object]]]:
    """Yield (place, normal path, own options) of every entry that can be read."""
    if not isinstance(routes, Mapping):
        code = "missing" if routes is None else "wrong_type"
        problems.append(Problem("routes", "required, a mapping of paths to options", code))
        return
    seen: dict[str, str] = {}
    for key, value in routes.items():
        place = f"routes[{key!r}]"
        if not parsers.is_path(key):
            text = "a path must be a text that starts with one '/', without NUL"
            problems.append(Problem(place, text, "invalid_path"))
        path = str(key).rstrip("/") or "/"
        if path in seen:
            text = f"the same path as {seen[path]}; give a list of functions there"
            problems.append(Problem(place, text, "same_path"))
        seen[path] = place
        yield from ((here, path, own) for here, own in _below_path(place, value, problems))


def _below_path(
    place: str, value: object, problems: list[Problem]
) -> Iterator[tuple[str, Mapping[Any, object]]]:
    """Yield (place, own options) of the routes under one path."""
    if isinstance(value, (list, tuple)):
        if not value:
            problems.append(Problem(place, "an empty list names no function", "no_routes"))
        entries = {f"{place}[{number}]": own for number, own in enumerate(value)}
    else:
        entries = {place: value}
    for here, own in entries.items():
        if isinstance(own, Mapping):
            yield here, own
        else:
            text = f"must be a mapping of options, not {type(own).__name__}"
            problems.append(Problem(here, text, "wrong_type"))


def _make_route(
    place: str, path: str, parsed: _Parsed, environ: Mapping[str, str], problems: list[Problem]
) -> Route | None:
    """Return one route, or None after adding what does not fit together to ``problems``."""
    values = parsed.values
    target = _make(Target, values)
    identity = _make(Identity, values)
    event = _make(EventOptions, values)
    transport = _make(Transport, values)
    region = endpoints.region_of(target, environ)
    found = [
        Problem(f"{place}.{each.option}", each.text, each.code)
        for each in find_contradictions(target, identity, transport, region=region, environ=environ)
        # What was given wrong is neither missing nor contradicted.
        if not parsed.faulty & {each.option, *each.depends_on}
    ]
    problems.extend(found)
    if found or parsed.faulty:
        return None
    payload = ASYNCHRONOUS_PAYLOAD if target.invocation_type == "Event" else SYNCHRONOUS_PAYLOAD
    return Route(
        path=path,
        match=_make(Match, values),
        target=replace(target, aws_region=region),
        identity=identity,
        transport=endpoints.complete(transport, region, environ),
        event=replace(event, max_payload_size=event.max_payload_size or payload),
        response=_make(ResponseOptions, values),
    )


def _make(group: type[Group], values: Mapping[str, Any]) -> Group:
    """Return one group of options with the values that are its own."""
    own = {item.name: values[item.name] for item in fields(group) if item.name in values}
    return group(**own)
