"""Find the routes and named functions in a configuration, with their options as they were given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wsgi_lambda.errors import Problem
from wsgi_lambda.options import OPTIONS, Path, parsers
from wsgi_lambda.options.paths import parse_path

#: Options that choose the requests of a route; the view's own url replaces them.
CONDITIONS = ("methods", "hosts", "headers", "consumers", "exact", "strip_path")

#: A named function has no path of its own.
_NO_PATH = Path(())


class Given:
    """The options of one route or named function as they were given.

    ``place`` is for messages (``routes['/a/'][0]``); ``path`` is None if it is
    invalid; ``name`` is "" for a route.
    """

    # Not a tuple: crash reporters would show the secrets in it.
    __slots__ = ("name", "options", "path", "place")

    def __init__(
        self, place: str, path: Path | None, options: Mapping[object, object], name: str = ""
    ) -> None:
        self.place = place
        self.path = path
        self.options = options
        self.name = name


def given_routes(routes: object, problems: list[Problem]) -> Iterator[Given]:
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
        if key in OPTIONS and not _is_options(value):
            text = "an option, not a path: put it next to routes, or into a route"
            problems.append(Problem(place, text, "invalid_path"))
            continue
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


def _is_options(value: object) -> bool:
    """Return whether ``value`` has the type of one route or of a list of routes."""
    items = value if isinstance(value, (list, tuple)) else [value]
    return any(isinstance(item, Mapping) for item in items)


def _routes_of_path(
    place: str, path: Path | None, value: object, problems: list[Problem]
) -> Iterator[Given]:
    if isinstance(value, (list, tuple)):
        if not value:
            problems.append(Problem(place, "must contain at least one route", "no_routes"))
        options_by_place = {f"{place}[{number}]": own for number, own in enumerate(value)}
    else:
        options_by_place = {place: value}
    for here, own in options_by_place.items():
        if isinstance(own, Mapping):
            yield Given(here, path, own)
        else:
            problems.append(_not_options(here, own))


def given_functions(functions: object, problems: list[Problem]) -> Iterator[Given]:
    """Yield every named function that is a mapping; its `function_name` defaults to the name."""
    if functions is None:
        return
    if not isinstance(functions, Mapping):
        text = f"must be a mapping of names to options, not {parsers.type_in_words(functions)}"
        problems.append(Problem("functions", text, "wrong_type"))
        return
    for name, own in functions.items():
        place = f"functions[{name!r}]"
        if not isinstance(name, str) or not name:
            problems.append(Problem(place, "a name must be a non-empty string", "invalid_value"))
        elif not isinstance(own, Mapping):
            problems.append(_not_options(place, own))
        else:
            for condition in CONDITIONS:
                if own.get(condition) is not None:
                    text = "not allowed here: the view's own url replaces it"
                    problems.append(Problem(f"{place}.{condition}", text, "contradiction"))
            given = {key: value for key, value in own.items() if key not in CONDITIONS}
            if given.get("function_name") is None:
                given["function_name"] = name
            yield Given(place, _NO_PATH, given, name)


def _not_options(place: str, value: object) -> Problem:
    text = f"must be a mapping of options, not {parsers.type_in_words(value)}"
    return Problem(place, text, "wrong_type")
