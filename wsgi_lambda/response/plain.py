"""Plain responses: the function's bytes, its errors without stack traces, its log."""

from __future__ import annotations

import base64
import json
import logging
import re
from typing import Any

from wsgi_lambda.errors import ResultError
from wsgi_lambda.header_syntax import Headers
from wsgi_lambda.invoke.reply import Reply
from wsgi_lambda.options import AnswerOptions
from wsgi_lambda.response.headers import end_to_end
from wsgi_lambda.response.wsgi import Response

log = logging.getLogger("wsgi_lambda")
tail_log = logging.getLogger("wsgi_lambda.tail")
# The server in front of the client dates its answers itself.
_DATE = frozenset(("date",))
_DATE_AND_LOG = _DATE | {"x-amz-log-result"}
_EMPTY_ARRAY = re.compile(rb'"(?:[^"\\]|\\.)*+"|\[[ \t\r\n]*\]', re.DOTALL)
# What the runtimes call a stack trace; Node says `trace`.
_STACK_TRACES = frozenset(("stackTrace", "trace"))


def lambda_headers(reply: Reply, options: AnswerOptions) -> Headers:
    return end_to_end(reply.headers, but=_DATE if options.expose_log_result else _DATE_AND_LOG)


def plain_body(body: bytes, headers: Headers, options: AnswerOptions) -> bytes:
    if options.empty_arrays_mode == "correct":
        return body
    kind = next((value for name, value in headers if name.lower() == "content-type"), "")
    if "json" not in kind.lower():
        return body
    # A text's own brackets stay: the pattern takes every text whole.
    return _EMPTY_ARRAY.sub(lambda found: b"{}" if found[0][:1] == b"[" else found[0], body)


def function_error(reply: Reply, options: AnswerOptions, function: str) -> Response:
    """Return the error of a function that failed, without its stack trace.

    In proxy integration it is a `ResultError`: 504 for Lambda's own "Task
    timed out", else 502.
    """
    kind, request_id = reply.header("x-amz-function-error"), request_id_of(reply)
    text = reply.body.decode(errors="replace")
    log.error("function %s: error (%s), request %s: %r", function, kind, request_id, text)
    if options.is_proxy_integration:
        raise ResultError(
            detail=f"function error {kind}",
            status=504 if b"Task timed out" in reply.body else 502,
            request_id=request_id,
        )
    headers = lambda_headers(reply, options)
    body = reply.body if options.expose_stack_trace else _cut_stack_traces(reply.body)
    status = reply.status
    if kind == "Unhandled" and options.unhandled_status is not None:
        status = options.unhandled_status
    return Response(status, headers, plain_body(body, headers, options))


def _cut_stack_traces(body: bytes) -> bytes:
    try:
        error = json.loads(body)
        cut = _without_traces(error)
        return body if cut == error else json.dumps(cut, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return body


def _without_traces(value: Any) -> Any:
    """Return ``value`` without stack traces at any depth: Java nests the errors' causes."""
    if isinstance(value, dict):
        return {
            key: _without_traces(item) for key, item in value.items() if key not in _STACK_TRACES
        }
    if isinstance(value, list):
        return [_without_traces(item) for item in value]
    return value


def write_tail(reply: Reply) -> None:
    if tail_log.isEnabledFor(logging.INFO) and (encoded := reply.header("x-amz-log-result")):
        try:
            tail = base64.b64decode(encoded).decode(errors="replace")
        except ValueError:
            tail = repr(encoded)
        tail_log.info("request %s:\n%s", request_id_of(reply), tail)


def request_id_of(reply: Reply) -> str:
    return reply.header("x-amzn-requestid")
