"""The default event: the arguments of the query, replaced key by key by those of the body."""

from __future__ import annotations

import logging
from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wsgi_lambda.event.json_encoding import Encoded

from wsgi_lambda import strict_json
from wsgi_lambda.errors import PayloadTooLarge, RequestError, TooManyArguments
from wsgi_lambda.event import percent
from wsgi_lambda.event.body import PART_HEADERS
from wsgi_lambda.event.resource import path_parameters
from wsgi_lambda.options import EventOptions, Route
from wsgi_lambda.printable import printable
from wsgi_lambda.request import Request

log = logging.getLogger("wsgi_lambda")

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"

# The longest notations for one byte of an event: "A" is \u0041 in JSON, %41 in a form.
# A body of more than that many times the limit of the event cannot fit into it.
JSON_ESCAPE = 6  # bytes
FORM_ESCAPE = 3  # bytes

_BLOCK = 1024 * 1024  # bytes
# bytes.translate has a constant speed; bytes.replace is seven times as slow for nothing but `+`.
_PLUS_TO_SPACE = bytes.maketrans(b"+", b" ")


def build(request: Request, route: Route) -> Any:
    """Return the arguments of query and body, and the path parameters of a template.

    A body replaces arguments of the query, path parameters replace both. A JSON
    array without either is the event itself; with them it is a `RequestError`. A
    body without arguments (another type, invalid JSON, a JSON scalar) is read,
    logged and left out, as Kong does, or rejected with `reject_unparsed_body`. Example:
    ``{"key1": "value1", "tag": ["a", "b"], "flag": True}``.
    """
    options = route.event
    query = parse_arguments(request.query, options)
    parameters = path_parameters(request, route)
    if not has_arguments(request.media_type):
        length = request.body.skip(body_limit(request, options))
        if length and options.reject_unparsed_body:
            raise RequestError("The request's body has an unsupported type", status=415)
        _log_ignored(request, length, "its type contains no arguments")
        return {**query, **parameters}
    body = _read_body(request, route)
    value = parse_body(request, body, options)
    if isinstance(value, dict):
        return {**query, **value, **parameters}
    if value is not None:
        if query or parameters:
            raise RequestError("A JSON array cannot be joined with other arguments")
        return value
    _leave_out(request, body, route)
    return {**query, **parameters}


def build_without_body(request: Request, route: Route) -> Any:
    """Return the same event without the body, after logging that it is left out."""
    _leave_out(request, _read_body(request, route), route)
    query = parse_arguments(request.query, route.event)
    return {**query, **path_parameters(request, route)}


def _read_body(request: Request, route: Route) -> bytes:
    body = request.body.read(body_limit(request, route.event))
    if is_json(request.media_type):
        _check_size(body, route.event.max_payload_size)
    return body


def body_limit(request: Request, options: EventOptions) -> int:
    """Return the most bytes of a body of this type that an event can need."""
    limit = options.max_payload_size
    if request.media_type == FORM:
        return limit * FORM_ESCAPE
    if request.media_type == MULTIPART:
        return limit + PART_HEADERS * options.max_arguments
    return limit * JSON_ESCAPE if is_json(request.media_type) else limit


def most_permissive(options: Iterable[EventOptions]) -> EventOptions:
    """Return options whose `body_limit` is that of the largest of ``options``."""
    given = [EventOptions(max_payload_size=1), *options]
    return EventOptions(
        max_payload_size=max(each.max_payload_size or 1 for each in given),
        max_arguments=max(each.max_arguments for each in given),
    )


def _check_size(body: bytes, limit: int) -> None:
    """Reject JSON that cannot fit into the event before parsing it, to many times its size.

    Only white space and `\\u` escapes (and the NULs of UTF-16) can be written shorter.
    """
    if len(body) > limit:
        blanks = sum(_count(body, blank) for blank in (b" ", b"\t", b"\r", b"\n", b"\0"))
        shortest = len(body) - blanks - (JSON_ESCAPE - 1) * _count(body, b"\\u")
        if shortest > limit:
            raise PayloadTooLarge(detail=f"JSON of {len(body)} bytes, limit {limit} bytes")


def _count(body: bytes, part: bytes) -> int:
    """Count ``part`` in blocks, so that other threads can run in between."""
    starts = range(0, len(body), _BLOCK)
    return sum(body.count(part, start, start + _BLOCK + len(part) - 1) for start in starts)


def _log_ignored(request: Request, length: int, why: str) -> None:
    if length:
        log.warning(
            "%s %r: a body of %d bytes, type %r, is not in the event: %s",
            printable(request.method),
            request.environ.get("PATH_INFO", ""),
            length,
            request.media_type,
            why,
        )


def _leave_out(request: Request, body: bytes, route: Route) -> None:
    """Log a body that cannot be parsed; raise `RequestError` with `reject_unparsed_body`."""
    if body and route.event.reject_unparsed_body:
        raise RequestError("The request's body cannot be parsed")
    _log_ignored(request, len(body), "malformed, beyond the parser's limits, or a scalar")


def is_json(media_type: str) -> bool:
    """Whether it is `application/json` or a type like `application/ld+json` (RFC 6839)."""
    if media_type == "application/json":
        return True
    kind, _, subtype = media_type.partition("/")
    return kind == "application" and subtype.endswith("+json") and len(subtype) > len("+json")


def has_arguments(media_type: str) -> bool:
    """Whether a body of this type may contain arguments."""
    return media_type in (FORM, MULTIPART) or is_json(media_type)


def parse_body(
    request: Request, body: bytes, options: EventOptions
) -> dict[str, Any] | list[Any] | Encoded | None:
    """Return the arguments in ``body``, parsed by the request's type, or None without any.

    Raises `TooManyArguments` for a form with more than `max_arguments` of them.
    """
    if not body:
        return None
    if request.media_type == FORM:
        return parse_arguments(body, options)
    if request.media_type == MULTIPART:
        from wsgi_lambda.event import multipart

        pairs = multipart.parse(request.content_type, body, options.max_arguments)
        return None if pairs is None else _collect(pairs)
    if is_json(request.media_type):
        return _parse_json(body)
    return None


def parse_arguments(encoded: bytes, options: EventOptions) -> dict[str, Any]:
    """Return the arguments of a query or form: `a=1&a=2&flag` is `{"a": ["1", "2"], "flag": true}`.

    Percent-escapes and `+` are decoded as UTF-8; invalid bytes become U+FFFD.
    Raises what `split_arguments` raises.
    """
    if not encoded:
        return {}
    pairs = split_arguments(encoded, options)
    return _collect([(name, True if value is None else value) for name, value in pairs])


def split_arguments(encoded: bytes, options: EventOptions) -> Iterator[tuple[str, str | None]]:
    """Yield the names and values of a query or form, decoded; without `=` the value is None.

    Raises `TooManyArguments` for more than `max_arguments`, and `PayloadTooLarge`
    as soon as they are longer than `max_payload_size`.
    """
    if encoded.count(b"&") >= options.max_arguments:
        raise TooManyArguments(options.max_arguments)
    decoder = _Decoder(options.max_payload_size)
    for part in encoded.split(b"&"):
        if part:
            name, equals, value = part.partition(b"=")
            yield decoder.text(name), decoder.text(value) if equals else None


class _Decoder:
    """Decodes names and values, up to a number of bytes for all of them."""

    def __init__(self, limit: int) -> None:
        self._limit = self._left = limit

    def text(self, quoted: bytes) -> str:
        quoted = quoted.translate(_PLUS_TO_SPACE)
        if len(quoted) <= _BLOCK and b"%" not in quoted:
            return quoted.decode(errors="replace")
        blocks = []
        for block in percent.unquote(quoted):
            self._left -= len(block)
            if self._left < 0:
                raise PayloadTooLarge(detail=f"arguments over the limit of {self._limit} bytes")
            blocks.append(block)
        return _decode(blocks)


def _decode(blocks: list[bytes]) -> str:
    """Decode UTF-8 block by block, so that other threads can run; invalid bytes become U+FFFD."""
    if len(blocks) == 1:
        return blocks[0].decode(errors="replace")
    decoder = getincrementaldecoder("utf-8")("replace")
    return "".join([*map(decoder.decode, blocks), decoder.decode(b"", final=True)])


def _collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the value of each name, or a list of its values in their order."""
    found: dict[str, list[Any]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def _parse_json(body: bytes) -> dict[str, Any] | list[Any] | Encoded | None:
    """Return an object or array; None for a scalar, invalid JSON and JSON beyond the parser."""
    try:
        if len(body) > strict_json.LARGE:
            from wsgi_lambda.event import json_encoding

            value = json_encoding.reencode(strict_json.text_of(body))
            return value if isinstance(value, (dict, list, json_encoding.Encoded)) else None
        value = strict_json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, (dict, list)) else None
