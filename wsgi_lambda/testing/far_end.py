"""The Invoke API, as far as the functions of a test need it."""

from __future__ import annotations

import base64
import json
import re
import time
import uuid
from functools import partial
from typing import Any, cast
from urllib.parse import parse_qs, unquote, urlsplit

from wsgi_lambda.invoke.client import OpenReply
from wsgi_lambda.invoke.invoked_function import InvokedFunction, log_event_error
from wsgi_lambda.local_runtime.context import LambdaContext
from wsgi_lambda.local_runtime.faults import Outcome, within_limit
from wsgi_lambda.local_runtime.run import Environment, log_result, write_log
from wsgi_lambda.options import Target
from wsgi_lambda.options.aws_names import split_function_name
from wsgi_lambda.testing.functions import UNKNOWN, Call, LambdaFunctions
from wsgi_lambda.testing.replies import ConnectionLoss, FunctionError, NotFound, ServiceError
from wsgi_lambda.testing.streams import StreamedBody
from wsgi_lambda.wire.attempt import Attempt

_NAME = re.compile(r"/functions/([^/]+)/")
_STREAMED = "/response-streaming-invocations"
_REGION = re.compile(r"Credential=[^/]+/\d+/([^/]+)/lambda/")


class _Body:
    """The body of a reply, as `LambdaClient.read` takes it from a connection."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.length_remaining = len(data)

    def read(self, amt: int | None = None, decode_content: object = None) -> bytes:  # noqa: ARG002
        """Return the whole body."""
        return self._data

    def close(self) -> None:
        """There is nothing to close."""

    release_conn = close


class _Response:
    def __init__(self, raw: object) -> None:
        self.raw = raw


class FarEnd:
    """Takes signed requests, records each call, and replies as its function does."""

    def __init__(self, functions: LambdaFunctions) -> None:
        self._functions = functions

    def open(self, request: Any, attempt: Attempt) -> OpenReply:
        """Return the reply to ``request``, or raise like `LambdaClient.open`."""
        reply = self._open(request, attempt)
        attempt.last_byte = time.monotonic()
        return reply

    def _open(self, request: Any, attempt: Attempt) -> OpenReply:
        target = _read_target(request)
        call = _read_call(request, target)
        item = self._functions.record(call)
        if isinstance(item, ConnectionLoss):
            attempt.opened = item.is_opened
            raise item.error()
        attempt.opened = True
        request_id = str(uuid.uuid4())
        headers = [
            ("Content-Type", "application/json"),
            ("X-Amzn-RequestId", request_id),
        ]
        if trace := call.headers.get("x-amzn-trace-id"):  # missing in a check
            headers.append(("X-Amzn-Trace-Id", trace))
        if item is UNKNOWN:
            item = NotFound()
        if isinstance(item, ServiceError):
            headers += [("X-Amzn-ErrorType", item.type), *item.headers.items()]
            return _reply(item.status, headers, item.body)
        if call.invocation_type == "DryRun":
            return _reply(204, headers)
        deadline = time.monotonic() + attempt.remaining()
        if _STREAMED in request.url:
            return _stream(item, call, InvokedFunction.of(target), headers, deadline)
        run = _Run(item, call, InvokedFunction.of(target), request_id, deadline)
        if call.invocation_type == "Event":
            run.log_error()
            return _reply(202, headers)
        return _reply(200, headers + run.headers(), run.outcome.body)


def _stream(
    item: Any,
    call: Call,
    function: InvokedFunction,
    headers: list[tuple[str, str]],
    deadline: float,
) -> OpenReply:
    started, request_id = time.monotonic(), headers[1][1]

    def end_log(outcome: Outcome) -> str:
        if not _wants_log(call):
            return ""
        duration = time.monotonic() - started
        return write_log(request_id, function.version, outcome, duration=duration, init=None)

    arguments = function.context(request_id, call.tenant_id)
    make_context = partial(LambdaContext, **arguments, deadline=deadline)
    body = StreamedBody(item, call.payload, make_context, request_id, end_log)
    headers = [("Content-Type", "application/vnd.amazon.eventstream"), *headers[1:]]
    return _open(200, headers + function.reply_headers("", ""), body)


class _Run:
    """One run of a function, in the thread of its request; it has ended when this exists."""

    def __init__(
        self, item: Any, call: Call, function: InvokedFunction, request_id: str, deadline: float
    ) -> None:
        self._call = call
        self._function = function
        self._request_id = request_id
        self._kind = item.kind if isinstance(item, FunctionError) else "Unhandled"
        started = time.monotonic()
        self.outcome = within_limit(self._outcome_of(item, deadline))
        self._duration = time.monotonic() - started

    def _outcome_of(self, item: Any, deadline: float) -> Outcome:
        if isinstance(item, FunctionError):
            return item.outcome(self._request_id)
        handler = item if callable(item) else lambda event, context: item  # noqa: ARG005
        environment = Environment(lambda: handler)
        environment.prepare(self._request_id)
        arguments = self._function.context(self._request_id, self._call.tenant_id)
        make_context = partial(LambdaContext, **arguments, deadline=deadline)
        return environment.run(self._call.payload, make_context, self._request_id)

    def headers(self) -> list[tuple[str, str]]:
        """Return the headers that the reply of a function has besides those of any reply."""
        text = ""
        if _wants_log(self._call):
            version, duration = self._function.version, self._duration
            text = write_log(self._request_id, version, self.outcome, duration=duration, init=None)
        kind = self._kind if self.outcome.error_type else ""
        return self._function.reply_headers(kind, log_result(text))

    def log_error(self) -> None:
        """Log the error of an Event, which nobody else learns."""
        if self.outcome.error_type:
            text = self.outcome.body.decode(errors="replace")
            log_event_error(self._function.name, self._request_id, text)


def _wants_log(call: Call) -> bool:
    return call.headers.get("x-amz-log-type") == "Tail"


def _reply(status: int, headers: list[tuple[str, str]], body: bytes = b"") -> OpenReply:
    return _open(status, headers, _Body(body))


def _open(status: int, headers: list[tuple[str, str]], body: object) -> OpenReply:
    return OpenReply(status, tuple(headers), cast("Any", _Response(body)))


def _read_target(request: Any) -> Target:
    url = urlsplit(request.url)
    (name,) = _NAME.findall(url.path)
    (region,) = _REGION.findall(request.headers["Authorization"])
    return Target(
        function_name=unquote(name),
        qualifier=parse_qs(url.query).get("Qualifier", [None])[0],
        aws_region=region,
        client_context=request.headers.get("X-Amz-Client-Context"),
    )


def _read_call(request: Any, target: Target) -> Call:
    parts = split_function_name(target.function_name)
    encoded = target.client_context
    return Call(
        function=parts.name,
        qualifier=target.qualifier or parts.qualifier,
        payload=request.body,
        invocation_type=request.headers["X-Amz-Invocation-Type"],
        client_context=json.loads(base64.b64decode(encoded)) if encoded else None,
        tenant_id=request.headers.get("X-Amz-Tenant-Id"),
        headers={name.lower(): value for name, value in request.headers.items()},
    )
