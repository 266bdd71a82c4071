"""Parse the value of one option, or raise a ValueError that states what is required.

The message continues the option's name: "timeout: must be an integer from 1 to
2147483646, not a string". It never repeats a value from the configuration,
because a secret may have been written in the wrong place.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable
from importlib import import_module
from operator import attrgetter
from typing import Any, cast

from wsgi_lambda.header_syntax import is_token, is_visible

_TYPES_IN_WORDS: dict[type, str] = {
    bool: "a boolean",
    dict: "a mapping",
    float: "a float",
    int: "a number",
    list: "a list",
    str: "a string",
    type(None): "None",
}

#: Kong's limit for its timeouts, and about what a socket's timeout can be.
LONGEST_TIME = 2_147_483_646  # milliseconds


def type_in_words(value: object) -> str:
    """Return the type of ``value`` for a message: "a string", "a list", "tuple"."""
    return _TYPES_IN_WORDS.get(type(value), type(value).__name__)


def mismatch(wanted: str, value: object) -> ValueError:
    """Return the error for a ``value`` of the wrong type: "must be ``wanted``, not a list"."""
    return ValueError(f"must be {wanted}, not {type_in_words(value)}")


def fits(pattern: str, value: str) -> bool:
    """Return whether the whole ``value`` matches the ASCII ``pattern``.

    The pattern is compiled on its first use, because most apps use few options.
    """
    return re.fullmatch(pattern, value, re.ASCII) is not None


def string(value: object) -> str:
    if value == "":
        raise ValueError("must be a non-empty string")
    if not isinstance(value, str):
        raise mismatch("a non-empty string", value)
    return value


# What API Gateway and others write for every method.
_WILDCARDS = frozenset(("*", "ANY"))

#: Placeholders by the form that messages show: of shells, Makefiles, Symfony, Jinja and Helm (and
#: Kong's vault), documentation. `$LATEST` is a version of a function.
_PLACEHOLDERS = {
    "${NAME}": re.compile(r"\$\{"),
    "$(NAME)": re.compile(r"\$\("),
    "$NAME": re.compile(r"\$(?!(?i:LATEST)\b)[A-Za-z_]"),
    "%NAME%": re.compile(r"%env\(|%[A-Za-z_]\w*%"),
    "{{ NAME }}": re.compile(r"\{\{|\{%|\{vault:"),
    "<NAME>": re.compile(r"<[^<>]+>"),
}


def filled_in(value: object) -> str:
    """Parse a string that contains no placeholder of a template tool, such as `${NAME}`.

    Signing with a placeholder would fail with the first request only.
    """
    text = string(value)
    for form, pattern in _PLACEHOLDERS.items():
        if pattern.search(text):
            raise ValueError(f"contains a placeholder ({form}) that nothing has replaced")
    return text


def strings(value: object) -> list[str]:
    """Parse a list, tuple or set of strings; an empty one is an error, not "everything"."""
    if not isinstance(value, (list, tuple, set, frozenset)):
        raise mismatch("a non-empty list of strings", value)
    if not value:
        raise ValueError("must be a non-empty list of strings")
    return [string(item) for item in value]


def secret(value: object) -> str:
    text = filled_in(value)
    if not is_visible(text):
        raise ValueError("must contain only visible ASCII characters")
    return text


def boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise mismatch("true or false", value)
    return value


def integer(least: int, most: int | None = None) -> Callable[[object], int]:
    """Return a parser of integers from ``least`` to ``most``; None means no upper limit."""
    limits = f"of at least {least}" if most is None else f"from {least} to {most}"
    wanted = f"an integer {limits}"

    def parse(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise mismatch(wanted, value)
        if value < least or (most is not None and value > most):
            raise ValueError(f"must be {wanted}")
        return value

    return parse


def milliseconds(value: object, *, least: int = 1) -> float:
    """Parse milliseconds (Kong's unit) into seconds: 1500 becomes 1.5."""
    return integer(least, LONGEST_TIME)(value) / 1000


def milliseconds_or_zero(value: object) -> float:
    """Parse milliseconds, or 0, into seconds."""
    return milliseconds(value, least=0)


def one_of(*choices: str) -> Callable[[object], str]:
    """Return a parser that accepts one of ``choices``, case-sensitive."""

    def parse(value: object) -> str:
        if not isinstance(value, str) and str(value) in choices:
            # YAML and JSON read an unquoted 2.0 as a number.
            raise ValueError(f'must be a string: write "{value}" in quotes')
        if not isinstance(value, str):
            raise mismatch(f"one of the strings {', '.join(choices)}", value)
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return value

    return parse


def names(value: object) -> frozenset[str]:
    return frozenset(strings(value))


def methods(value: object) -> frozenset[str]:
    """Parse HTTP methods into upper case: ``["get"]`` becomes ``{"GET"}``."""
    found = strings(value)
    if not all(map(is_token, found)):
        raise ValueError("contains an invalid HTTP method")
    upper = frozenset(method.upper() for method in found)
    if not upper.isdisjoint(_WILDCARDS):
        raise ValueError("must be left out to match every method")
    return upper


def _cause(error: Exception, module: str) -> str:
    """Return why an import failed, without the texts that foreign code has written."""
    if isinstance(error, ModuleNotFoundError) and error.name is not None:
        if module == error.name or module.startswith(f"{error.name}."):
            return f"there is no module {error.name!r}"
        return f"the module needs {error.name!r}, which is not installed"
    if isinstance(error, SyntaxError):
        return f"{error.msg} ({error.filename}, line {error.lineno})"
    frames = traceback.extract_tb(error.__traceback__)
    if isinstance(error, AttributeError) and frames[-1].filename == __file__:
        return "the module has no such attribute"
    return f"{type(error).__name__} ({frames[-1].filename}, line {frames[-1].lineno})"


def function(value: object) -> Callable[..., Any]:
    """Parse a callable, or import the one that ``"package.module:name"`` names."""
    if not callable(value) and not isinstance(value, str):
        raise mismatch("callable, or a string such as package.module:name", value)
    found = value if callable(value) else imported(value)
    if not callable(found):
        raise ValueError("is not callable")
    return cast("Callable[..., Any]", found)


def imported(value: object) -> object:
    """Import the object that ``"package.module:name"`` names."""
    module, colon, name = string(value).partition(":")
    if module.startswith("."):
        raise ValueError("cannot be imported: a relative name is not allowed")
    if not colon or not name or not module:
        raise ValueError("must be callable, or a string such as package.module:name")
    try:
        found: object = attrgetter(name)(import_module(module))
    except Exception as error:
        raise ValueError(f"cannot be imported: {_cause(error, module)}") from error
    return found
