"""Parse the options of one place of a configuration: of a route, or of the top level."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from wsgi_lambda.errors import Problem
from wsgi_lambda.options import OPTIONS, WholeOptions, parsers

#: Keys of the top level that are not options.
TOP_LEVEL = ("routes", "functions", "principal")


class Parsed:
    """The options of one place: valid values, and the names of options with invalid ones."""

    # Not a tuple: crash reporters would show the secrets in it.
    __slots__ = ("invalid", "values")

    def __init__(self, values: dict[str, Any], invalid: frozenset[str]) -> None:
        self.values = values
        self.invalid = invalid


def parse_options(given: Mapping[Any, object], prefix: str, problems: list[Problem]) -> Parsed:
    """Parse the options of one place, whose messages begin with ``prefix`` ("" at the top level).

    Adds what is wrong to ``problems``.
    """
    values: dict[str, Any] = {}
    invalid = set()
    declared = OPTIONS if prefix else {**OPTIONS, **WholeOptions.options}
    for name, value in given.items():
        if name not in declared:
            near = _near(name, is_top=not prefix)
            # Do not report a misspelt option as missing as well.
            invalid.update(near)
            problems.append(_unknown(name, prefix, near))
        elif value is not None:
            try:
                values[name] = declared[name].parse(value)
            except ValueError as error:
                invalid.add(name)
                problems.append(Problem(f"{prefix}{name}", str(error), "invalid_value"))
    return Parsed(values, frozenset(invalid))


def _near(name: object, *, is_top: bool) -> list[str]:
    if name in TOP_LEVEL or name in WholeOptions.options:  # not a misspelling of an option
        return []
    names = [*OPTIONS, *WholeOptions.options, *TOP_LEVEL] if is_top else OPTIONS
    return difflib.get_close_matches(str(name).lower(), names, n=1)


def _unknown(name: object, prefix: str, near: list[str]) -> Problem:
    if not isinstance(name, (str, int)):
        # Its repr may contain a secret.
        text = f"the name of an option must be a string, not {parsers.type_in_words(name)}"
        return Problem(prefix.removesuffix("."), text, "unknown_option")
    hint = f"; did you mean {near[0]!r}?" if near else ""
    if name in WholeOptions.options:
        hint = " of a route; it belongs at the top level of the configuration"
    return Problem(f"{prefix}{name}", f"unknown option{hint}", "unknown_option")
