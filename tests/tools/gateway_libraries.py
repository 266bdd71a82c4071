"""What an app sees behind each library, and where a library does otherwise than it should."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, unquote, unquote_to_bytes, urlencode

import apig_wsgi
import mangum
import serverless_wsgi
from aws_lambda_powertools.utilities.parser.models import (
    APIGatewayProxyEventModel,
    APIGatewayProxyEventV2Model,
)

from tests.tools.gateway_requests import Seen, in_disguise

VERSIONS = ("1.0", "2.0")


def apig_wsgi_shows(event: dict[str, Any]) -> Seen:
    return wsgi_app_sees(lambda app: apig_wsgi.make_lambda_handler(app)(event, None))


def serverless_wsgi_shows(event: dict[str, Any]) -> Seen:
    return wsgi_app_sees(lambda app: serverless_wsgi.handle_request(app, event, None))


def wsgi_app_sees(serve: Callable[[Any], Any]) -> Seen:
    """Return what the app given to ``serve`` sees; ValueError unless it is called once."""
    calls: list[Seen] = []

    def echo(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        # As werkzeug's EnvironHeaders reads them.
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
                path=in_disguise(scope["root_path"] + scope["path"]),
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

    # Mangum takes the thread's loop, and would make one that nobody closes.
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
    """Return what the model of the event's version holds."""
    if event["version"] == "1.0":
        model = APIGatewayProxyEventModel.model_validate(event)
        method, path = model.httpMethod, model.path
        query = urlencode(model.multiValueQueryStringParameters or {}, doseq=True)
        headers = {name: ",".join(values) for name, values in model.multiValueHeaders.items()}
    else:
        model = APIGatewayProxyEventV2Model.model_validate(event)
        method, path = model.requestContext.http.method, model.rawPath
        query, headers = in_disguise(model.rawQueryString), dict(model.headers)
        if model.cookies:
            headers["cookie"] = "; ".join(model.cookies)
    body = model.body or ""
    return Seen(
        method=method,
        path=unquote_to_bytes(path).decode("latin-1"),
        query=query,
        headers={name: in_disguise(value) for name, value in headers.items()},
        body=base64.b64decode(body, validate=True) if model.isBase64Encoded else body.encode(),
    )


LIBRARIES: dict[str, Callable[[dict[str, Any]], Seen]] = {
    "apig-wsgi": apig_wsgi_shows,
    "serverless-wsgi": serverless_wsgi_shows,
    "mangum": mangum_shows,
    "powertools": powertools_show,
}


# Where the formats and the libraries do otherwise.


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirk:
    """How an app sees a request otherwise than sent; ``expect`` says exactly how."""

    why: str
    source: str
    libraries: tuple[str, ...]
    versions: tuple[str, ...] = VERSIONS
    expect: Callable[[Seen], Seen]

    def is_of(self, library: str, version: str) -> bool:
        return library in self.libraries and version in self.versions


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a library cannot take a request, whoever sends its event."""

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


def join_cookies_without_a_blank(seen: Seen) -> Seen:
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
    return replace(seen, headers={n: in_disguise(text_of(v)) for n, v in seen.headers.items()})


def text_of(value: str) -> str:
    """Return what JSON, which holds no bytes, has for a value: UTF-8, or else latin-1."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeDecodeError:
        return value


def replace_what_is_no_utf_8(seen: Seen) -> Seen:
    return replace(seen, path=in_disguise(seen.path.encode("latin-1").decode(errors="replace")))


def unquote_path_again(seen: Seen) -> Seen:
    return replace(seen, path=in_disguise(unquote(text_of(seen.path))))


#: In the order in which they change what is expected.
QUIRKS = (
    Quirk(
        why="raw bytes of a query, which no URL may have, arrive percent-encoded",
        source="JSON holds no bytes",
        libraries=tuple(LIBRARIES),
        versions=("2.0",),
        expect=quote_raw_bytes,
    ),
    Quirk(
        why="a query arrives decoded and in groups of one name, and is encoded anew",
        source="the format: queryStringParameters, no raw query",
        libraries=tuple(LIBRARIES),
        versions=("1.0",),
        expect=group_query,
    ),
    Quirk(
        why="cookies arrive as a list, and lose the blanks between them",
        source="the format: cookies",
        libraries=("serverless-wsgi", "mangum", "powertools"),
        versions=("2.0",),
        expect=space_cookies,
    ),
    Quirk(
        why="cookies arrive as a list, and are joined without a blank",
        source="apig_wsgi/__init__.py, get_environ_v2",
        libraries=("apig-wsgi",),
        versions=("2.0",),
        expect=join_cookies_without_a_blank,
    ),
    Quirk(
        why="a Cookie header is always there",
        source="apig_wsgi/__init__.py, get_environ_v2; serverless_wsgi.py, handle_payload_v2",
        libraries=("apig-wsgi", "serverless-wsgi"),
        versions=("2.0",),
        expect=add_empty_cookie,
    ),
    Quirk(
        why="a Content-Length is always there",
        source="apig_wsgi/__init__.py, get_environ_*; serverless_wsgi.py, handle_payload_*",
        libraries=("apig-wsgi", "serverless-wsgi"),
        expect=add_content_length,
    ),
    Quirk(
        why="of a Content-Type what stands after a comma",
        source="apig_wsgi/__init__.py, get_environ_v2",
        libraries=("apig-wsgi",),
        versions=("2.0",),
        expect=take_type_after_a_comma,
    ),
    Quirk(
        why="a header that is no ASCII is text in the environ, not bytes in disguise",
        source="apig_wsgi/__init__.py, get_environ_*; serverless_wsgi.py, setup_environ_items",
        libraries=("apig-wsgi", "serverless-wsgi"),
        expect=headers_as_text,
    ),
    Quirk(
        why="a header in latin-1 arrives in UTF-8",
        source="JSON holds no bytes",
        libraries=("mangum", "powertools"),
        expect=headers_in_utf_8,
    ),
    Quirk(
        why="path bytes that are no UTF-8 become U+FFFD",
        source="serverless_wsgi.py, handle_payload_*: unquote",
        libraries=("serverless-wsgi",),
        expect=replace_what_is_no_utf_8,
    ),
    Quirk(
        why="path bytes that are no UTF-8 become U+FFFD",
        source="mangum/handlers/utils.py, strip_api_gateway_path: unquote",
        libraries=("mangum",),
        versions=("1.0",),
        expect=replace_what_is_no_utf_8,
    ),
    Quirk(
        why="http.path, decoded to text already, is unquoted again",
        source="mangum/handlers/api_gateway.py, HTTPGateway.scope",
        libraries=("mangum",),
        versions=("2.0",),
        expect=unquote_path_again,
    ),
)

#: By the request's name and the library.
REFUSALS = {
    ("TRACE", "powertools"): Refusal(
        error="Input should be 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST' or 'PUT'",
        why="the models know seven methods",
        source="aws_lambda_powertools/utilities/parser/models/apigw.py, apigwv2.py",
    ),
    ("a host that is an IPv6 address", "mangum"): Refusal(
        error="too many values to unpack",
        why="a Host is split at each colon",
        source="mangum/handlers/utils.py, get_server_and_port",
    ),
}
