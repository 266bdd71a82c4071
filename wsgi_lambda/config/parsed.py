"""Parse the options of one place of a configuration: of a route, or of the top level."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from wsgi_lambda.errors import Problem
from wsgi_lambda.options import OPTIONS, WholeOptions, parsers

#: Keys of the top level that are not options.
TOP_LEVEL = ("routes", "functions", "principal")

#: The key of a whole configuration, in a file.
_KEY = "WSGI_LAMBDA"

#: The names of boto3 and of Lambda's API for options that are called otherwise here.
_NAMES_OF_BOTO3 = {
    "aws_access_key_id": "aws_key",
    "aws_secret_access_key": "aws_secret",
    "connect_timeout": "timeout",
    "endpoint_url": "host",
    "max_attempts": "retries",
    "max_pool_connections": "pool_size",
    "proxies": "proxy_url",
    "read_timeout": "timeout",
    "region": "aws_region",
    "region_name": "aws_region",
    "role_arn": "aws_assume_role_arn",
    "verify": "tls_verify",
}


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
    written = str(name).lower()
    if written in _NAMES_OF_BOTO3:
        return [_NAMES_OF_BOTO3[written]]
    if not is_top:
        return difflib.get_close_matches(written, OPTIONS, n=1)
    names = [*OPTIONS, *WholeOptions.options, *TOP_LEVEL, _KEY.lower()]
    near = difflib.get_close_matches(written, names, n=1)
    return [_KEY] if near == [_KEY.lower()] else near


def _unknown(name: object, prefix: str, near: list[str]) -> Problem:
    if not isinstance(name, (str, int)):
        # Its repr may contain a secret.
        text = f"the name of an option must be a string, not {parsers.type_in_words(name)}"
        return Problem(prefix.removesuffix("."), text, "unknown_option")
    hint = f"; did you mean {near[0]!r}?" if near else ""
    if not prefix and str(name).startswith("/"):
        hint = "; a path belongs into routes"
    if name in WholeOptions.options:
        hint = " of a route; it belongs at the top level of the configuration"
    return Problem(f"{prefix}{name}", f"unknown option{hint}", "unknown_option")
