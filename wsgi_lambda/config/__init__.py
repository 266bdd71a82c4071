"""A configuration to routes, or one `ConfigError` with all that is wrong in it."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

from wsgi_lambda.config import endpoints
from wsgi_lambda.config.contradictions import KEYS, contradictions, endpoint_problems
from wsgi_lambda.errors import ConfigError
from wsgi_lambda.options import (
    ASYNCHRONOUS_PAYLOAD,
    OPTIONS,
    SYNCHRONOUS_PAYLOAD,
    AnswerOptions,
    EventOptions,
    Identity,
    Match,
    Route,
    Target,
    Transport,
    aws_names,
    parsers,
)

Group = TypeVar("Group", Match, Target, Identity, Transport, EventOptions, AnswerOptions)


def read_routes(config: object, environ: Mapping[str, str] = os.environ) -> tuple[Route, ...]:
    """Return the routes of ``config``, in its order.

    ``config`` maps option names to values that hold for all routes, and
    ``routes`` to a mapping of path to one mapping of options, or a list of
    them. None means not set. Raises `ConfigError` with everything that is wrong.
    """
    if not isinstance(config, Mapping):
        raise ConfigError([f"configuration: must be a mapping, not {type(config).__name__}"])
    errors: list[str] = []
    defaults = _parse({name: config[name] for name in config if name != "routes"}, "", errors)
    routes = []
    for place, path, own in _route_entries(config.get("routes"), errors):
        parsed = _joined(defaults, _parse(own, f"{place}.", errors))
        route = _make_route(place, path, parsed, environ, errors)
        if route is not None:
            routes.append(route)
    if errors:
        raise ConfigError(errors)
    return tuple(routes)


@dataclass(frozen=True, slots=True)
class _Parsed:
    """Options of one place: the values that are right, and the names of those that are not."""

    values: dict[str, Any] = field(repr=False)
    faulty: frozenset[str]


def _parse(given: Mapping[Any, object], place: str, errors: list[str]) -> _Parsed:
    values: dict[str, Any] = {}
    faulty = set()
    for name, value in given.items():
        if name not in OPTIONS:
            near = _near(name)
            # What was misspelt is not missing, too.
            faulty.update(near)
            errors.append(f"{place}{_unknown(name, near)}")
        elif value is not None:
            try:
                values[name] = OPTIONS[name].metadata["parse"](value)
            except ValueError as error:
                faulty.add(name)
                errors.append(f"{place}{name}: {error}")
    return _Parsed(values, frozenset(faulty))


def _near(name: object) -> list[str]:
    if name == "routes":  # in a route, where it is no slip of the pen
        return []
    return difflib.get_close_matches(str(name).lower(), OPTIONS, n=1)


def _unknown(name: object, near: list[str]) -> str:
    if not isinstance(name, (str, int)):
        return f"a name of type {type(name).__name__}: unknown option"
    return f"{name}: unknown option" + (f"; did you mean {near[0]!r}?" if near else "")


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
    routes: object, errors: list[str]
) -> Iterator[tuple[str, str, Mapping[Any, object]]]:
    """Yield (place, normal path, own options) of every entry that can be read."""
    if not isinstance(routes, Mapping):
        errors.append("routes: required, a mapping of paths to options")
        return
    seen: dict[str, str] = {}
    for key, value in routes.items():
        place = f"routes[{key!r}]"
        if not parsers.is_path(key):
            errors.append(f"{place}: a path must be a text that starts with one '/', without NUL")
        path = str(key).rstrip("/") or "/"
        if path in seen:
            errors.append(f"{place}: the same path as {seen[path]}; give a list of functions there")
        seen[path] = place
        several = isinstance(value, (list, tuple))
        if several and not value:
            errors.append(f"{place}: an empty list names no function")
        for number, own in enumerate(value if several else [value]):
            here = f"{place}[{number}]" if several else place
            if isinstance(own, Mapping):
                yield here, path, own
            else:
                errors.append(f"{here}: must be a mapping of options, not {type(own).__name__}")


def _make_route(
    place: str, path: str, parsed: _Parsed, environ: Mapping[str, str], errors: list[str]
) -> Route | None:
    """Return one route, or None after adding what does not fit together to ``errors``."""
    values = parsed.values
    target = _make(Target, values)
    identity = _make(Identity, values)
    event = _make(EventOptions, values)
    transport = _make(Transport, values)
    region = endpoints.region_of(target, environ)
    problems = [
        f"{place}.{name}: {problem}"
        for name, sources, problem in (
            *contradictions(target, identity, region),
            *endpoint_problems(transport, region, environ),
        )
        # What was given wrong is neither missing nor contradicted.
        if not parsed.faulty & {name, *sources}
    ]
    errors.extend(problems)
    if problems or parsed.faulty:
        return None
    payload = ASYNCHRONOUS_PAYLOAD if target.invocation_type == "Event" else SYNCHRONOUS_PAYLOAD
    return Route(
        path=path,
        match=_make(Match, values),
        target=replace(target, aws_region=region),
        identity=identity,
        transport=endpoints.complete(transport, region, environ),
        event=replace(event, max_payload_size=event.max_payload_size or payload),
        answer=_make(AnswerOptions, values),
    )


def _make(group: type[Group], values: Mapping[str, Any]) -> Group:
    """Return one group of options with the values that are its own."""
    own = {item.name: values[item.name] for item in fields(group) if item.name in values}
    return group(**own)
