"""A response, and how it reaches start_response."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus

from wsgi_lambda.errors import LambdaError
from wsgi_lambda.header_syntax import Headers
from wsgi_lambda.response.headers import without

# RFC 9110: no body follows these, whatever their headers say.
_BODILESS = frozenset((204, 304))


@dataclass(frozen=True, slots=True)
class Response:
    """What goes to the client."""

    status: int
    headers: Headers
    body: bytes


def failure(error: LambdaError) -> Response:
    """Return the JSON answer for ``error``, whose ``request_id`` must be set."""
    body = json.dumps({"message": error.message, "request_id": error.request_id}).encode()
    headers = [("Content-Type", "application/json")]
    if error.retry_after:
        headers.append(("Retry-After", error.retry_after))
    return Response(error.status, headers, body)


def finish(answer: Response, method: str) -> tuple[str, Headers, bytes]:
    """Return status line, headers and body as start_response and the server want them."""
    status_line = f"{answer.status} {_phrase(answer.status)}"
    if answer.status in _BODILESS:
        return status_line, without(answer.headers, [("Content-Type", "")]), b""
    headers = answer.headers
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers = [*headers, ("Content-Type", "application/json")]
    if method == "HEAD":
        return status_line, headers, b""
    return status_line, [*headers, ("Content-Length", str(len(answer.body)))], answer.body


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
