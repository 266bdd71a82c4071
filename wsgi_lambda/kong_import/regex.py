"""Translate Kong's regular expressions of paths into paths here.

``/pets/(?<id>[^/]+)$`` becomes the template ``/pets/{id}``. Kong anchors an
expression at its beginning, not at its end.
https://developer.konghq.com/gateway/entities/route/#regex-path
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from itertools import chain, product, zip_longest
from math import prod
from urllib.parse import unquote

from wsgi_lambda.kong_import.regex_parts import PARENTHESES, Part, Untranslatable, read_parts

LONGER = (
    "in Kong a path also matches longer segments ('/pay' matches '/payments'); here it matches "
    "whole segments"
)
WITHOUT_SLASH = "in Kong the path does not match without the slash at its end; here it does"
WITH_SLASH = "in Kong the path does not match with a slash at its end; here it does"

#: The name of the parameter for everything after an expression without $.
_REST = "rest"

#: Alternatives without a capture, such as ``(v1|v2)`` or ``(?:v1|v2)``.
_ALTERNATIVES = re.compile(r"\((?:\?:)?(?P<all>[\w~-]+(?:\|[\w~-]+)+)\)(?![*+?{])")
_MOST_ALTERNATIVES = 32
#: The ends of an expression after which a segment has ended, or the path.
_SEGMENT_ENDS = ("(/|$)", "(?:/|$)", "(?=/|$)", "($|/)", "(?:$|/)")
#: The ends of an expression that match everything.
_ANYTHING_ENDS = (".*", ".*?", "(.*)", "(?:.*)")


@dataclass(frozen=True, slots=True)
class Translation:
    """A path here, whether it is exact, and its differences from the expression.

    ``strips_other`` is true if the part that `strip_path` removes is not the part
    that the expression matches.
    """

    path: str
    exact: bool
    differences: tuple[str, ...] = ()
    strips_other: bool = False


class _End(Enum):
    """What may follow the last part of an expression."""

    NOTHING = "$"
    SLASH = "/?$"
    SEGMENT = "(/|$)"
    ANYTHING = ""


def translate(pattern: str) -> list[Translation]:
    """Return the paths that match the same requests as ``pattern``, apart from the differences.

    Raises `Untranslatable`. An expression without $ that has a parameter becomes
    two paths: ``/pets/{id}`` and ``/pets/{id}/{rest+}``.
    """
    _check(pattern)
    pattern = pattern.removeprefix("^")
    each = list(_alternatives(pattern))
    if len(each) > 1:
        return [found for alternative in each for found in translate(alternative)]
    optional = _optional_end(pattern)
    if optional is not None:
        before, inside, anchor = optional
        return translate(before + anchor) + translate(before + inside + anchor)
    body, end = _without_end(pattern)
    strips_other = end is not _End.NOTHING and bool(_anything_end(pattern.removesuffix("$")))
    parts = list(read_parts(body))
    if not parts or parts[0].literal != "/":
        raise Untranslatable("it does not begin with a slash")
    found = [part.difference for part in parts if part.difference]
    if len(parts) > 1:
        found.append(_difference_at_the_end(parts[-1], end))
    differences = tuple(dict.fromkeys(filter(None, found)))
    found_paths = _paths(_segments(parts), differences, end)
    return [replace(each, strips_other=each.strips_other or strips_other) for each in found_paths]


def _check(pattern: str) -> None:
    """Reject an expression that is invalid, or ambiguous in Python (``[[:alpha:]]``)."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            re.compile(re.sub(r"\(\?<(?![=!])", "(?P<", pattern))
        except (re.error, Warning) as error:
            raise Untranslatable("it is invalid, or written in an unknown way") from error


def _alternatives(pattern: str) -> Iterator[str]:
    """Yield an expression for each of the alternatives in ``pattern``: ``/a`` and ``/b``.

    It is not expanded if there are too many.
    """
    groups = [found["all"].split("|") for found in _ALTERNATIVES.finditer(pattern)]
    if prod(map(len, groups)) > _MOST_ALTERNATIVES:
        groups = []
    between = _ALTERNATIVES.split(pattern)[::2] if groups else [pattern]
    for choice in product(*groups):
        yield "".join(chain.from_iterable(zip_longest(between, choice, fillvalue="")))


def _difference_at_the_end(last: Part, end: _End) -> str:
    if last.literal == "/":
        return WITHOUT_SLASH
    if end is _End.NOTHING and not last.is_rest:
        return WITH_SLASH
    return LONGER if end is _End.ANYTHING and not last.is_parameter else ""


def _optional_end(pattern: str) -> tuple[str, str, str] | None:
    r"""Split off an optional group at the end: ``/a(/\d+)?$`` is ("/a", "/\d+", "$")."""
    end = "$" if pattern.endswith("$") and not pattern.endswith(r"\$") else ""
    before = pattern.removesuffix(end)
    if not before.endswith(")?"):
        return None
    opened: list[int] = []
    for found in PARENTHESES.finditer(before[:-1]):
        if found[0] == "(":
            opened.append(found.start())
        elif found[0] == ")":
            start = opened.pop()
            if found.end() == len(before) - 1:
                inside = before[start:-1]
                # The parts of a group without a capture need no parentheses.
                inside = inside.removeprefix("(?:")[:-1] if inside.startswith("(?:") else inside
                inside = inside[1:-1] if inside.startswith("(/") else inside
                return before[:start], inside, end
    return None


def _anything_end(body: str) -> str:
    """Return the end of ``body`` that matches everything, such as ``(.*)``, or ""."""
    end = next((each for each in _ANYTHING_ENDS if body.endswith(each)), "")
    return "" if body.endswith("\\" + end) else end


def _without_end(body: str) -> tuple[str, _End]:
    """Split off the end of an expression: ``/pets/?$`` is ("/pets", `_End.SLASH`)."""
    end = _End.ANYTHING
    if body.endswith("$") and not body.endswith(r"\$"):
        body, end = body.removesuffix("$"), _End.NOTHING
    anything = _anything_end(body)
    if anything:
        body, end = body.removesuffix(anything), _End.ANYTHING
    for each in _SEGMENT_ENDS:
        if end is _End.ANYTHING and body.endswith(each):
            return body.removesuffix(each), _End.SEGMENT
    if body.endswith(("/?", "/*")):
        return body[:-2], _End.SLASH if end is _End.NOTHING else end
    return body, end


def _segments(parts: list[Part]) -> list[str]:
    """Return the segments here: ``["pets", "{id}"]``; an empty last one for a slash at the end."""
    segments: list[str] = [""]
    names = [part.name for part in parts if part.name]
    for number, part in enumerate(parts[1:], start=1):
        if part.literal == "/":
            segments[-1] = unquote(segments[-1])
            segments.append("")
        elif not part.is_parameter:
            segments[-1] += part.literal
        else:
            following = parts[number + 1].literal if number + 1 < len(parts) else "/"
            if segments[-1] or following != "/":
                raise Untranslatable("a parameter must fill a whole segment")
            if part.is_rest and number + 1 < len(parts):
                raise Untranslatable("a part that matches several segments must be the last one")
            name = part.name or _free_name(names)
            segments[-1] = f"{{{name}{'+' if part.is_rest else ''}}}"
    return [*segments[:-1], unquote(segments[-1])]


def _free_name(names: list[str]) -> str:
    """Return a name for a parameter without one, and add it to ``names``."""
    number = 1
    while f"param{number}" in names:
        number += 1
    names.append(f"param{number}")
    return names[-1]


def _paths(segments: list[str], differences: tuple[str, ...], end: _End) -> Iterator[Translation]:
    path = "/" + "/".join(segments).rstrip("/")
    is_whole = end in (_End.NOTHING, _End.SLASH) or path.endswith("+}")
    is_template = "{" in path
    yield Translation(path, exact=is_whole or is_template, differences=differences)
    if is_template and not is_whole:
        below = f"{path}/{{{_REST}+}}"
        yield Translation(below, exact=True, differences=differences, strips_other=True)
