"""Step 2: a request to the bytes of an event."""

from __future__ import annotations

import json

from wsgi_lambda.errors import PayloadTooLarge
from wsgi_lambda.event import arguments, kong
from wsgi_lambda.options import EventOptions
from wsgi_lambda.request import Request


def build_event(request: Request, options: EventOptions) -> bytes:
    """Return the event for ``request`` as UTF-8 JSON.

    Raises `RequestError` (400, 411, 413), of which `PayloadTooLarge` when the
    encoded event is larger than `max_payload_size`.
    """
    build = kong.build if kong.is_wanted(options) else arguments.build
    try:
        payload = _encode(build(request, options))
    except RecursionError:  # pragma: no cover - where the limits lie depends on the Python
        # The body's nesting is what the parser just bears and the encoder,
        # one level deeper, does not: then it counts as not to be parsed.
        payload = _encode(build(request, options, parse=False))
    if len(payload) > options.max_payload_size:
        raise PayloadTooLarge(
            detail=f"an event of {len(payload)} bytes, limit {options.max_payload_size}"
        )
    return payload


def _encode(event: object) -> bytes:
    # ASCII escapes would double the size of a body in most of the world's
    # languages; only half a surrogate pair, legal in JSON, needs them.
    try:
        return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(event, separators=(",", ":")).encode()
