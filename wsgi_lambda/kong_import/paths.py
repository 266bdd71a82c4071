"""Turn the paths of a Kong route into paths here, each with its differences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

from wsgi_lambda.kong_import.document import Entity
from wsgi_lambda.kong_import.regex import LONGER, WITHOUT_SLASH, Translation, translate
from wsgi_lambda.kong_import.regex_parts import Untranslatable
from wsgi_lambda.kong_import.variables import foreign_template, has_variable
from wsgi_lambda.options.paths import Path, parse_path

ENCODED_SLASH = "in Kong %2F is not a slash, here it is"

# Before format 3.0 a path with any other character was a regular expression.
_PLAIN_PATH = re.compile(r"[a-zA-Z0-9._/~%-]*")


@dataclass(frozen=True, slots=True)
class RoutePath:
    """One path of a Kong route here.

    ``number`` is its index in `paths` of the route. ``length`` is the length of a
    plain path in Kong, 0 for a regular expression: Kong tries longer ones first.
    """

    path: Path
    exact: bool
    number: int
    is_regex: bool
    length: int
    differences: tuple[str, ...] = ()
    strips_other: bool = False


def read_paths(route: Entity, version: str) -> tuple[list[RoutePath], dict[int, str]]:
    """Return the paths of ``route``, and why others cannot be imported, by their index.

    A route without paths matches every path.
    """
    written = as_list(route.fields.get("paths"))
    if not written:
        return [RoutePath(Path(()), exact=False, number=0, is_regex=False, length=0)], {}
    found: list[RoutePath] = []
    problems: dict[int, str] = {}
    for number, path in enumerate(written):
        try:
            found += _read_path(path, number, version)
        except ValueError as error:
            problems[number] = str(error)
    return list(_merged(found)), problems


def as_list(value: Any) -> list[Any]:
    """Return a field of Kong's as a list: it may be a list, null, or a single value by mistake."""
    return value if isinstance(value, list) else [] if value is None else [value]


def _read_path(written: object, number: int, version: str) -> Iterator[RoutePath]:
    if not isinstance(written, str):
        raise ValueError("not a string")
    if has_variable(written) or foreign_template(written):
        raise ValueError("the path contains a variable; write the route by hand")
    is_regex = written.startswith("~") or (version != "3.0" and not _PLAIN_PATH.fullmatch(written))
    try:
        translations = translate(written.removeprefix("~")) if is_regex else [_plain(written)]
    except Untranslatable as error:
        raise ValueError(
            f"the regular expression {written!r} cannot be written as a path ({error}); write "
            "plain paths or templates by hand"
        ) from error
    length = 0 if is_regex else len(written)
    encoded = (ENCODED_SLASH,) * ("%2f" in written.lower())
    for each in translations:
        # A path without / at its beginning cannot match, in Kong neither.
        path = parse_path(each.path)
        yield RoutePath(
            path,
            each.exact,
            number,
            is_regex,
            length,
            encoded + each.differences,
            strips_other=each.strips_other,
        )


def _plain(written: str) -> Translation:
    if "{" in written or "}" in written:
        raise ValueError("it contains a brace, which would be a parameter here")
    path = unquote(written).rstrip("/") or "/"
    if not written.strip("/"):
        return Translation(path, exact=False)
    difference = WITHOUT_SLASH if written.endswith("/") else LONGER
    return Translation(path, exact=False, differences=(difference,))


def _merged(paths: list[RoutePath]) -> Iterator[RoutePath]:
    """Yield ``paths`` without duplicates; ``/a$`` and ``/a/`` together are the prefix ``/a``.

    Kong's ingress controller writes such pairs.
    """
    exact = {path.path.shape for path in paths if path.exact and not path.path.is_template}
    prefixes = {path.path.shape for path in paths if not path.exact}
    seen = set()
    for path in paths:
        key = (path.path.shape, path.exact)
        both = path.path.shape in exact & prefixes
        if key in seen or (both and path.exact):
            continue
        seen.add(key)
        if both:
            left = tuple(each for each in path.differences if each != WITHOUT_SLASH)
            path = replace(path, differences=left)
        yield path
