"""Turn a configuration into routes, or into one `ConfigError` that lists every problem.

A mapping, or the name of a file or Python object, comes in; a tuple of `Route`
goes out. Nothing here connects to AWS or looks up credentials.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

from wsgi_lambda.config import endpoints
from wsgi_lambda.config.contradictions import KEYS, Finding, find_contradictions
from wsgi_lambda.config.given import CONDITIONS, Given, given_functions, given_routes
from wsgi_lambda.config.hidden_routes import find_hidden
from wsgi_lambda.config.local_mode import IN_PROCESS, REGION, is_switched_on, warn_of_local_mode
from wsgi_lambda.config.parsed import TOP_LEVEL, Parsed, parse_options
from wsgi_lambda.config.sources import load_configuration
from wsgi_lambda.config.unlikely_values import warn_of_unlikely_values
from wsgi_lambda.errors import ConfigError, Problem
from wsgi_lambda.options import (
    ASYNCHRONOUS_PAYLOAD,
    SYNCHRONOUS_PAYLOAD,
    EventOptions,
    Identity,
    LocalOptions,
    Match,
    ResponseOptions,
    Route,
    Target,
    Transport,
    WholeOptions,
    aws_names,
    parsers,
)

Group = TypeVar(
    "Group",
    Match,
    Target,
    Identity,
    Transport,
    EventOptions,
    ResponseOptions,
    LocalOptions,
    WholeOptions,
)


class Configuration(NamedTuple):
    """A valid configuration: routes in its order, named functions, and who is asking."""

    routes: tuple[Route, ...]
    functions: tuple[Route, ...]
    #: Called with the request of the framework, returns the name of the user or None.
    principal: Callable[[Any], str | None] | None = None
    whole: WholeOptions = WholeOptions()


def read_configuration(config: object, environ: Mapping[str, str] = os.environ) -> Configuration:
    """Return the routes and named functions of ``config``.

    ``config`` is a mapping, or anything that `load_configuration` accepts. Each of
    its keys is an option, whose value is the default for all routes, or one of

    * ``routes``: a mapping of paths to a mapping of options, or to a list of such
      mappings;
    * ``functions``: a mapping of names to a mapping of options;
    * ``principal``: a callable, or its import path.

    None means not set. Raises `ConfigError` with every problem, and logs a warning
    for values that are probably a mistake.
    """
    config = load_configuration(config)
    if not isinstance(config, Mapping):
        text = f"must be a mapping, not {parsers.type_in_words(config)}"
        raise ConfigError([Problem("configuration", text, "wrong_type")])
    problems: list[Problem] = []
    options = {name: config[name] for name in config if name not in TOP_LEVEL}
    defaults = parse_options(options, "", problems)
    is_local = is_switched_on(defaults.values.get("local"), environ, problems)
    defaults.values["local"] = is_local
    reader = _Reader(defaults, environ, problems)
    principal = _read_principal(config.get("principal"), problems)
    routes = reader.routes(config.get("routes"))
    functions = reader.functions(config.get("functions"))
    if problems:
        raise ConfigError(problems)
    warn_of_unlikely_values((*routes, *functions))
    if is_local:
        warn_of_local_mode((*routes, *functions))
    return Configuration(routes, functions, principal, _whole(config, defaults))


def read_routes(config: object, environ: Mapping[str, str] = os.environ) -> tuple[Route, ...]:
    """Return the routes of ``config`` in its order; see `read_configuration`."""
    return read_configuration(config, environ).routes


def _joined(defaults: Parsed, own: Parsed) -> Parsed:
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
    return Parsed(values | own.values, (defaults.invalid - hidden) | own.invalid)


class _Reader:
    """Makes routes of options over ``defaults``; adds what is wrong to ``problems``."""

    def __init__(
        self, defaults: Parsed, environ: Mapping[str, str], problems: list[Problem]
    ) -> None:
        self._defaults = defaults
        self._environ = environ
        self._bundle = endpoints.EnvironmentBundle(environ)
        self._problems = problems

    def routes(self, routes: object) -> tuple[Route, ...]:
        placed: list[tuple[str, Route]] = []
        for given in given_routes(routes, self._problems):
            own = parse_options(given.options, f"{given.place}.", self._problems)
            if given.path is not None and given.path.is_template and own.values.get("exact"):
                text = "a template is always exact; leave it out"
                self._problems.append(Problem(f"{given.place}.exact", text, "contradiction"))
            route = self._make_route(given, _joined(self._defaults, own))
            if route is not None:
                placed.append((given.place, route))
        self._problems.extend(find_hidden(placed))
        return tuple(route for _, route in placed)

    def functions(self, functions: object) -> tuple[Route, ...]:
        values = {k: v for k, v in self._defaults.values.items() if k not in CONDITIONS}
        defaults = Parsed(values, self._defaults.invalid - {*CONDITIONS})
        parsed = [
            (given, parse_options(given.options, f"{given.place}.", self._problems))
            for given in given_functions(functions, self._problems)
        ]
        made = [self._make_route(given, _joined(defaults, own)) for given, own in parsed]
        return tuple(route for route in made if route is not None)

    def _make_route(self, given: Given, parsed: Parsed) -> Route | None:
        """Return one route, or None if it is invalid."""
        values = parsed.values
        target, identity = _make(Target, values), _make(Identity, values)
        transport, local = _make(Transport, values), _make(LocalOptions, values)
        region = endpoints.region_of(target, self._environ)
        is_local = _is_local(parsed)
        if is_local:
            identity, transport, region = Identity(), IN_PROCESS, region or REGION
        response = _make(ResponseOptions, values)
        groups = (target, identity, transport, response)
        findings = find_contradictions(
            *groups, region=region, environ=self._environ, bundle=self._bundle
        )
        if self._report(findings, given, parsed) or parsed.invalid or given.path is None:
            return None
        transport = endpoints.complete(transport, region, self._environ)
        return Route(
            path=given.path,
            name=given.name,
            match=_make(Match, values),
            target=target.replace(aws_region=region),
            identity=identity,
            transport=self._bundle.for_route(transport),
            event=_make_event(values, target),
            response=response,
            local=local,
            is_local=is_local,
        )

    def _report(self, findings: Iterable[Finding], given: Given, parsed: Parsed) -> bool:
        """Add the findings about a route to the problems; return whether there are any."""
        found = [
            Problem(f"{given.place}.{each.option}", each.text, each.code)
            for each in findings
            # Skip problems that follow from a value already reported as invalid.
            if not parsed.invalid & {each.option, *each.depends_on}
        ]
        self._problems.extend(found)
        return bool(found)


def _is_local(parsed: Parsed) -> bool:
    """Return whether a route runs in this process, or would if its options were valid."""
    is_on = parsed.values["local"] or "local" in parsed.invalid
    return is_on and ("handler" in parsed.values or "handler" in parsed.invalid)


def _whole(config: Mapping[Any, object], defaults: Parsed) -> WholeOptions:
    whole = _make(WholeOptions, defaults.values)
    if config.get("failure_log_limit", 0) is None:
        return whole.replace(failure_log_limit=None)  # null means no limit, not the default
    return whole


def _read_principal(value: object, problems: list[Problem]) -> Callable[[Any], str | None] | None:
    try:
        return None if value is None else parsers.function(value)
    except ValueError as error:
        problems.append(Problem("principal", str(error), "invalid_value"))
        return None


def _make_event(values: Mapping[str, Any], target: Target) -> EventOptions:
    """Return the options of the event, with the defaults that depend on other options."""
    event = _make(EventOptions, values)
    payload = ASYNCHRONOUS_PAYLOAD if target.invocation_type == "Event" else SYNCHRONOUS_PAYLOAD
    return event.replace(
        max_payload_size=event.max_payload_size or payload,
        # The event must not differ from the request that `authorize` has checked.
        reject_unparsed_body=values.get("reject_unparsed_body", "authorize" in values),
    )


def _make(group: type[Group], values: Mapping[str, Any]) -> Group:
    """Return one group of options, with those of ``values`` that belong to it."""
    own = {name: values[name] for name in group.options if name in values}
    return group(**own)
