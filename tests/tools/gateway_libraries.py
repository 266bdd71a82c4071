"""Read events with each library, and list the known differences of the libraries."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, unquote_to_bytes, urlencode

import apig_wsgi
import mangum
import serverless_wsgi
from aws_lambda_powertools.utilities.parser.models import (
    APIGatewayProxyEventModel,
    APIGatewayProxyEventV2Model,
)

from tests.tools.gateway_requests import Seen, as_latin_1

VERSIONS = ("1.0", "2.0")


def apig_wsgi_shows(event: dict[str, Any]) -> Seen:
    return wsgi_app_sees(lambda app: apig_wsgi.make_lambda_handler(app)(event, None))


def serverless_wsgi_shows(event: dict[str, Any]) -> Seen:
    return wsgi_app_sees(lambda app: serverless_wsgi.handle_request(app, event, None))


def wsgi_app_sees(serve: Callable[[Any], Any]) -> Seen:
    """Return the request that the app given to ``serve`` sees; it must be called exactly once."""
    calls: list[Seen] = []

    def echo(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        # Like werkzeug's EnvironHeaders.
        headers = {
            name[5:].replace("_", "-").lower(): value
            for name, value in environ.items()
            if name.startswith("HTTP_") and name not in ("HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH")
        }
        for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            if environ.get(name):
                headers[name.replace("_", "-").lower()] = environ[name]
        calls.append(
            Seen(
                method=environ["REQUEST_METHOD"],
                path=environ["SCRIPT_NAME"] + environ["PATH_INFO"],
                query=environ["QUERY_STRING"],
                headers=headers,
                body=environ["wsgi.input"].read(),
            )
        )
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b""]

    serve(echo)
    (seen,) = calls
    return seen


def mangum_shows(event: dict[str, Any]) -> Seen:
    calls: list[Seen] = []

    async def echo(scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        calls.append(
            Seen(
                method=scope["method"],
                path=as_latin_1(scope["root_path"] + scope["path"]),
                query=scope["query_string"].decode("latin-1"),
                headers={
                    name.decode("latin-1"): value.decode("latin-1")
                    for name, value in scope["headers"]
                },
                body=body,
            )
        )
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    # Mangum uses the thread's event loop, or creates one and never closes it.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        mangum.Mangum(echo, lifespan="off")(event, None)
    finally:
        asyncio.set_event_loop(None)
        loop.close()
    (seen,) = calls
    return seen


def powertools_show(event: dict[str, Any]) -> Seen:
    """Return the request in the model for the event's version."""
    if event["version"] == "1.0":
        model = APIGatewayProxyEventModel.model_validate(event)
        method, path = model.httpMethod, model.path
        query = urlencode(model.multiValueQueryStringParameters or {}, doseq=True)
        headers = {name: ",".join(values) for name, values in model.multiValueHeaders.items()}
    else:
        model = APIGatewayProxyEventV2Model.model_validate(event)
        method, path = model.requestContext.http.method, model.rawPath
        query, headers = as_latin_1(model.rawQueryString), dict(model.headers)
        if model.cookies:
            headers["cookie"] = "; ".join(model.cookies)
    body = model.body or ""
    return Seen(
        method=method,
        path=unquote_to_bytes(path).decode("latin-1"),
        query=query,
        headers={name: as_latin_1(value) for name, value in headers.items()},
        body=base64.b64decode(body, validate=True) if model.isBase64Encoded else body.encode(),
    )


LIBRARIES: dict[str, Callable[[dict[str, Any]], Seen]] = {
    "apig-wsgi": apig_wsgi_shows,
    "serverless-wsgi": serverless_wsgi_shows,
    "mangum": mangum_shows,
    "powertools": powertools_show,
}


# Known differences of the formats and the libraries.


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirk:
    """A known difference between the request sent and the one an app sees.

    ``expect`` applies it to the expected request.
    """

    why: str
    source: str
    libraries: tuple[str, ...]
    versions: tuple[str, ...] = VERSIONS
    expect: Callable[[Seen], Seen]

    def is_of(self, library: str, version: str) -> bool:
        return library in self.libraries and version in self.versions


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A request that a library rejects, also in an event of AWS."""

    error: str
    why: str
    source: str


def quote_raw_bytes(seen: Seen) -> Seen:
    return replace(seen, query=re.sub(r"[^\x21-\x7e]", lambda m: f"%{ord(m[0]):02X}", seen.query))


def group_query(seen: Seen) -> Seen:
    query = quote_raw_bytes(seen).query
    values = parse_qs(query, keep_blank_values=True, errors="replace")
    return replace(seen, query=urlencode(values, doseq=True))


def space_cookies(seen: Seen) -> Seen:
    return change_cookie(seen, "; ".join)


def join_cookies_without_a_space(seen: Seen) -> Seen:
    return change_cookie(seen, ";".join)


def change_cookie(seen: Seen, join: Callable[[list[str]], str]) -> Seen:
    if "cookie" not in seen.headers:
        return seen
    cookies = [part.strip() for part in seen.headers["cookie"].split(";") if part.strip()]
    return replace(seen, headers={**seen.headers, "cookie": join(cookies)})


def add_empty_cookie(seen: Seen) -> Seen:
    return replace(seen, headers={"cookie": "", **seen.headers})


def add_content_length(seen: Seen) -> Seen:
    return replace(seen, headers={"content-length": str(len(seen.body)), **seen.headers})


def take_type_after_a_comma(seen: Seen) -> Seen:
    if "content-type" not in seen.headers:
        return seen
    kind = seen.headers["content-type"].split(",")[-1]
    return replace(seen, headers={**seen.headers, "content-type": kind})


def headers_as_text(seen: Seen) -> Seen:
    return replace(seen, headers={name: text_of(value) for name, value in seen.headers.items()})


def headers_in_utf_8(seen: Seen) -> Seen:
    return replace(seen, headers={n: as_latin_1(text_of(v)) for n, v in seen.headers.items()})


def text_of(value: str) -> str:
    """Decode a header value for JSON, which has no bytes: as UTF-8, otherwise as latin-1."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeDecodeError:
        return value


def path_in_utf_8(seen: Seen) -> Seen:
    return replace(seen, path=as_latin_1(text_of(seen.path)))


def replace_invalid_utf_8(seen: Seen) -> Seen:
    return replace(seen, path=as_latin_1(seen.path.encode("latin-1").decode(errors="replace")))


#: In the order in which they are applied.
QUIRKS = (
    Quirk(
        why="raw bytes in a query, which are invalid in a URL, are percent-encoded",
        source="JSON has no bytes",
        libraries=tuple(LIBRARIES),
        versions=("2.0",),
        expect=quote_raw_bytes,
    ),
    Quirk(
        why="a query is decoded, grouped by name, and encoded again",
        source="the format: queryStringParameters, no raw query",
        libraries=tuple(LIBRARIES),
        versions=("1.0",),
        expect=group_query,
    ),
    Quirk(
        why="cookies are a list, and lose the spaces between them",
        source="the format: cookies",
        libraries=("serverless-wsgi", "mangum", "powertools"),
        versions=("2.0",),
        expect=space_cookies,
    ),
    Quirk(
        why="cookies are a list, and are joined without a space",
        source="apig_wsgi/__init__.py, get_environ_v2",
        libraries=("apig-wsgi",),
        versions=("2.0",),
        expect=join_cookies_without_a_space,
    ),
    Quirk(
        why="a Cookie header is always present",
        source="apig_wsgi/__init__.py, get_environ_v2; serverless_wsgi.py, handle_payload_v2",
        libraries=("apig-wsgi", "serverless-wsgi"),
        versions=("2.0",),
        expect=add_empty_cookie,
    ),
    Quirk(
        why="a Content-Length is always present",
        source="apig_wsgi/__init__.py, get_environ_*; serverless_wsgi.py, handle_payload_*",
        libraries=("apig-wsgi", "serverless-wsgi"),
        expect=add_content_length,
    ),
    Quirk(
        why="only the part of a Content-Type after a comma is kept",
        source="apig_wsgi/__init__.py, get_environ_v2",
        libraries=("apig-wsgi",),
        versions=("2.0",),
        expect=take_type_after_a_comma,
    ),
    Quirk(
        why="a header that is not ASCII is decoded text in the environ, not latin-1 as in WSGI",
        source="apig_wsgi/__init__.py, get_environ_*; serverless_wsgi.py, setup_environ_items",
        libraries=("apig-wsgi", "serverless-wsgi"),
        expect=headers_as_text,
    ),
    Quirk(
        why="a header in latin-1 is converted to UTF-8",
        source="JSON has no bytes",
        libraries=("mangum", "powertools"),
        expect=headers_in_utf_8,
    ),
    Quirk(
        why="path bytes that are invalid UTF-8 become U+FFFD",
        source="serverless_wsgi.py, handle_payload_*: unquote",
        libraries=("serverless-wsgi",),
        expect=replace_invalid_utf_8,
    ),
    Quirk(
        why="path bytes that are invalid UTF-8 become U+FFFD",
        source="mangum/handlers/utils.py, strip_api_gateway_path: unquote",
        libraries=("mangum",),
        versions=("1.0",),
        expect=replace_invalid_utf_8,
    ),
    Quirk(
        why="path bytes that are invalid UTF-8 are converted from latin-1 to UTF-8",
        source="JSON has no bytes",
        libraries=("mangum",),
        versions=("2.0",),
        expect=path_in_utf_8,
    ),
)

#: By the request's name and the library.
REFUSALS = {
    ("TRACE", "powertools"): Refusal(
        error="Input should be 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST' or 'PUT'",
        why="the models accept seven methods",
        source="aws_lambda_powertools/utilities/parser/models/apigw.py, apigwv2.py",
    ),
    ("a host that is an IPv6 address", "mangum"): Refusal(
        error="too many values to unpack",
        why="Host is split at every colon",
        source="mangum/handlers/utils.py, get_server_and_port",
    ),
}
