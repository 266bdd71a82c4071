"""One option's text to its value, or a ValueError that says what is wanted.

No message repeats a text value: a secret may stand in the wrong place.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from operator import attrgetter
from typing import Any, cast

from wsgi_lambda.header_syntax import is_token, is_visible


def fits(pattern: str, value: str) -> bool:
    """Tell whether ASCII ``pattern`` fits; it is compiled when first asked for, as few apps do."""
    return re.fullmatch(pattern, value, re.ASCII) is not None


def is_path(value: object) -> bool:
    """Tell whether a route's path can be met in a PATH_INFO."""
    if not isinstance(value, str) or not re.match(r"/(?!/)", value) or "\0" in value:
        return False
    # Half a surrogate pair has no bytes.
    return value == value.encode(errors="replace").decode()


def text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"must be a text that is not empty, not {type_in_words(value)}")
    return value


def secret(value: object) -> str:
    if not is_visible(text(value)):
        raise ValueError("holds a blank, a control or a non-ASCII character")
    return text(value)


def boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, not {type_in_words(value)}")
    return value


def integer(least: int, most: int | None = None) -> Callable[[object], int]:
    """Return a parser of whole numbers from ``least`` to ``most``."""
    wanted = f"a whole number from {least} to {most}" if most else f"a whole number from {least} on"

    def parse(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(f"must be {wanted}, not {type_in_words(value)}")
        if value < least or (most is not None and value > most):
            raise ValueError(f"must be {wanted}")
        return value

    return parse


def milliseconds(value: object) -> float:
    """Milliseconds outside, as in Kong; seconds inside."""
    # Kong's own limit, and about what a socket's timeout can hold.
    return integer(1, 2_147_483_646)(value) / 1000


def one_of(*choices: str) -> Callable[[object], str]:
    """Return a parser that takes one of ``choices`` as it is written."""

    def parse(value: object) -> str:
        if not isinstance(value, str) and str(value) in choices:
            raise ValueError(f'must be a text: write "{value}" in quotes')
        if not isinstance(value, str):
            raise ValueError(
                f"must be one of the texts {', '.join(choices)}, not {type_in_words(value)}"
            )
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return value

    return parse


def names(value: object) -> frozenset[str]:
    return frozenset(texts(value))


def methods(value: object) -> frozenset[str]:
    found = texts(value)
    if not all(map(is_token, found)):
        raise ValueError("holds a text that is no HTTP method")
    return frozenset(method.upper() for method in found)


def function(value: object) -> Callable[..., Any]:
    """A callable, or where to import it from: `package.module:name`."""
    if callable(value):
        return value
    module, colon, name = text(value).partition(":")
    if not colon or not name or not module:
        raise ValueError("must be callable, or a text such as package.module:name")
    try:
        found = attrgetter(name)(import_module(module))
    except (ImportError, AttributeError, TypeError) as error:
        raise ValueError(f"could not be imported ({type(error).__name__})") from error
    if not callable(found):
        raise ValueError("is not callable")
    return cast("Callable[..., Any]", found)


def texts(value: object) -> list[str]:
    if isinstance(value, str) or not isinstance(value, (list, tuple, set, frozenset)) or not value:
        raise ValueError(f"must be a list of texts that is not empty, not {type_in_words(value)}")
    return [text(item) for item in value]


def type_in_words(value: object) -> str:
    """Say what ``value`` is without saying what it holds."""
    if value in ("", [], (), set()):
        return "an empty one"
    return {str: "a text", bool: "a boolean", int: "a number", float: "a fraction"}.get(
        type(value), type(value).__name__
    )
