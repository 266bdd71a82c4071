"""Kong's event of `forward_request_*`: only the keys of the options that are on."""

from __future__ import annotations

from typing import Any

from wsgi_lambda.event.arguments import FORM, MULTIPART, is_json, parse_arguments, parse_body
from wsgi_lambda.event.body import as_text
from wsgi_lambda.event.resource import path_parameters
from wsgi_lambda.options import Route
from wsgi_lambda.request import Request

#: Types whose body goes into `request_body` unchanged, as in Kong.
TEXT_TYPES = frozenset(
    (
        FORM,
        MULTIPART,
        "text/plain",
        "text/html",
        "application/xml",
        "text/xml",
        "application/soap+xml",
    )
)


def build(request: Request, route: Route) -> dict[str, Any]:
    """Return the parts of the request that the options name."""
    event = build_without_body(request, route)
    if route.event.forward_request_body:
        body = _read_body(request, route)
        event["request_body_args"] = parse_body(request, body, route.event) or {}
    return event


def build_without_body(request: Request, route: Route) -> dict[str, Any]:
    """Return the same event with the body unparsed: its arguments are empty."""
    options = route.event
    event: dict[str, Any] = {}
    if options.forward_request_method:
        event["request_method"] = request.method
    if options.forward_request_uri:
        event["request_uri"] = request.target
        event["request_uri_args"] = parse_arguments(request.query, options)
        parameters = path_parameters(request, route)
        if parameters:
            event["request_path_parameters"] = parameters
    if options.forward_request_headers:
        event["request_headers"] = request.headers
    if options.forward_request_body:
        event.update(_body(request, _read_body(request, route), options.base64_encode_body))
        event["request_body_args"] = {}
    else:
        request.body.skip(options.max_payload_size)
    return event


def _read_body(request: Request, route: Route) -> bytes:
    # Text and base64 are both at least as long as the bytes.
    return request.body.read(route.event.max_payload_size)


def _body(request: Request, body: bytes, encode: bool) -> dict[str, Any]:
    """Return the body as text if its type and its bytes allow it, else as base64 with its flag."""
    is_text = request.media_type in TEXT_TYPES or is_json(request.media_type)
    text, is_encoded = as_text(body, is_text=is_text or not encode or not body)
    return {"request_body": text, **({"request_body_base64": True} if is_encoded else {})}
