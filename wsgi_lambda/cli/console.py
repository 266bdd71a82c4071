"""What the commands share: loading, the public facts about a route, standard error."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from typing import Any

from wsgi_lambda.config.named import search_current_directory
from wsgi_lambda.config.sources import load_configuration
from wsgi_lambda.errors import LambdaError, Problem
from wsgi_lambda.options import Route
from wsgi_lambda.printable import printable

FACTS = (
    "path",
    "kind",
    "methods",
    "hosts",
    "headers",
    "consumers",
    "authorize",
    "function",
    "aws_region",
    "endpoint",
)

#: The place of a problem in a route: ``routes['/a'][1].timeout``.
_PLACE = re.compile(
    r"(?:routes|functions)\[(?P<path>.+?)\](?:\[\d+\])?\.(?P<option>\w+)", re.DOTALL
)


def public_facts(route: Route) -> dict[str, Any]:
    """Return the public facts about a route (no credentials), by the names in `FACTS`.

    A condition that is not set, so that every value matches, is None.
    """
    target, match = route.target, route.match
    alias = f":{target.qualifier}" if target.qualifier else ""
    return {
        "path": route.label,
        "kind": _kind(route),
        "methods": sorted(match.methods) or None,
        "hosts": list(match.hosts) or None,
        "consumers": sorted(match.consumers) or None,
        "headers": {each.name: sorted(each.values) for each in match.headers} or None,
        "authorize": _name(match.authorize) if match.authorize else None,
        "function": target.function_name.removesuffix(alias) + alias,
        "aws_region": target.aws_region,
        "endpoint": route.endpoint,
    }


def load_named(source: str) -> Any:
    """Return the configuration that ``source`` names; raises `ConfigError`.

    Complains if it is in a Flask app that does not use it.
    """
    search_current_directory(source)
    return load_configuration(source, on_unused=complain)


def _kind(route: Route) -> str:
    """Return how the path matches: ``"template"``, ``"exact"`` or ``"prefix"``.

    A named function, which has no path, is a ``"function"``.
    """
    if route.name:
        return "function"
    if route.path.is_template:
        return "template"
    return "exact" if route.match.exact else "prefix"


def _name(hook: Callable[..., object]) -> str:
    """Return the name of a hook, as in ``"shop.auth:check"``."""
    owner = hook if hasattr(hook, "__qualname__") else type(hook)
    return f"{owner.__module__}:{owner.__qualname__}"


def problem_lines(problems: Iterable[Problem]) -> list[str]:
    """Return one line for each problem, and one for a problem that several routes share.

    ``"aws_region: not set (in 2 routes: '/a', '/b')"``.
    """
    places: dict[tuple[str, str], list[tuple[str, Problem]]] = {}
    for problem in problems:
        found = _PLACE.fullmatch(problem.place)
        path, option = (found["path"], found["option"]) if found else ("", problem.place)
        places.setdefault((option, problem.text), []).append((path, problem))
    return [_line(option, text, shared) for (option, text), shared in places.items()]


def _line(option: str, text: str, shared: list[tuple[str, Problem]]) -> str:
    if len(shared) == 1:
        return str(shared[0][1])
    paths = list(dict.fromkeys(path for path, _ in shared))
    shown = ", ".join(paths[:3]) + (", …" if len(paths) > 3 else "")
    return f"{option}: {text} (in {len(shared)} routes: {shown})"


def describe(error: LambdaError) -> str:
    """Return the type and the detail of an error, as the log would contain them."""
    return f"{type(error).__name__}: {error.detail or error.message}"


def complain(*lines: str) -> None:
    """Write lines to standard error; what they quote of a file is escaped."""
    for line in lines:
        print(printable(line), file=sys.stderr)
