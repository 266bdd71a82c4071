"""The default event: query arguments, with the body's arguments laid over them."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_to_bytes

from wsgi_lambda import strict_json
from wsgi_lambda.errors import PayloadTooLarge, RequestError, TooManyArguments
from wsgi_lambda.options import Route
from wsgi_lambda.request import Request

log = logging.getLogger("wsgi_lambda")

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
_JSON = re.compile(r"application/(?:json|.+\+json)")

# The longest way to write a byte of an event: JSON's \u0041 for "A". A body
# of more than that many times the event's limit cannot fit into the event.
LONGEST_ESCAPE = 6


def build(request: Request, route: Route, *, parse: bool = True) -> Any:
    """Return the arguments of query and body; a JSON array alone is the event itself.

    A body that holds no arguments (another type, no JSON, a JSON scalar) is
    read, logged and left out, as Kong does. Raises `RequestError` for a JSON
    array beside a query.
    """
    query = parse_arguments(request.query, route.event.max_arguments)
    if not has_arguments(request.media_type):
        _log_ignored(request, request.skip_body(), "its type holds no arguments")
        return query
    body = request.read_body(route.event.max_payload_size * LONGEST_ESCAPE)
    if is_json(request.media_type):
        _check_size(body, route.event.max_payload_size)
    value = parse_body(request, body, route.event.max_arguments) if parse else None
    if isinstance(value, dict):
        return {**query, **value}
    if isinstance(value, list):
        if query:
            raise RequestError("A JSON array cannot be joined with query arguments")
        return value
    _log_ignored(request, len(body), "malformed, beyond the parser's limits, or a scalar")
    return query


def _check_size(body: bytes, limit: int) -> None:
    """Refuse JSON that cannot fit into the event before it is parsed, to many times its size.

    All that can be written shorter is blanks and escapes (and the NULs of UTF-16).
    """
    if len(body) > limit:
        blanks = sum(map(body.count, (b" ", b"\t", b"\r", b"\n", b"\0")))
        shortest = len(body) - blanks - (LONGEST_ESCAPE - 1) * body.count(b"\\")
        if shortest > limit:
            raise PayloadTooLarge(detail=f"JSON of {len(body)} bytes, limit {limit}")


def _log_ignored(request: Request, length: int, why: str) -> None:
    if length:
        log.warning(
            "%s %r: a body of %d bytes, type %r, is not in the event: %s",
            request.method,
            request.environ.get("PATH_INFO", ""),
            length,
            request.media_type,
            why,
        )


def is_json(media_type: str) -> bool:
    """Tell `application/json` and its relatives (RFC 6839), as in `application/ld+json`."""
    return _JSON.fullmatch(media_type) is not None


def has_arguments(media_type: str) -> bool:
    """Tell whether a body of this type may hold arguments."""
    return media_type in (FORM, MULTIPART) or is_json(media_type)


def parse_body(request: Request, body: bytes, most: int) -> dict[str, Any] | list[Any] | None:
    """Return the arguments in ``body`` by the request's type, None where there are none.

    Raises `PayloadTooLarge` for a form with more than ``most`` of them.
    """
    if not body:
        return None
    if request.media_type == FORM:
        return parse_arguments(body, most)
    if request.media_type == MULTIPART:
        from wsgi_lambda.event import multipart

        pairs = multipart.parse(request.content_type, body, most)
        return None if pairs is None else _collect(pairs)
    if is_json(request.media_type):
        return _parse_json(body)
    return None


def parse_arguments(encoded: bytes, most: int) -> dict[str, Any]:
    """Return the arguments of a query or form: `a=1&a=2&flag` is `{"a": ["1", "2"], "flag": true}`.

    Percent and `+` are decoded as UTF-8; what is none becomes U+FFFD. Raises
    `PayloadTooLarge` for more than ``most``.
    """
    pairs = split_arguments(encoded, most)
    return _collect([(name, True if value is None else value) for name, value in pairs])


def split_arguments(encoded: bytes, most: int) -> Iterator[tuple[str, str | None]]:
    """Yield the names and values of a query or form, decoded; without `=` the value is None.

    Raises `PayloadTooLarge` for more than ``most``.
    """
    if encoded.count(b"&") >= most:
        raise TooManyArguments(most)
    for part in encoded.split(b"&"):
        if part:
            name, equals, value = part.partition(b"=")
            yield _unquote(name), _unquote(value) if equals else None


def _unquote(quoted: bytes) -> str:
    return unquote_to_bytes(quoted.replace(b"+", b" ")).decode(errors="replace")


def _collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return one value by name, or the array of several in their order."""
    found: dict[str, list[Any]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def _parse_json(body: bytes) -> dict[str, Any] | list[Any] | None:
    """Return an object or array; None for a scalar and for what is beyond the parser."""
    try:
        value = strict_json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, (dict, list)) else None
