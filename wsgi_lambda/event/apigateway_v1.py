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
from wsgi_lambda.event.resource import resource_of, resource_path
from wsgi_lambda.options import Route
from wsgi_lambda.request import Request

#: The identity of a caller without IAM, Cognito or an API key.
_NO_IDENTITY: dict[str, None] = dict.fromkeys(
    (
        "accessKey",
        "accountId",
        "apiKey",
        "apiKeyId",
        "caller",
        "clientCert",
        "cognitoAuthenticationProvider",
        "cognitoAuthenticationType",
        "cognitoIdentityId",
        "cognitoIdentityPoolId",
        "principalOrgId",
        "user",
        "userArn",
    )
)


def build(request: Request, route: Route) -> dict[str, Any]:
    """Return the event; absent parts are null.

    `path` is percent-encoded, as REST APIs send it. A body is base64; without
    `base64_encode_body` it is text if it is valid UTF-8.
    """
    path = path_of(request, route).encoded
    resource, parameters = resource_of(request, route, path)
    headers = headers_of(request)
    query = query_values(request, route.event)
    body, is_encoded = _body(request, route)
    return {
        "version": "1.0",
        "resource": resource,
        "path": path,
        "httpMethod": request.method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "requestContext": _context(request, route, path),
        "pathParameters": parameters,
        "stageVariables": None,
        "body": body,
        "isBase64Encoded": is_encoded,
    }


def _context(request: Request, route: Route, path: str) -> dict[str, Any]:
    now = time.time()
    common = context_of(request)
    authorizer = principal(request)
    return {
        **common,
        # REST APIs without an authorizer send none; lambdarest fails at a null.
        **({"authorizer": authorizer} if authorizer else {}),
        "extendedRequestId": common["requestId"],
        "httpMethod": request.method,
        "identity": {
            **_NO_IDENTITY,
            "sourceIp": source_ip(request),
            "userAgent": request.headers.get("user-agent", ""),
        },
        "path": path,
        "protocol": request.environ["SERVER_PROTOCOL"],
        "requestTime": log_time(now),
        "requestTimeEpoch": int(now * 1000),  # ms
        "resourceId": None,
        "resourcePath": resource_path(request, route, path),
    }


def _body(request: Request, route: Route) -> tuple[str | None, bool]:
    # Text and base64 are both at least as long as the bytes.
    body = request.body.read(route.event.max_payload_size)
    return as_text(body, is_text=not route.event.base64_encode_body) if body else (None, False)
