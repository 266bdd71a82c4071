"""Call the configuration's own function that writes the response of a failure.

Imported at the first failure of a route with `on_error`.
"""

from __future__ import annotations

import io
from collections.abc import Callable

from werkzeug.wrappers import Request as WerkzeugRequest
from werkzeug.wrappers import Response as WerkzeugResponse

from wsgi_lambda.errors import LambdaError
from wsgi_lambda.request import Request
from wsgi_lambda.response.headers import without
from wsgi_lambda.response.wsgi import Response, from_werkzeug

OnError = Callable[[WerkzeugRequest, LambdaError], WerkzeugResponse | None]


def call_on_error(
    hook: OnError,
    request: Request,
    error: LambdaError,
    default: Response,
    log_broken: Callable[[Exception], None],
) -> Response:
    """Return the response of ``hook``, or ``default`` if it returns None.

    The hook gets a Werkzeug Request with an empty body, because the real one may
    have been read only in part. Headers of ``default`` that describe the failure
    are added to its response unless it sets them. If the hook raises or returns
    anything else, ``log_broken`` gets the error and ``default`` is returned: a failure
    always has a response.
    """
    environ = {**request.environ, "wsgi.input": io.BytesIO(), "CONTENT_LENGTH": "0"}
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    try:
        result = hook(WerkzeugRequest(environ, populate_request=False), error)
        if result is None:
            return default
        if not isinstance(result, WerkzeugResponse):
            raise TypeError(f"returned {type(result).__name__}, neither None nor a Response")  # noqa: TRY301
        response = from_werkzeug(result, environ)
    except Exception as broken:  # noqa: BLE001 - it is logged
        log_broken(broken)
        return default
    own = [*response.headers, ("Content-Type", "")]
    return response._replace(headers=[*response.headers, *without(default.headers, own)])
