"""API Gateway's event of payload 2.0, as HTTP APIs and Lambda's function URLs send it.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads
"""

from __future__ import annotations

import time
from typing import Any

from wsgi_lambda.event.apigateway import (
    context_of,
    headers_of,
    log_time,
    path_of,
    principal,
    query_values,
    raw_query,
    source_ip,
)
from wsgi_lambda.event.body import as_text
from wsgi_lambda.event.resource import path_parameters, route_key
from wsgi_lambda.options import Route
from wsgi_lambda.request import Request

#: Types of `application` that are text.
_TEXT = frozenset(("json", "xml", "javascript", "x-javascript", "ecmascript"))


def build(request: Request, route: Route) -> dict[str, Any]:
    """Return the event; absent parts are left out.

    `rawPath` is percent-encoded, as function URLs send it: HTTP APIs send it
    decoded, and the adapters of web frameworks then decode it twice.
    """
    path = path_of(request, route)
    headers = headers_of(request)
    cookies = [part.strip() for part in headers.pop("cookie", "").split(";") if part.strip()]
    arguments = query_values(request, route.event)
    query = {name: ",".join(values) for name, values in arguments.items()}
    body, is_encoded = _body(request, route)
    event = {
        "version": "2.0",
        "routeKey": route_key(request, route),
        "rawPath": path.encoded,
        "rawQueryString": raw_query(request),
        "cookies": cookies or None,
        "headers": headers,
        "queryStringParameters": query or None,
        "pathParameters": path_parameters(request, route) or None,
        "requestContext": _context(request, route, path.decoded),
        "body": body,
        "isBase64Encoded": is_encoded,
    }
    return {name: value for name, value in event.items() if value is not None}


def _context(request: Request, route: Route, path: str) -> dict[str, Any]:
    now = time.time()
    context = {
        **context_of(request),
        "http": {
            "method": request.method,
            "path": path,
            "protocol": request.environ["SERVER_PROTOCOL"],
            "sourceIp": source_ip(request),
            "userAgent": request.headers.get("user-agent", ""),
        },
        "routeKey": route_key(request, route),
        "time": log_time(now),
        "timeEpoch": int(now * 1000),  # ms
    }
    authorizer = principal(request)
    return {**context, "authorizer": authorizer} if authorizer else context


def _body(request: Request, route: Route) -> tuple[str | None, bool]:
    # Text and base64 are both at least as long as the bytes.
    body = request.body.read(route.event.max_payload_size)
    if not body:
        return None, False
    is_text = _is_text(request.media_type) and not request.headers.get("content-encoding")
    return as_text(body, is_text=is_text or not route.event.base64_encode_body)


def _is_text(media_type: str) -> bool:
    kind, _, subtype = media_type.partition("/")
    if not kind or not subtype:
        return False
    suffix = subtype.rpartition("+")[2]
    return (
        kind == "text"
        or (kind == "application" and subtype in _TEXT)
        or (suffix in ("json", "xml") and len(subtype) > len(suffix) + 1)
    )
