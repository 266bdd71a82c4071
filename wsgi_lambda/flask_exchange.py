"""The current Flask request becomes one of ours, our response becomes one of Flask's."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from functools import lru_cache
from typing import IO, Any

from flask import Flask, Request, Response, current_app, request
from werkzeug.datastructures import Headers
from werkzeug.exceptions import InternalServerError, RequestEntityTooLarge, default_exceptions
from werkzeug.formparser import FormDataParser

from wsgi_lambda.dispatcher import Dispatcher
from wsgi_lambda.errors import BodyGone, LambdaError, PayloadTooLarge
from wsgi_lambda.request import FrameworkValues
from wsgi_lambda.request import Request as LambdaRequest
from wsgi_lambda.request_body import RequestBody
from wsgi_lambda.response.wsgi import Response as LambdaResponse
from wsgi_lambda.response.wsgi import for_framework

EXTENSION = "wsgi_lambda"

#: The attribute of a view whose request's body is read before any hook runs.
KEEPS_BODY = "wsgi_lambda_keeps_body"

# Keys of an environ: the body, the error of reading it, and what the url's converters captured.
_BODY = "wsgi_lambda.body"
_FAILURE = "wsgi_lambda.body_failure"
_CAPTURED = "wsgi_lambda.captured"
_VARIABLE = re.compile(r"<(?:(?P<converter>\w+)(?:\(.*?\))?:)?(?P<name>\w+)>")
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
# The headers of a failure that the app's page for its status gets as well.
_OF_FAILURE = ("X-Amzn-RequestId", "X-Amzn-Trace-Id", "Retry-After")


def dispatcher_of(app: Flask) -> Dispatcher:
    """Return the dispatcher of ``app``."""
    try:
        found: Dispatcher = app.extensions[EXTENSION]
    except KeyError:
        raise RuntimeError("this app has no LambdaFunctions: call init_app(app)") from None
    return found


@lru_cache(maxsize=1024)
def template_of(rule: str) -> str:
    """Return a url rule in API Gateway's notation: ``"/pay/{order_id}"``, ``"/files/{name+}"``."""

    def written(found: re.Match[str]) -> str:
        mark = "+" if found["converter"] == "path" else ""
        return f"{{{found['name']}{mark}}}"

    return _VARIABLE.sub(written, rule)


def principal_of(app: Flask, dispatcher: Dispatcher) -> Callable[[], str | None] | None:
    """Return a callable that returns who is asking; None for REMOTE_USER."""
    principal = dispatcher.principal
    if principal is not None:
        return lambda: principal(request)
    return _user_of_flask_login if hasattr(app, "login_manager") else None


def _user_of_flask_login() -> str | None:
    from flask_login import current_user

    return current_user.get_id() if current_user.is_authenticated else None


def current_request() -> Request:
    """Return the current request itself: each attribute of Flask's proxy costs a look-up."""
    found: Request = request._get_current_object()  # type: ignore[attr-defined]
    return found


class CountedInput(io.RawIOBase):
    """Counts the bytes that are read of a chunked body, whose length nobody knows before."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        block = self._counted(self._stream.read(len(buffer)))
        buffer[: len(block)] = block
        return len(block)

    def readline(self, size: int | None = -1, /) -> bytes:
        # io's own reads single bytes.
        return self._counted(self._stream.readline(-1 if size is None else size))

    def _counted(self, block: bytes) -> bytes:
        self.count += len(block)
        return block


def prepare_request(app: Flask, **_: object) -> None:
    """Keep, before any hook runs, what hooks may take from the current request.

    These are its body, if its view is marked, and the values that its url captured.
    """
    given = current_request()
    environ, rule = given.environ, given.url_rule
    if given.view_args:
        environ[_CAPTURED] = dict(given.view_args)
    if rule is not None and hasattr(app.view_functions[rule.endpoint], KEEPS_BODY):
        dispatcher = dispatcher_of(app)
        _parse_strictly(given, dispatcher)
        _read_body(given, dispatcher)
    elif environ.get("HTTP_TRANSFER_ENCODING"):
        environ["wsgi.input"] = CountedInput(environ["wsgi.input"])


def captured_values(given: Request) -> dict[str, str]:
    """Return what the converters of the url captured, as text, whatever hooks took from it."""
    values = given.environ.get(_CAPTURED) or given.view_args or {}
    return {name: str(value) for name, value in values.items()}


def make_request(
    given: Request, dispatcher: Dispatcher, framework: FrameworkValues
) -> LambdaRequest:
    """Return the request with its whole body; raises what reading it raises."""
    environ = given.environ
    body: bytes | None = environ.get(_BODY)
    if body is None:
        body = _read_body(given, dispatcher)
        _parse_strictly(given, dispatcher)
    return LambdaRequest(environ, body=body, framework=framework)


def _parse_strictly(given: Request, dispatcher: Dispatcher) -> None:
    """Let `flask.request.form` raise `BadRequest` for a form that it cannot parse.

    An `authorize` hook may read it instead of its argument, and Werkzeug's form would
    be empty. A parser of the app's own stays.
    """
    # Most requests have no body, and the media type is not parsed for them.
    is_form = given.environ.get("CONTENT_TYPE") and given.mimetype in _FORMS
    if not is_form or given.form_data_parser_class is not FormDataParser:
        return
    if any(route.match.authorize is not None for route in dispatcher.routes):
        from wsgi_lambda.readable_request import StrictParser

        given.form_data_parser_class = StrictParser


def _read_body(given: Request, dispatcher: Dispatcher) -> bytes:
    """Return the whole body of the request, and leave it to the app as well."""
    environ = given.environ
    if _FAILURE in environ:
        raise environ[_FAILURE]
    body = RequestBody(environ)
    try:
        if "stream" in vars(given):
            body.check_framing()
            found = _read_before(given)
        else:
            found = _read_first(given, body, dispatcher.body_limit(environ))
            environ["wsgi.input"] = io.BytesIO(found)
    except LambdaError as error:
        body.drain()
        dispatcher.failure_response(error, LambdaRequest(environ, body=b""))
        # Nothing else may wait for the rest of the body, or take it for the whole.
        rest = {"wsgi.input": io.BytesIO(), "wsgi.input_terminated": True}
        environ.update(rest)
        environ[_FAILURE] = error
        raise
    except RequestEntityTooLarge as error:
        environ[_FAILURE] = error
        raise
    environ[_BODY] = found
    return found


def _read_first(given: Request, body: RequestBody, limit: int) -> bytes:
    environ, most = given.environ, None
    if environ.get("CONTENT_LENGTH") or environ.get("HTTP_TRANSFER_ENCODING"):
        most = given.max_content_length
    if most is None or most >= limit:
        return body.read(limit)
    try:
        return body.read(most)
    except PayloadTooLarge:
        raise RequestEntityTooLarge from None


def _read_before(given: Request) -> bytes:
    """Return the body that the app has read with `get_data`; raise `BodyGone` if it did not."""
    body, stream = given.get_data(), given.environ["wsgi.input"]
    length = given.content_length
    if length is None and isinstance(stream, CountedInput):
        length = stream.count
    missing = not body and (given.form or given.files) if length is None else len(body) < length
    if missing:
        raise BodyGone(detail="it was parsed before: mark the view with keep_body")
    return body


def to_flask(response: LambdaResponse, method: str, app: Flask) -> Response:
    """Return a response of the app's own class."""
    # Werkzeug itself leaves out the body of HEAD, after hooks have made an ETag or a length of it.
    response = for_framework(response, "GET" if response.length else method)
    status = f"{response.status} {response.phrase}" if response.phrase else response.status
    headers = Headers(response.headers)
    has_type = "Content-Type" in headers
    made = app.response_class(response.body, status=status, headers=headers)
    if not has_type:
        del made.headers["Content-Type"]
    return made


def handle_failure(error: LambdaError) -> Response:
    """Return the response for a failure that the app has not handled itself."""
    if error.response is None:
        made = LambdaRequest(request.environ, body=b"")
        dispatcher_of(current_app).failure_response(error, made)
    response: LambdaResponse = error.response
    page = None if error.has_own_response else _page(error)
    if page is None:
        return to_flask(response, request.method, current_app)
    for name, value in response.headers:
        if name in _OF_FAILURE:
            page.headers.setdefault(name, value)
    return page


def _page(error: LambdaError) -> Response | None:
    """Return the response of the app's handler for the status; None if it has no handler."""
    exception: Any = InternalServerError(original_exception=error)
    if error.status != exception.code:
        kind = default_exceptions.get(error.status)
        if kind is None:
            return None
        exception = kind()
    exception.__cause__ = error
    returned = current_app.handle_http_exception(exception)
    return None if returned is exception else current_app.make_response(returned)
