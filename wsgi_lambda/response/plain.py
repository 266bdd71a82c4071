"""Plain responses: the function's bytes, its errors without stack traces, its log."""

from __future__ import annotations

import base64
import json
from typing import Any

from wsgi_lambda.errors import FunctionError
from wsgi_lambda.header_syntax import Headers
from wsgi_lambda.invoke.reply import Reply
from wsgi_lambda.options import ResponseOptions
from wsgi_lambda.response.headers import JSON_TYPE, without
from wsgi_lambda.response.wsgi import Response

# The largest error that is parsed; those of the runtimes have a few KiB.
_LARGEST = 512 * 1024  # bytes
# Arrays and objects of an error that is searched for stack traces, which takes a
# microsecond for each. Errors of the runtimes have a few dozen.
_MOST_CONTAINERS = 10_000
#: The longest name of an error; those of the runtimes have a few dozen characters.
LONGEST_ERROR_TYPE = 1024
# The names that the runtimes give to stack traces; Node uses `trace`.
_STACK_TRACES = frozenset(("stackTrace", "trace"))


def plain_body(body: bytes, headers: Headers, options: ResponseOptions) -> bytes:
    """Return the bytes of the function, as `empty_arrays_mode` wants them."""
    if options.empty_arrays_mode == "correct":
        return body
    media_type = next((value for name, value in headers if name.lower() == "content-type"), "")
    if "json" not in media_type.lower():
        return body
    from wsgi_lambda.response.empty_arrays import replace_empty_arrays

    return replace_empty_arrays(body)


def function_error(reply: Reply, headers: Headers, options: ResponseOptions) -> Response:
    """Return the error of a function without its stack trace.

    An error that cannot be parsed may contain a stack trace, so it is replaced.
    In proxy integration the `FunctionError` is raised.
    """
    error = function_failure(reply)
    if options.is_proxy_integration:
        raise error
    kind = error.kind
    body = reply.body if options.expose_stack_trace else _without_stack_traces(reply.body)
    if body is None:
        body = json.dumps({"errorMessage": "The function failed", "errorType": kind}).encode()
        headers = [*without(headers, [JSON_TYPE]), JSON_TYPE]
    status = reply.status
    if kind == "Unhandled" and options.unhandled_status is not None:
        status = options.unhandled_status
    response = Response.whole(status, headers, plain_body(body, headers, options))
    return response._replace(function_error=error)


def function_failure(reply: Reply) -> FunctionError:
    """Return the error of a function: 504 for Lambda's own "Task timed out"."""
    try:
        found = _parse(reply.body)
    except (ValueError, RecursionError):
        found = None
    fields = found if isinstance(found, dict) else {}
    return FunctionError(
        kind=reply.header("x-amz-function-error"),
        error_type=str(fields.get("errorType") or "")[:LONGEST_ERROR_TYPE],
        error_message=str(fields.get("errorMessage") or ""),
        body=reply.body,
        log=decode_log(reply.header("x-amz-log-result")),
        is_timeout=reply.outcome == "function_timeout",
        request_id=reply.request_id,
    )


def decode_log(log_result: str) -> str:
    """Return the end of the function's log as text; ``log_result`` is base64."""
    try:
        return base64.b64decode(log_result).decode(errors="replace")
    except ValueError:
        return repr(log_result)


def _without_stack_traces(body: bytes) -> bytes | None:
    """Return an error without its stack traces, or None if it cannot be parsed."""
    try:
        error = _parse(body, unique=True)
        public = _public(error)
        return body if public == error else json.dumps(public, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None


def _parse(body: bytes, *, unique: bool = False) -> Any:
    """Return the JSON of an error; raise ValueError if it is invalid or too large.

    With ``unique`` also if a name appears twice in an object: the parser drops the first,
    and a stack trace in it.
    """
    if len(body) > _LARGEST or body.count(b"[") + body.count(b"{") > _MOST_CONTAINERS:
        raise ValueError("too large")
    return json.loads(body, object_pairs_hook=_unique if unique else None)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name appears twice")
    return found


def _public(value: Any) -> Any:
    """Return ``value`` without stack traces at any depth: Java nests the causes of errors."""
    if isinstance(value, dict):
        return {key: _public(item) for key, item in value.items() if key not in _STACK_TRACES}
    if isinstance(value, list):
        return [_public(item) for item in value]
    return value
