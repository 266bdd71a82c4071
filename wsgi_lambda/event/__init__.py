"""Step 2: a request to the bytes of an event."""

from __future__ import annotations

import json

from wsgi_lambda.errors import PayloadTooLarge
from wsgi_lambda.event import apigateway_v1, apigateway_v2, arguments, forwarded
from wsgi_lambda.event.arguments import LONGEST_ESCAPE as LONGEST_ESCAPE
from wsgi_lambda.options import Route
from wsgi_lambda.request import Request

#: By payload version.
GATEWAYS = {"1.0": apigateway_v1.build, "2.0": apigateway_v2.build}


# Infinity is no JSON; a number that no float holds, as in 1e400, would leave as such.
_AS_UTF_8 = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
_AS_ASCII = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


def build_event(request: Request, route: Route) -> bytes:
    """Return the event for ``request`` as UTF-8 JSON.

    Raises `RequestError` (400, 411, 413), of which `PayloadTooLarge` when the
    encoded event is larger than `max_payload_size`.
    """
    payload = _build(request, route)
    if len(payload) > route.event.max_payload_size:
        raise PayloadTooLarge(
            detail=f"an event of {len(payload)} bytes, limit {route.event.max_payload_size}"
        )
    return payload


def _build(request: Request, route: Route) -> bytes:
    if route.event.awsgateway_compatible:
        return _encode(GATEWAYS[route.event.awsgateway_compatible_payload_version](request, route))
    build = forwarded.build if forwarded.is_wanted(route.event) else arguments.build
    try:
        return _encode(build(request, route))
    except (RecursionError, ValueError):
        # The body's nesting is what the parser just bears and the encoder, one
        # level deeper, does not; or it has a number beyond a float: then it
        # counts as not to be parsed.
        return _encode(build(request, route, parse=False))


def _encode(event: object) -> bytes:
    # ASCII escapes would double the size of a body in most of the world's
    # languages; only half a surrogate pair, legal in JSON, needs them.
    try:
        return _AS_UTF_8.encode(event).encode()
    except UnicodeEncodeError:
        return _AS_ASCII.encode(event).encode()
