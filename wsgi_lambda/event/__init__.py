"""A request becomes an event.

Takes a `Request`, returns the JSON of its event in UTF-8, in the format that
the options of its route choose. Never sends anything.
"""

from __future__ import annotations

import json
from importlib import import_module

from wsgi_lambda import strict_json
from wsgi_lambda.errors import PayloadTooLarge
from wsgi_lambda.event.arguments import body_limit as body_limit
from wsgi_lambda.event.arguments import most_permissive as most_permissive
from wsgi_lambda.options import EventOptions, Route
from wsgi_lambda.request import Request

# Infinity is not JSON; Python would write it for a number beyond a float, as in 1e400.
# An event contains no cycle: it is parsed, or built here.
_AS_UTF_8 = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), allow_nan=False, check_circular=False
)


def format_of(options: EventOptions) -> str:
    """Return the event format that ``options`` choose: the name of a module of this folder."""
    if options.awsgateway_compatible:
        is_v2 = options.awsgateway_compatible_payload_version == "2.0"
        return "apigateway_v2" if is_v2 else "apigateway_v1"
    is_forwarded = (
        options.forward_request_method
        or options.forward_request_uri
        or options.forward_request_headers
        or options.forward_request_body
    )
    return "forwarded" if is_forwarded else "arguments"


class EventBuilder:
    """Builds the events of one route, in the format that its options choose.

    ::

        EventBuilder(route).build(request)  # b'{"key1":"value1"}'
    """

    def __init__(self, route: Route) -> None:
        self._route = route
        # A process imports only the formats of its routes.
        module = import_module(f"{__name__}.{format_of(route.event)}")
        self._build = module.build
        #: A format that parses the body builds the same event with the body taken as unparsable.
        self._build_without_body = getattr(module, "build_without_body", None)
        self._limit = route.event.max_payload_size

    def build(self, request: Request) -> bytes:
        """Return the event for ``request`` as UTF-8 JSON.

        Raises `RequestError` (400, 411, 413): among them `PayloadTooLarge` if
        the encoded event exceeds `max_payload_size`.
        """
        payload = self._encoded(request)
        if len(payload) > self._limit:
            raise PayloadTooLarge(
                detail=f"an event of {len(payload)} bytes, limit {self._limit} bytes"
            )
        return payload

    def _encoded(self, request: Request) -> bytes:
        if self._build_without_body is None:
            return _encode(self._build(request, self._route), request.body.length)
        try:
            return _encode(self._build(request, self._route), request.body.length)
        except (RecursionError, ValueError):
            # The body is nested as deeply as the parser allows, one level more
            # than the encoder does; or it has a number beyond a float.
            return _encode(self._build_without_body(request, self._route), request.body.length)


def _encode(event: object, length: int) -> bytes:
    """Return the JSON of the event for a body of ``length`` bytes.

    ASCII escapes would double the size of a body in most of the world's languages;
    only a lone surrogate, which JSON allows, needs one: ``\\ud800``.
    """
    if length > strict_json.LARGE:
        from wsgi_lambda.event import json_encoding

        pieces = json_encoding.encode(event)
        return b"".join(piece.encode(errors="backslashreplace") for piece in pieces)
    return _AS_UTF_8.encode(event).encode(errors="backslashreplace")
