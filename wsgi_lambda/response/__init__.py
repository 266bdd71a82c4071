"""Step 4: Lambda's reply, or a failure, to status, headers and body of the HTTP answer."""

from __future__ import annotations

from wsgi_lambda.errors import ResultError
from wsgi_lambda.header_syntax import Headers
from wsgi_lambda.invoke.reply import Reply
from wsgi_lambda.options import Route
from wsgi_lambda.response.headers import without
from wsgi_lambda.response.plain import (
    function_error,
    lambda_headers,
    plain_body,
    request_id_of,
    write_tail,
)
from wsgi_lambda.response.proxy_integration import read_result
from wsgi_lambda.response.service_error import service_error
from wsgi_lambda.response.wsgi import Response


def from_reply(reply: Reply, route: Route) -> Response:
    """Return the HTTP answer that ``reply`` of the route's function stands for.

    Raises `ServiceError` where Lambda refused, `ResultError` where a proxy
    integration's result is an error or no HTTP answer.
    """
    if not reply.is_success:
        raise service_error(reply)
    write_tail(reply)
    if reply.header("x-amz-function-error"):
        return function_error(reply, route.answer, route.target.function_name)
    headers = lambda_headers(reply, route.answer)
    # 202 and 204 come without a result: the function was not waited for.
    if route.answer.is_proxy_integration and reply.status == 200:
        return _proxy_answer(reply, headers, route)
    return Response(reply.status, headers, plain_body(reply.body, headers, route.answer))


def _proxy_answer(reply: Reply, headers: Headers, route: Route) -> Response:
    is_v2 = route.event.awsgateway_compatible_payload_version == "2.0"
    try:
        result = read_result(reply.body, is_inferred=is_v2 and route.event.awsgateway_compatible)
    except ResultError as error:
        error.request_id = request_id_of(reply)
        raise
    if result is None:
        inferred = ("Content-Type", "application/json")
        return Response(200, [*without(headers, [inferred]), inferred], reply.body)
    return Response(
        result.status, [*without(headers, result.headers), *result.headers], result.body
    )
