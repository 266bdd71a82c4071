"""Step 4: Lambda's reply, or a failure, to status, headers and body of the HTTP answer."""

from __future__ import annotations

import base64
import json
import logging
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from wsgi_lambda.errors import LambdaError, ResultError, ServiceError
from wsgi_lambda.header_syntax import Headers
from wsgi_lambda.invoke.reply import Reply
from wsgi_lambda.options import AnswerOptions, Route
from wsgi_lambda.proxy import read_result
from wsgi_lambda.response.headers import end_to_end, without

log = logging.getLogger("wsgi_lambda")
tail_log = logging.getLogger("wsgi_lambda.tail")

# RFC 9110: no body follows these, whatever their headers say.
_BODILESS = frozenset((204, 304))

# The server in front of the client dates its answers itself.
_DATE = frozenset(("date",))
_DATE_AND_LOG = _DATE | {"x-amz-log-result"}

_RETRY_AFTER = re.compile(r"[0-9]{1,5}")  # seconds
_TOKEN_LINE = re.compile(rb"(x-amz-security-token:)[^\\\s\"]+", re.IGNORECASE)
_EMPTY_ARRAY = re.compile(rb'"(?:[^"\\]|\\.)*+"|\[[ \t\r\n]*\]', re.DOTALL)
# What the runtimes call a stack trace; Node says `trace`.
_STACK_TRACES = frozenset(("stackTrace", "trace"))


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes to the client."""

    status: int
    headers: Headers
    body: bytes


def to_answer(reply: Reply, route: Route) -> Answer:
    """Return the HTTP answer that ``reply`` of the route's function stands for.

    Raises `ServiceError` where Lambda refused, `ResultError` where a proxy
    integration's result is an error or no HTTP answer.
    """
    if not reply.is_success:
        raise _service_error(reply)
    _write_tail(reply)
    if reply.header("x-amz-function-error"):
        return _function_error(reply, route.answer, route.target.function_name)
    headers = _lambda_headers(reply, route.answer)
    # 202 and 204 come without a result: the function was not waited for.
    if route.answer.is_proxy_integration and reply.status == 200:
        return _proxy_answer(reply, headers, route)
    return Answer(reply.status, headers, _plain_body(reply.body, headers, route.answer))


def _proxy_answer(reply: Reply, headers: Headers, route: Route) -> Answer:
    is_v2 = route.event.awsgateway_compatible_payload_version == "2.0"
    try:
        result = read_result(reply.body, is_inferred=is_v2 and route.event.awsgateway_compatible)
    except ResultError as error:
        error.request_id = _request_id(reply)
        raise
    if result is None:
        inferred = ("Content-Type", "application/json")
        return Answer(200, [*without(headers, [inferred]), inferred], reply.body)
    return Answer(result.status, [*without(headers, result.headers), *result.headers], result.body)


def failure(error: LambdaError) -> Answer:
    """Return the JSON answer for ``error``, whose ``request_id`` must be set."""
    body = json.dumps({"message": error.message, "request_id": error.request_id}).encode()
    headers = [("Content-Type", "application/json")]
    if error.retry_after:
        headers.append(("Retry-After", error.retry_after))
    return Answer(error.status, headers, body)


def finish(answer: Answer, method: str) -> tuple[str, Headers, bytes]:
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


def _lambda_headers(reply: Reply, options: AnswerOptions) -> Headers:
    return end_to_end(reply.headers, but=_DATE if options.expose_log_result else _DATE_AND_LOG)


def _plain_body(body: bytes, headers: Headers, options: AnswerOptions) -> bytes:
    if options.empty_arrays_mode == "correct":
        return body
    kind = next((value for name, value in headers if name.lower() == "content-type"), "")
    if "json" not in kind.lower():
        return body
    # A text's own brackets stay: the pattern takes every text whole.
    return _EMPTY_ARRAY.sub(lambda found: b"{}" if found[0][:1] == b"[" else found[0], body)


def _function_error(reply: Reply, options: AnswerOptions, function: str) -> Answer:
    """Return the error of a function that failed, without its stack trace.

    In proxy integration it is a `ResultError`: 504 for Lambda's own "Task
    timed out", else 502.
    """
    kind, request_id = reply.header("x-amz-function-error"), _request_id(reply)
    text = reply.body.decode(errors="replace")
    log.error("function %s: error (%s), request %s: %r", function, kind, request_id, text)
    if options.is_proxy_integration:
        raise ResultError(
            detail=f"function error {kind}",
            status=504 if b"Task timed out" in reply.body else 502,
            request_id=request_id,
        )
    headers = _lambda_headers(reply, options)
    body = reply.body if options.expose_stack_trace else _cut_stack_traces(reply.body)
    status = reply.status
    if kind == "Unhandled" and options.unhandled_status is not None:
        status = options.unhandled_status
    return Answer(status, headers, _plain_body(body, headers, options))


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


def _write_tail(reply: Reply) -> None:
    if tail_log.isEnabledFor(logging.INFO) and (encoded := reply.header("x-amz-log-result")):
        try:
            tail = base64.b64decode(encoded).decode(errors="replace")
        except ValueError:
            tail = repr(encoded)
        tail_log.info("request %s:\n%s", _request_id(reply), tail)


def _service_error(reply: Reply) -> ServiceError:
    """Translate an error of the Invoke API; account numbers and ARNs stay in the log."""
    kind = reply.error_type
    status, message = _service_status(reply)
    wait = ""
    if status in (429, 503):
        given = reply.header("retry-after")
        wait = given if _RETRY_AFTER.fullmatch(given) else "1"
    return ServiceError(
        message,
        status=status,
        detail=f"Lambda answered {reply.status} {kind}: {_for_log(reply.body)!r}",
        request_id=_request_id(reply),
        retry_after=wait,
    )


def _for_log(body: bytes) -> bytes:
    """Return an error's start without the session token, which a signature error repeats."""
    return _TOKEN_LINE.sub(rb"\1...", body[:4000])[:2000]


def _service_status(reply: Reply) -> tuple[int, str]:
    status = reply.status
    if reply.is_not_ready or status in (402, 503):
        return 503, "The function is not ready"
    if reply.error_type == "DurableExecutionAlreadyStartedException":
        return 409, "The execution has already been started"
    if status == 429:
        return 429, "Too many requests for the function"
    if status == 413:
        return 413, "The request is too large for the function"
    if status == 408:
        return 504, "The function did not start in time"
    return 502, "The function could not be invoked"


def _request_id(reply: Reply) -> str:
    return reply.header("x-amzn-requestid")
