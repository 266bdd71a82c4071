"""Invoke a function that streams its response, and read the stream."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from wsgi_lambda import strict_json
from wsgi_lambda.delivery import Delivery, first_value
from wsgi_lambda.errors import ConnectionFailed, FunctionError, LambdaError, ServiceError
from wsgi_lambda.invoke import Invocation
from wsgi_lambda.invoke.client import LambdaClient, OpenReply
from wsgi_lambda.invoke.connections import Connections
from wsgi_lambda.invoke.function import Function
from wsgi_lambda.invoke.reply import Reply, StreamedReply
from wsgi_lambda.options import Route
from wsgi_lambda.wire.attempt import Attempt
from wsgi_lambda.wire.event_stream import FrameReader, HeaderValue

# The longest wait for the end of a message whose stream is complete, and the most reads.
_END_OF_MESSAGE = 1.0  # seconds
_READS_AFTER_END = 64
_LOGGED_BYTES = 2000  # of an error event
# Characters of an InvokeComplete that are kept, because escaping a character takes a
# microsecond. AWS sends 4 KiB of a log, and details of a few KiB.
_LONGEST_CODE = 1024
_LONGEST_DETAILS = 64 * 1024
_LONGEST_LOG = 64 * 1024
_MOST_CONTAINERS = 10_000  # arrays and objects of an InvokeComplete, which has one
# Bytes of frames without a payload. To parse one takes up to 0.1 µs; an event of 100 bytes every
# 25 ms for the 15 minutes of a function is fewer.
_MOST_OVERHEAD = 4 * 1024 * 1024


class StreamedFunction(Function):
    """The Invoker of a function in Lambda that streams its response.

    `invoke` returns a `StreamedReply` as soon as Lambda replies with 200, and repeats
    nothing after that. Any other reply is read whole. A stream keeps its connection
    until its end.
    """

    #: https://docs.aws.amazon.com/lambda/latest/api/API_InvokeWithResponseStream.html
    path = "/2021-11-15/functions/{name}/response-streaming-invocations"

    def __init__(self, route: Route, connections: Connections) -> None:
        super().__init__(route, connections)
        self._buffered = Function(route, connections)

    def invoke(self, invocation: Invocation) -> Reply:
        """Return the reply to ``invocation``, within the `timeout` of the route."""
        if not invocation.may_stream:
            return self._buffered.invoke(invocation)
        return super().invoke(invocation)

    def _read(self, opened: OpenReply, attempt: Attempt, invocation: Invocation) -> Reply:
        if opened.status != 200:
            return self._client.read(opened, self._limit)
        stream = EventStream(self._client, opened, attempt, invocation.delivery, limit=self._limit)
        return StreamedReply(opened.headers, stream)


class EventStream:
    """The `Chunks` of one reply of InvokeWithResponseStream.

    An error behind good bytes is raised by the `read` after the one that returns them.
    The connection is kept for another request if the stream is complete and its HTTP
    message ends; otherwise it is closed.
    """

    def __init__(
        self,
        client: LambdaClient,
        opened: OpenReply,
        attempt: Attempt,
        delivery: Delivery,
        *,
        limit: int,
    ) -> None:
        self.log_result = ""
        self._client = client
        self._opened = opened
        self._attempt = attempt
        self._delivery = delivery
        self._frames = FrameReader(limit)
        #: What follows the bytes that were returned: the end, or a failure.
        self._end: _Complete | LambdaError | None = None
        self._most_consumed = _MOST_OVERHEAD
        self._is_closed = False

    def read(self, silence: float | None = None) -> bytes:
        """Return the next bytes; see `Chunks`."""
        if self._is_closed:
            return b""
        try:
            if silence is not None:
                self._attempt.restart(silence)
            while self._end is None:
                if payload := self._receive(silence):
                    return payload
            self._finish(self._end)
        except BaseException as error:
            self.close()
            if isinstance(error, LambdaError):
                error.request_id = first_value(self._opened.headers, "x-amzn-requestid")
            raise
        return b""

    def close(self) -> None:
        """Close the connection; further calls have no effect.

        A `read` of another thread goes on, and raises.
        """
        if not self._is_closed:
            self._opened.response.raw.interrupt()
            self._close()

    def _close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._delivery.ended = time.monotonic()
            self._opened.response.raw.close()

    # A forked child must not end a connection of its parent.
    __del__ = _close

    def _receive(self, silence: float | None) -> bytes:
        """Return the payload that one read of the connection completes, perhaps none."""
        data = self._client.read_some(self._opened)
        if not data:
            where = "inside a frame" if self._frames.is_inside_frame else "without InvokeComplete"
            raise _incomplete(f"the stream ended {where}")
        frames = self._frames.feed(data)
        if frames and silence is not None:
            self._attempt.restart(silence)
        payloads: list[bytes] = []
        for headers, payload in frames:
            kind = headers.get(":event-type")
            if headers.get(":message-type") in ("exception", "error"):
                self._end = _refusal(headers, payload)
            elif kind == "PayloadChunk":
                payloads.append(payload)
            elif kind == "InvokeComplete":
                self._end = _complete(payload)
            if self._end is not None:
                break
        else:
            if self._frames.error is not None:
                self._end = _incomplete(f"malformed frame: {self._frames.error}")
        whole = payloads[0] if len(payloads) == 1 else b"".join(payloads)
        self._bound(whole, silence)
        return whole

    def _bound(self, payload: bytes, silence: float | None) -> None:
        """Bound what brings no bytes and takes CPU; before the head is known, also tiny frames."""
        self._most_consumed += len(payload) * 3 // 2
        if payload and silence is not None:
            self._most_consumed = self._frames.consumed + _MOST_OVERHEAD
        if self._frames.consumed > self._most_consumed and self._end is None:
            self._end = _incomplete("too many frames without a payload")

    def _finish(self, end: _Complete | LambdaError) -> None:
        if isinstance(end, LambdaError):
            raise end
        if end.log_result:
            self.log_result = self._delivery.log_result = end.log_result
        if end.code:
            raise _function_error(end)
        try:
            # The body is complete: only the connection depends on the end of the message.
            self._attempt.restart(min(_END_OF_MESSAGE, self._attempt.remaining()))
            for _ in range(_READS_AFTER_END):
                if not self._client.read_some(self._opened):
                    break
        except (LambdaError, TimeoutError):
            self.close()
        else:
            self._is_closed = True
            self._delivery.ended = time.monotonic()
            self._opened.response.raw.release_conn()


class _Complete(NamedTuple):
    """The event that ends a stream; ``code`` is "" if the function succeeded."""

    code: str
    details: str
    log_result: str


def _function_error(end: _Complete) -> FunctionError:
    texts = (end.code, end.details)
    return FunctionError(
        kind=end.code,
        error_type=end.code,
        error_message=end.details,
        body=end.details.encode(errors="replace"),
        log="",
        is_timeout=any("Task timed out" in text or "Timedout" in text for text in texts),
        request_id="",
    )


def _complete(payload: bytes) -> _Complete | LambdaError:
    try:
        event = _parse(payload)
    except (ValueError, RecursionError):
        event = None
    if not isinstance(event, dict):
        return _incomplete("malformed frame: InvokeComplete is not a JSON object")
    code, details = _text(event.get("ErrorCode")), _text(event.get("ErrorDetails"))
    # The end of the log; a part of base64 begins at a multiple of four characters.
    log = _text(event.get("LogResult"))[-_LONGEST_LOG:]
    return _Complete(code[:_LONGEST_CODE], details[:_LONGEST_DETAILS], log)


def _text(value: Any) -> str:
    """Return a field as text: ``"Runtime.ExitError"``; the type of an array or object."""
    if isinstance(value, (dict, list)):
        return f"({type(value).__name__})" if value else ""
    return str(value or "")


def _parse(payload: bytes) -> Any:
    if len(payload) <= strict_json.LARGE:
        return strict_json.loads(payload)
    # Only an error with long details needs this import.
    from wsgi_lambda import json_pieces

    return json_pieces.parse(strict_json.text_of(payload), _MOST_CONTAINERS)


def _refusal(headers: Mapping[str, HeaderValue], payload: bytes) -> ServiceError:
    name = str(headers.get(":exception-type") or headers.get(":error-code") or "")
    text = headers.get(":error-message") or payload[:_LOGGED_BYTES].decode(errors="replace")
    detail = f"Lambda sent an error in the stream: {name or None}: {text!s}"
    return ServiceError(detail=detail, error_type=name)


def _incomplete(detail: str) -> ConnectionFailed:
    return ConnectionFailed("The function's response is incomplete", detail=detail)
