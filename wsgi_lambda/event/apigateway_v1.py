"""API Gateway's event of payload 1.0, as REST APIs send it.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
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
    source_ip,
)
from wsgi_lambda.event.body import as_text
from wsgi_lambda.options import Route
from wsgi_lambda.request import Request


def build(request: Request, route: Route) -> dict[str, Any]:
    """Return the event; absent parts are null.

    `path` is percent-encoded, as REST APIs send it. A body is base64; without
    `base64_encode_body` it is text if it is valid UTF-8.
    """
    path = path_of(request, route).encoded
    headers = headers_of(request)
    query = query_values(request, route.event.max_arguments)
    body, is_encoded = _body(request, route)
    return {
        "version": "1.0",
        "resource": route.path,
        "path": path,
        "httpMethod": request.method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "requestContext": _context(request, route, path),
        "pathParameters": None,
        "stageVariables": None,
        "body": body,
        "isBase64Encoded": is_encoded,
    }


def _context(request: Request, route: Route, path: str) -> dict[str, Any]:
    now = time.time()
    common = context_of(request)
    return {
        **common,
        "authorizer": principal(request),
        "extendedRequestId": common["requestId"],
        "httpMethod": request.method,
        "identity": {
            "accessKey": None,
            "accountId": None,
            "apiKey": None,
            "apiKeyId": None,
            "caller": None,
            "clientCert": None,
            "cognitoAuthenticationProvider": None,
            "cognitoAuthenticationType": None,
            "cognitoIdentityId": None,
            "cognitoIdentityPoolId": None,
            "principalOrgId": None,
            "sourceIp": source_ip(request),
            "user": None,
            "userAgent": request.headers.get("user-agent", ""),
            "userArn": None,
        },
        "path": path,
        "protocol": request.environ["SERVER_PROTOCOL"],
        "requestTime": log_time(now),
        "requestTimeEpoch": int(now * 1000),  # ms
        "resourceId": None,
        "resourcePath": route.path,
    }


def _body(request: Request, route: Route) -> tuple[str | None, bool]:
    # Text and base64 are both at least as long as the bytes.
    body = request.body.read(route.event.max_payload_size)
    return as_text(body, is_text=not route.event.base64_encode_body) if body else (None, False)
