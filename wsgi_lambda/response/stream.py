"""A streamed reply becomes a response: its head, if it has one, and its body as it arrives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from wsgi_lambda.errors import FunctionError, LambdaError, ResultError, StreamCutOff
from wsgi_lambda.header_syntax import Headers
from wsgi_lambda.invoke.reply import Chunks, Reply, StreamedReply
from wsgi_lambda.options import Route
from wsgi_lambda.response.headers import end_to_end, without
from wsgi_lambda.response.plain import decode_log
from wsgi_lambda.response.proxy_integration import read_head
from wsgi_lambda.response.stream_head import Head, Undecided
from wsgi_lambda.response.wsgi import Response

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html
_HEAD_TYPE = "application/vnd.awslambda.http-integration-response"
_STREAM_TYPES = ("", "application/vnd.amazon.eventstream")
# In a reply of one of the types above they describe the envelope, which no client gets.
_OF_THE_BODY = frozenset(("content-encoding", "content-type"))
_NOT_PASSED_ON = _OF_THE_BODY | {"date", "x-amz-log-result"}
_MOST_DETAILS = 64 * 1024  # bytes of an error
_DEFAULT_TYPE = ("Content-Type", "application/octet-stream")
# nginx passes the events on as they come.
_UNBUFFERED = ("X-Accel-Buffering", "no")


class _Begun(NamedTuple):
    """The beginning of a stream: status, the function's headers, the first bytes of the body."""

    status: int
    headers: Headers
    first: bytes


def begin_response(
    reply: StreamedReply, route: Route, log_end: Callable[..., None]
) -> Response | Reply:
    """Return the response for ``reply`` as soon as its head is known.

    In proxy integration, a function that does not stream returns the whole result as one
    JSON object: that is returned as a `Reply`. Raises `LambdaError` for a failure
    before the head is known; nothing of the stream is passed on then.
    """
    try:
        begun = _begin(reply, route)
    except BaseException as error:
        reply.chunks.close()
        if isinstance(error, LambdaError):
            error.request_id = error.request_id or reply.request_id
        if isinstance(error, FunctionError):
            error.log = decode_log(reply.chunks.log_result)
            _set_status(error, route)
        raise
    if isinstance(begun, Reply):
        return begun
    log_end = partial(log_end, route, status=begun.status, request_id=reply.request_id)
    body = StreamBody(reply.chunks, begun.first, silence=route.target.timeout, log_end=log_end)
    return Response(begun.status, _headers(reply, begun.headers), body, None)


def _begin(reply: StreamedReply, route: Route) -> _Begun | Reply:
    chunks, is_proxy = reply.chunks, route.response.is_proxy_integration
    if kind := reply.header("x-amz-function-error"):
        raise _function_error(reply, kind)
    media_type = _media_type(reply.header("content-type"))
    is_required = is_proxy or media_type == _HEAD_TYPE
    if not is_required and media_type not in _STREAM_TYPES:
        own = [(name, value) for name, value in reply.headers if name.lower() in _OF_THE_BODY]
        return _Begun(200, end_to_end(own), chunks.read())
    head = Head(is_required=is_required)
    length: int | Undecided = Undecided.YET
    while length is Undecided.YET and (data := chunks.read()):
        length = head.feed(data)
    if isinstance(length, int):
        status, headers = read_head(bytes(head.bytes[:length]))
        return _Begun(status, headers, head.after(length))
    if not is_required:
        return _Begun(200, [], bytes(head.bytes))
    if not is_proxy or not head.begins_an_object:
        raise ResultError("The function's stream head is missing", detail="malformed result")
    return _collect(reply, head.bytes, route.response.max_response_size)


def _collect(reply: StreamedReply, body: bytearray, limit: int) -> Reply:
    """Return a whole reply, as Invoke would have sent it."""
    while len(body) <= limit and (data := reply.chunks.read()):
        body += data
    if len(body) > limit:
        text = "The function's response is too large"
        detail = f"the result exceeds {limit} bytes"
        raise LambdaError(text, detail=detail, outcome="invalid_result")
    headers = tuple(pair for pair in reply.headers if pair[0].lower() not in _NOT_PASSED_ON)
    return Reply(200, headers, bytes(body))


def _function_error(reply: StreamedReply, kind: str) -> FunctionError:
    """Return the error of a reply that has one in its headers, as emulators send it."""
    body = bytearray()
    try:
        while len(body) < _MOST_DETAILS and (data := reply.chunks.read()):
            body += data
    except FunctionError:
        raise
    except LambdaError as error:
        body += f" ({error.detail})".encode()
    return FunctionError(
        kind=kind,
        error_type=kind,
        error_message="",
        body=bytes(body),
        log="",
        is_timeout=any(text in body + kind.encode() for text in (b"Task timed out", b"Timedout")),
        request_id=reply.request_id,
    )


def _set_status(error: FunctionError, route: Route) -> None:
    options = route.response
    # The code of a stream is the runtime's own name for the error.
    if error.kind != "Handled" and not options.is_proxy_integration:
        error.status = options.unhandled_status or error.status


def _media_type(value: str) -> str:
    return value.partition(";")[0].strip().lower()


def _headers(reply: StreamedReply, own: Headers) -> Headers:
    """Return Lambda's headers and the function's own, which win."""
    types = [value for name, value in own if name.lower() == "content-type"]
    if not types:
        own = [*own, _DEFAULT_TYPE]
    elif _media_type(types[0]) == "text/event-stream" and without([_UNBUFFERED], own):
        own = [*own, _UNBUFFERED]
    return [*without(end_to_end(reply.headers, dropped=_NOT_PASSED_ON), own), *own]


class StreamBody:
    """The body of a streamed response: an iterator that the server reads and closes.

    Its first chunk is empty, so that servers send the head immediately. A failure
    raises `StreamCutOff`, after the bytes that arrived before it. After `close` it is
    empty. It is a class because `close` of a generator that was never started does nothing.
    """

    def __init__(
        self, chunks: Chunks, first: bytes, *, silence: float, log_end: Callable[..., None]
    ) -> None:
        self._chunks = chunks
        self._ready = [first, b""] if first else [b""]
        self._silence = silence
        self._log_end = log_end
        self._sent = 0
        self._is_over = False
        # The end of the log may be known already: then it is logged with the response.
        self._is_logged = bool(chunks.log_result)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._is_over:
            raise StopIteration
        chunk = self._ready.pop() if self._ready else self._read()
        self._sent += len(chunk)
        return chunk

    def close(self) -> None:
        """Close the connection to Lambda, unless the stream is complete."""
        self._is_over = True
        self._chunks.close()

    def _read(self) -> bytes:
        failure = None
        try:
            if chunk := self._chunks.read(self._silence):
                return chunk
        except LambdaError as error:
            failure = None if self._is_over else error  # closed by another thread
        self._is_over = True
        if failure is not None or not self._is_logged:
            self._log_end(failure, log_result=self._chunks.log_result, sent=self._sent)
        if failure is None:
            raise StopIteration
        raise StreamCutOff(
            detail=failure.detail,
            error_type=failure.error_type or type(failure).__name__,
            request_id=failure.request_id,
        ) from failure
