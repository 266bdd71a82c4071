"""A reply becomes a response.

Takes a `Reply` and the options of its route, returns a `Response`, or raises
the `LambdaError` that becomes one. Never knows the request.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from wsgi_lambda.errors import LambdaError, ResultError
from wsgi_lambda.header_syntax import Headers
from wsgi_lambda.invoke.reply import Reply, StreamedReply
from wsgi_lambda.options import Route
from wsgi_lambda.response.headers import JSON_TYPE, end_to_end, without
from wsgi_lambda.response.plain import function_error, plain_body
from wsgi_lambda.response.wsgi import Response

# The server writes its own Date; two would be on the wire.
_NOT_PASSED_ON = frozenset(("date", "x-amz-log-result"))
_NOT_PASSED_ON_BUT_LOG = frozenset(("date",))


def from_reply(reply: Reply, route: Route) -> Response:
    """Return the response for the ``reply`` of the route's function.

    Raises `ServiceError` if Lambda refused, `ResultError` if the result of a
    proxy integration is an error or malformed.
    """
    if not reply.is_success:
        from wsgi_lambda.response.service_error import service_error

        raise service_error(reply)
    options = route.response
    headers = _lambda_headers(reply, expose_log=options.expose_log_result)
    if reply.outcome != "ok":
        return function_error(reply, headers, options)
    # 202 and 204 have no result: Lambda did not wait for the function.
    if options.is_proxy_integration and reply.status == 200:
        return _from_result(reply, headers, route)
    return Response.whole(reply.status, headers, plain_body(reply.body, headers, options))


class LogStreamEnd(Protocol):
    """Logs how a stream ended whose head was sent, and the log of its function."""

    def __call__(
        self,
        route: Route,
        error: LambdaError | None,
        *,
        status: int,
        request_id: str,
        log_result: str,
        sent: int,
    ) -> None: ...


def mapping_of(route: Route, log_end: LogStreamEnd) -> Callable[[Reply, Route], Response]:
    """Return `from_reply`, or for a route that streams a function that also maps streams.

    That raises what `from_reply` raises, and `LambdaError` if a stream fails before its
    head is known. ``log_end`` is called at the end of each stream.
    """
    if route.target.invoke_mode == "BUFFERED":
        return from_reply
    # Only loaded by apps that stream.
    from wsgi_lambda.response.stream import begin_response

    def from_stream(reply: Reply, route: Route) -> Response:
        if isinstance(reply, StreamedReply):
            found = begin_response(reply, route, log_end)
            if isinstance(found, Response):
                return found
            reply = found
        return from_reply(reply, route)

    return from_stream


def _lambda_headers(reply: Reply, *, expose_log: bool) -> Headers:
    dropped = _NOT_PASSED_ON_BUT_LOG if expose_log else _NOT_PASSED_ON
    headers = end_to_end(reply.headers, dropped=dropped)
    if any(name.lower() == "content-type" for name, _ in headers):
        return headers
    return [*headers, JSON_TYPE]


def _from_result(reply: Reply, headers: Headers, route: Route) -> Response:
    # Only a configuration with `is_proxy_integration` pays for this import.
    from wsgi_lambda.response.proxy_integration import read_result

    event = route.event
    is_v2 = event.awsgateway_compatible and event.awsgateway_compatible_payload_version == "2.0"
    try:
        result = read_result(reply.body, is_inferred=is_v2)
    except ResultError as error:
        error.request_id = reply.request_id
        raise
    if result is None:
        return Response.whole(200, [*without(headers, [JSON_TYPE]), JSON_TYPE], reply.body)
    own = result.headers
    response = Response.whole(result.status, [*without(headers, own), *own], result.body)
    # Web apps leave out the body of a HEAD response, and state the length that a GET has.
    return response if result.body else response._replace(head_length=result.content_length)
