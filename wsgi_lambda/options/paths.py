"""Parse the path of a route, in the notation of API Gateway.

=================  ============================================================
``/todos``         a prefix: the path itself and everything below it
``/todos/{id}``    a template: ``{id}`` is one non-empty segment
``/files/{p+}``    a template: ``{p+}``, always last, is a non-empty rest
=================  ============================================================

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

from wsgi_lambda.options.parsers import string, type_in_words

_NAME = r"[A-Za-z0-9_.-]+"
_PARAMETER = re.compile(rf"\{{({_NAME})(\+)?\}}")
# Converters of Flask and Django: <id>, <int:id>, <path:rest>.
_CONVERTER = r"<(?:(\w+)(?:\([^)]*\))?:)?(\w+)>"
_EXAMPLE = "a path such as '/todos/{id}'"
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")


class Segment(NamedTuple):
    """One segment of a path: a literal, ``{name}``, or ``{name+}`` (`is_rest`)."""

    #: The literal, or the name of the parameter.
    text: str
    is_parameter: bool = False
    is_rest: bool = False

    @property
    def shape(self) -> tuple[str, bool, bool]:
        """The segment without the name of its parameter: equal shapes match the same paths."""
        return "" if self.is_parameter else self.text, self.is_parameter, self.is_rest


class Path:
    """The path of a route. ``str()`` is the path as configured, without a trailing slash."""

    __slots__ = ("_text", "is_template", "prefix_length", "segments", "shape")

    def __init__(self, segments: tuple[Segment, ...]) -> None:
        self.segments = segments
        self._text = "/" + "/".join(_written(segment) for segment in segments)
        #: Whether the path has parameters; it then matches whole paths only.
        self.is_template = any(segment.is_parameter for segment in segments)
        #: The path without the names of its parameters.
        self.shape = tuple(segment.shape for segment in segments)
        #: The length of the path in PATH_INFO, in bytes; 0 for "/".
        self.prefix_length = len(self._text.encode()) if segments else 0

    def __str__(self) -> str:
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Path) and self.segments == other.segments

    def __hash__(self) -> int:
        return hash(self.segments)

    def parameters(self, path_info: str) -> dict[str, str]:
        """Return the values of the parameters in a PATH_INFO that the path matches.

        They are decoded as UTF-8, with U+FFFD for invalid bytes. One trailing
        slash of the request is not part of them. ``{"id": "7"}``.
        """
        found: dict[str, str] = {}
        if self.is_template:
            rest = path_info.lstrip("/").removesuffix("/")
            values = rest.split("/", len(self.segments) - 1)
            for segment, value in zip(self.segments, values, strict=True):
                if segment.is_parameter:
                    found[segment.text] = value.encode("latin-1").decode(errors="replace")
        return found


def parse_path(value: object) -> Path:
    """Return the path of a route; raise a ValueError that shows what to write instead.

    A trailing slash is ignored. A path that no request can match is rejected.
    """
    if not isinstance(value, str):
        raise ValueError(f"a path must be a string, not {type_in_words(value)}")
    _check_characters(value)
    rest = value[1:].rstrip("/")
    segments = tuple(_segment(part, value) for part in rest.split("/")) if rest else ()
    _check_parameters(segments)
    return Path(segments)


def parse_prefix(value: object) -> str:
    """Return a path without parameters and trailing slash: ``"/internal/v2"``, for `add_path`."""
    given = string(value)
    try:
        path = parse_path(given)
    except ValueError:
        # Its message shows the value, which may be a secret in the wrong place.
        path = None
    if path is None or path.is_template or given.endswith("/"):
        raise ValueError(
            "must be a path such as /internal/v2, without parameters, escapes or a trailing slash"
        )
    return given


def _check_characters(value: str) -> None:
    if re.match(r"~|/?\^", value) or "(?" in value:
        raise ValueError(f"a path is not a regular expression: write {_EXAMPLE}")
    if not re.match(r"/(?!/)", value):
        hint = _write("/" + value.lstrip("/"))
        raise ValueError(f"a path must begin with exactly one '/'{hint}")
    if "\0" in value:
        raise ValueError("a path must not contain NUL: it gets a 400 before it is routed")
    if value != value.encode(errors="replace").decode():
        raise ValueError("a path must not contain a lone surrogate, which no request can contain")
    for mark, part in (("?", "query"), ("#", "fragment")):
        if mark in value:
            hint = _write(value.partition(mark)[0])
            raise ValueError(f"a path does not contain the {part}{hint}")
    if _ESCAPE.search(value):
        hint = _write(unquote(value))
        raise ValueError(f"a path is compared decoded, without percent-escapes{hint}")


def _write(*paths: str) -> str:
    """Return a hint with the paths that are valid, or with an example if none is."""
    valid = []
    for path in paths:
        try:
            parse_path(path)
        except ValueError:
            continue
        valid.append(repr(path))
    return f": write {' or '.join(valid) or _EXAMPLE}"


def _segment(text: str, path: str) -> Segment:
    parameter = _PARAMETER.fullmatch(text)
    if parameter:
        return Segment(parameter[1], is_parameter=True, is_rest=parameter[2] is not None)
    if "<" in text or ">" in text:
        instead = re.sub(_CONVERTER, _as_parameter, path)
        hint = _write(instead) if instead != path else _write()
        raise ValueError(f"a parameter is written as in API Gateway{hint}")
    if "*" in text:
        above, _, below = path.partition(f"/{text}")
        if text.strip("*") or below.strip("/"):
            # A wildcard inside a segment, or in the middle, is one segment at most.
            raise ValueError(f"a path has no wildcard{_write(f'{above}/{{name}}{below}')}")
        prefix = above or "/"
        raise ValueError(
            f"a path has no wildcard: write {prefix!r} for everything below it"
            f"{_write(above + '/{path+}').replace(': write', ', or')}"
        )
    if "{" in text or "}" in text:
        raise ValueError(
            "a parameter fills a whole segment, as in '/todos/{id}' or '/files/{path+}'; its name "
            "consists of letters, digits, '_', '-' and '.'"
        )
    return Segment(text)


def _as_parameter(found: re.Match[str]) -> str:
    return f"{{{found[2]}+}}" if found[1] == "path" else f"{{{found[2]}}}"


def _check_parameters(segments: tuple[Segment, ...]) -> None:
    names = [segment.text for segment in segments if segment.is_parameter]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"a path has two parameters with the name {twice!r}; rename one")
    for segment in segments[:-1]:
        if segment.is_rest:
            instead = f"{{{segment.text}}}"
            raise ValueError(
                f"'{{{segment.text}+}}' must be the last segment; write {instead!r} for one segment"
            )


def _written(segment: Segment) -> str:
    if not segment.is_parameter:
        return segment.text
    return f"{{{segment.text}+}}" if segment.is_rest else f"{{{segment.text}}}"
