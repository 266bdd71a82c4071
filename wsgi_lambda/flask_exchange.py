"""The current Flask request becomes one of ours, our response becomes one of Flask's."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import InternalServerError, RequestEntityTooLarge, default_exceptions

from wsgi_lambda.dispatcher import Dispatcher
from wsgi_lambda.errors import BodyGone, LambdaError, PayloadTooLarge
from wsgi_lambda.middleware import LambdaMiddleware
from wsgi_lambda.request import FrameworkValues
from wsgi_lambda.request import Request as LambdaRequest
from wsgi_lambda.response.wsgi import Response as LambdaResponse
from wsgi_lambda.response.wsgi import for_framework

EXTENSION = "wsgi_lambda"

#: The attribute of a view whose request's body is read before any hook runs.
KEEPS_BODY = "wsgi_lambda_keeps_body"

# The key of an environ under which the body is kept.
_BODY = "wsgi_lambda.body"
_VARIABLE = re.compile(r"<(?:(?P<converter>\w+)(?:\(.*?\))?:)?(?P<name>\w+)>")
# The headers of a failure that the app's page for its status gets as well.
_OF_FAILURE = ("X-Amzn-RequestId", "X-Amzn-Trace-Id", "Retry-After")


def dispatcher_of(app: Flask) -> Dispatcher:
    """Return the dispatcher of ``app``."""
    try:
        found: Dispatcher = app.extensions[EXTENSION]
    except KeyError:
        raise RuntimeError("this app has no LambdaFunctions: call init_app(app)") from None
    return found


def wrapping_middleware(app: Flask) -> LambdaMiddleware | None:
    """Return the `LambdaMiddleware` around ``app``, None if there is none."""
    layer: Any = app.wsgi_app
    while layer is not None and not isinstance(layer, LambdaMiddleware):
        # A bound method, app.wsgi_app itself, is the innermost one.
        layer = getattr(layer, "app", None)
    return layer


@lru_cache(maxsize=1024)
def template_of(rule: str) -> str:
    """Return a url rule in API Gateway's notation: ``"/pay/{order_id}"``, ``"/files/{name+}"``."""

    def written(found: re.Match[str]) -> str:
        mark = "+" if found["converter"] == "path" else ""
        return f"{{{found['name']}{mark}}}"

    return _VARIABLE.sub(written, rule)


def principal_of(app: Flask, dispatcher: Dispatcher) -> Callable[[], str | None] | None:
    """Return a callable that returns who is asking; None for REMOTE_USER."""
    if dispatcher.principal is not None:
        principal = dispatcher.principal
        return lambda: principal(request)
    return _user_of_flask_login if hasattr(app, "login_manager") else None


def _user_of_flask_login() -> str | None:
    from flask_login import current_user

    return current_user.get_id() if current_user.is_authenticated else None


def keep_body_of_marked_view(app: Flask, **_: object) -> None:
    """Read the body of the current request, before any hook does, if its view needs it."""
    rule = request.url_rule
    if rule is not None and hasattr(app.view_functions[rule.endpoint], KEEPS_BODY):
        _read_body(dispatcher_of(app))


def make_request(dispatcher: Dispatcher, framework: FrameworkValues) -> LambdaRequest:
    """Return the current request, with its whole body; raises what reading it raises."""
    body = _read_body(dispatcher)
    return LambdaRequest(request.environ, body=body, framework=framework)


def _read_body(dispatcher: Dispatcher) -> bytes:
    """Return the whole body of the current request, and leave it to the app as well."""
    environ = request.environ
    if _BODY not in environ:
        made = LambdaRequest(environ)
        try:
            if "stream" in vars(request):
                environ[_BODY] = _read_before()
            else:
                environ[_BODY] = _read_first(made, dispatcher.body_limit(made))
                environ["wsgi.input"] = io.BytesIO(environ[_BODY])
        except LambdaError as error:
            dispatcher.failure_response(error, made)
            # Nothing else may wait for the rest of the body.
            environ.update({"wsgi.input": io.BytesIO(), "wsgi.input_terminated": True})
            raise
    body: bytes = environ[_BODY]
    return body


def _read_first(made: LambdaRequest, limit: int) -> bytes:
    most = request.max_content_length
    if most is None or most >= limit:
        return made.body.read(limit)
    try:
        return made.body.read(most)
    except PayloadTooLarge:
        raise RequestEntityTooLarge from None


def _read_before() -> bytes:
    """Return the body that the app has read with `get_data`; raise `BodyGone` if it did not."""
    body = request.get_data()
    length = request.content_length
    if length is None:
        is_gone = not body and bool(request.form or request.files)
    else:
        is_gone = len(body) < length
    if is_gone:
        raise BodyGone(detail="it was parsed before: mark the view with keep_body")
    return body


def to_flask(response: LambdaResponse) -> Response:
    """Return a response of the app's own class."""
    response = for_framework(response, request.method)
    status = f"{response.status} {response.phrase}" if response.phrase else response.status
    made = current_app.response_class(response.body, status=status, headers=response.headers)
    if not any(name.lower() == "content-type" for name, _ in response.headers):
        made.headers.remove("Content-Type")
    return made


def handle_failure(error: LambdaError) -> Response:
    """Return the response for a failure that the app has not handled itself."""
    if error.response is None:
        made = LambdaRequest(request.environ, body=b"")
        dispatcher_of(current_app).failure_response(error, made)
    response: LambdaResponse = error.response
    page = None if error.has_own_response else _page(error)
    if page is None:
        return to_flask(response)
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
