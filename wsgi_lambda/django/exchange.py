"""A Django request becomes one of ours, our response becomes one of Django's."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote_to_bytes

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.encoding import repercent_broken_unicode

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

from wsgi_lambda.django.conf import dispatcher
from wsgi_lambda.django.cookies import FunctionCookies, in_ascii
from wsgi_lambda.django.streams import BodilessResponse, ThreadedBody
from wsgi_lambda.errors import BodyGone, LambdaError, PayloadTooLarge
from wsgi_lambda.request import FrameworkValues, Request
from wsgi_lambda.request_body import RequestBody
from wsgi_lambda.response.wsgi import BODILESS, Response, for_framework

View = TypeVar("View", bound=Callable[..., Any])

#: The attribute of a view whose request's body is read before CsrfViewMiddleware works.
KEEPS_BODY = "wsgi_lambda_keeps_body"

# The attribute of a request for the body that was read here, or for the error of reading it.
_BODY = "wsgi_lambda_body"


def keep_body(view: View) -> View:
    """Mark a view that calls `respond(request)`: its request's body stays complete.

    Without it, the body of a multipart form is gone once a middleware or the view
    has parsed it. Put it above all other decorators. LambdaFunctionsMiddleware
    must be installed.
    """
    setattr(view, KEEPS_BODY, True)
    return view


def environ_of(request: HttpRequest, path: str | None = None) -> WSGIEnvironment:
    """Return the WSGI environ of ``request``, a copy.

    ``path`` is the part of the path that routes are compared with, if urls were
    included below a prefix. Host, port and scheme are those that Django trusts.
    Raises `DisallowedHost`.
    """
    environ: WSGIEnvironment = dict(request.META)
    host = request.get_host()
    if "HTTP_HOST" in environ or settings.USE_X_FORWARDED_HOST:
        environ["HTTP_HOST"] = host
    environ["SERVER_PORT"] = request.get_port()
    environ["wsgi.url_scheme"] = request.scheme
    scope = getattr(request, "scope", None)
    if scope is not None:
        environ["SERVER_PROTOCOL"] = f"HTTP/{scope.get('http_version', '1.1')}"
        raw = scope.get("raw_path")
        if raw is not None:
            query = environ["QUERY_STRING"]
            environ["RAW_URI"] = raw.decode("latin-1") + (f"?{query}" if query else "")
    _set_path(environ, request, path)
    return environ


def _set_path(environ: WSGIEnvironment, request: HttpRequest, path: str | None) -> None:
    """Write PATH_INFO and SCRIPT_NAME as PEP 3333 wants them: bytes as latin-1 characters."""
    script, info = environ.get("SCRIPT_NAME", ""), request.path_info
    below = 0 if path is None else len(info) - len(path) - 1
    if not (script.isascii() and info.isascii()) or "%" in info:
        raw = unquote_to_bytes(_raw_path(environ))
        prefix = len(info[: max(below, 0)].encode())
        is_raw = script + info in (_as_django(raw), raw.decode(errors="replace"))
        script_bytes = script.encode()
        info_bytes = raw[len(script_bytes) :] if is_raw else info.encode()
        script, info = script_bytes.decode("latin-1"), info_bytes.decode("latin-1")
        below = prefix
    environ["SCRIPT_NAME"], environ["PATH_INFO"] = script, info
    if below > 0:
        environ["SCRIPT_NAME"], environ["PATH_INFO"] = script + info[:below], info[below:]


def _as_django(raw: bytes) -> str:
    text: str = repercent_broken_unicode(raw).decode()
    return text


def _raw_path(environ: WSGIEnvironment) -> str:
    target: str = environ.get("REQUEST_URI") or environ.get("RAW_URI") or ""
    return target.partition("?")[0]


def principal_of(request: HttpRequest) -> Callable[[], str | None] | None:
    """Return a callable that returns who is asking; None for REMOTE_USER."""
    configured = dispatcher().principal
    if configured is not None:
        return lambda: configured(request)
    user = getattr(request, "user", None)
    if user is None:
        return None
    return lambda: user.get_username() if user.is_authenticated else None


def make_request(
    request: HttpRequest, environ: WSGIEnvironment, framework: FrameworkValues
) -> Request:
    """Return ``request`` with its whole body; raises what `read_body` raises."""
    return Request(environ, body=read_body(request), framework=framework)


def read_body(request: HttpRequest) -> bytes:
    """Return the whole body, and leave it to Django as well.

    Raises a logged `LambdaError` for a body that is incomplete, too large or gone,
    and `RequestDataTooBig` over DATA_UPLOAD_MAX_MEMORY_SIZE.
    """
    found: bytes | Exception | None = getattr(request, _BODY, None)
    if isinstance(found, Exception):
        raise found
    if found is not None:
        return found
    kept: bytes | None = getattr(request, "_body", None)
    if _is_ignored(request) or (kept is None and not request._read_started):
        return _read(request)
    try:
        if "wsgi.input" in request.META:
            RequestBody(request.META).check_framing()
        if kept is None:
            raise BodyGone(
                detail="it was parsed before: mark the view with keep_body, put "
                "LambdaFunctionsMiddleware before the middleware that parses it, and let that do "
                "so in process_view"
            )
    except LambdaError as error:
        setattr(request, _BODY, error)
        dispatcher().failure_response(error, Request(request.META, body=b""))
        raise
    return kept


def _is_ignored(request: HttpRequest) -> bool:
    """Return whether Django takes the body for empty, as a chunked one under WSGI."""
    environ = request.META
    length: str = environ.get("CONTENT_LENGTH") or ""
    return "wsgi.input" in environ and not length.isdecimal()


def _read(request: HttpRequest) -> bytes:
    environ = request.META
    if "wsgi.input" not in environ:
        # ASGI has received the whole body already.
        environ = {**environ, "wsgi.input": request, "wsgi.input_terminated": True}
    reader, body = RequestBody(environ), b""
    try:
        body = _read_first(request, reader)
        setattr(request, _BODY, body)
    except LambdaError as error:
        setattr(request, _BODY, error)
        reader.drain()
        dispatcher().failure_response(error, Request(environ, body=b""))
        raise
    except RequestDataTooBig as error:
        setattr(request, _BODY, error)
        raise
    finally:
        # After a failure too: nothing else may wait for the rest of the body.
        request._body, request._stream, request._read_started = body, io.BytesIO(body), True
    if body:
        _check_fields(request)
    return body


def _read_first(request: HttpRequest, reader: RequestBody) -> bytes:
    environ, most = request.META, None
    limit = dispatcher().body_limit(environ)
    if environ.get("CONTENT_LENGTH") or environ.get("HTTP_TRANSFER_ENCODING"):
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if most is None or most >= limit or _is_multipart(request):
        return reader.read(limit)
    try:
        return reader.read(most)
    except PayloadTooLarge:
        raise RequestDataTooBig(
            "Request body exceeded settings.DATA_UPLOAD_MAX_MEMORY_SIZE."
        ) from None


def _check_fields(request: HttpRequest) -> None:
    """Let Django check the fields of a large multipart form; files do not count."""
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if most is not None and len(request.body) > most and _is_multipart(request):
        request.POST  # noqa: B018 - raises RequestDataTooBig


def _is_multipart(request: HttpRequest) -> bool:
    return bool(request.content_type == "multipart/form-data")


def to_django(response: Response, request: HttpRequest) -> HttpResponseBase:
    """Return a response of Django: repeated headers are joined, each cookie keeps its line."""
    response = for_framework(response, request.method or "")
    headers: dict[str, str] = {}
    spelling: dict[str, str] = {}
    cookies = []
    for name, value in response.headers:
        lower = name.lower()
        if lower == "set-cookie":
            cookies.append(value)
        elif lower in spelling:
            headers[spelling[lower]] += f", {value}"
        else:
            headers[name], spelling[lower] = value, name
    made = _make_response(response, request, headers)
    made.status_code = response.status  # the constructor allows no status above 599
    if "content-type" not in spelling:
        del made.headers["Content-Type"]
    if cookies:
        is_asgi = hasattr(request, "scope")
        made.cookies = FunctionCookies(map(in_ascii, cookies) if is_asgi else cookies)
    return made


def _make_response(
    response: Response, request: HttpRequest, headers: dict[str, str]
) -> HttpResponseBase:
    reason = response.phrase or None
    if not response.is_stream:
        return HttpResponse(response.body, headers=headers, reason=reason)
    if request.method == "HEAD" or response.status in BODILESS:
        return BodilessResponse(headers=headers, reason=reason)
    body: Any = ThreadedBody(response.body) if hasattr(request, "scope") else response.body
    return StreamingHttpResponse(body, headers=headers, reason=reason)


def failure(error: LambdaError, request: HttpRequest) -> HttpResponseBase:
    """Return the response for a failure; one that the project raised itself is logged."""
    if error.response is None:
        made = Request({**request.META, "wsgi.url_scheme": request.scheme}, body=b"")
        dispatcher().failure_response(error, made)
    return to_django(error.response, request)
