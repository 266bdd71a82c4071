"""Parse the result of a proxy integration: JSON with status, headers and body.

The shape is API Gateway's, the same for payload 1.0 and 2.0.
https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from wsgi_lambda import strict_json
from wsgi_lambda.errors import ResultError
from wsgi_lambda.header_syntax import LENGTH, Headers, is_token, is_value
from wsgi_lambda.response.headers import end_to_end

_STATUS = re.compile(r"[2-5][0-9]{2}")
_HEADER_FIELDS = ("headers", "multiValueHeaders", "cookies")
_COOKIE = "set-cookie"
_MOST_HEADERS = 1000  # lines
_LONGEST_HEADERS = 1024 * 1024  # characters of all lines; no client accepts a quarter of this
# A result has a few dozen, whatever its body is: a string. Each takes 60 bytes and more.
_MOST_CONTAINERS = 100_000


class Result(NamedTuple):
    """A valid result."""

    status: int
    headers: Headers
    body: bytes
    #: The function's own Content-Length, None if it is missing or invalid.
    content_length: int | None


def read_result(payload: bytes, *, is_inferred: bool) -> Result | None:
    """Return the result in ``payload``; raise `ResultError` that names the malformed field.

    With ``is_inferred`` (payload 2.0) return None for JSON without a
    `statusCode`: it is the body of the response itself.
    """
    result = _parse(payload)
    if is_inferred and (not isinstance(result, dict) or result.get("statusCode") is None):
        return None
    if not isinstance(result, dict):
        raise _malformed("result", "is not a JSON object")
    _check_size_of_headers(result)
    headers = _without_equal_cookies([*_headers(result), *_cookies(result)])
    return Result(
        _status(result), end_to_end(headers), _body(result), content_length=_content_length(headers)
    )


def read_head(head: bytes) -> tuple[int, Headers]:
    """Return status and headers of the head of a stream; raise `ResultError` as `read_result`.

    It begins with ``{``. Every field is optional, the status is 200 by default:
    ``(200, [])`` for ``{}``.
    """
    try:
        result = strict_json.loads(head)
    except (ValueError, RecursionError) as error:
        raise _malformed("stream head", "is not JSON") from error
    _check_size_of_headers(result)
    headers = _without_equal_cookies([*_headers(result), *_cookies(result)])
    status = 200 if result.get("statusCode") is None else _status(result)
    return status, end_to_end(headers)


def _parse(payload: bytes) -> Any:
    try:
        if len(payload) <= strict_json.LARGE:
            return strict_json.loads(payload)
        return _parse_large(payload)
    except (ValueError, RecursionError) as error:
        raise _malformed("result", "is not JSON") from error


def _parse_large(payload: bytes) -> Any:
    from wsgi_lambda import json_pieces

    try:
        return json_pieces.parse(strict_json.text_of(payload), _MOST_CONTAINERS)
    except json_pieces.TooManyContainers as error:
        what = f"has more than {_MOST_CONTAINERS:,} arrays and objects"
        raise _malformed("result", what) from error


def _check_size_of_headers(result: dict[str, Any]) -> None:
    """Count the header lines and their characters before any of them is looked at."""
    lines = 0
    for field in _HEADER_FIELDS:
        value = result.get(field)
        lines += len(value) if isinstance(value, (dict, list)) else 0
        if field == "multiValueHeaders" and isinstance(value, dict):
            lines += sum(len(each) - 1 for each in value.values() if isinstance(each, list))
    if lines > _MOST_HEADERS:
        raise _malformed("headers", f"are more than {_MOST_HEADERS:,} lines")
    if sum(map(len, _texts(result))) > _LONGEST_HEADERS:
        raise _malformed("headers", f"are longer than {_LONGEST_HEADERS:,} characters")


def _texts(result: dict[str, Any]) -> Iterator[str]:
    """Yield the names and the values of all header lines."""
    for field in _HEADER_FIELDS:
        value = result.get(field)
        lines = value.items() if isinstance(value, dict) else [("", value)]
        for name, item in lines:
            for each in item if isinstance(item, list) else [item]:
                yield name
                if isinstance(each, str):
                    yield each


def _malformed(field: str, what: str) -> ResultError:
    return ResultError(f"The function's {field} {what}", detail="malformed result")


def _status(result: dict[str, Any]) -> int:
    value = result.get("statusCode")
    if value is None:
        raise _malformed("statusCode", "is missing")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise _malformed("statusCode", "is not a whole number")
    # Compared as text: Python refuses to convert a number of 5,000 digits.
    if (isinstance(value, int) and not 200 <= value <= 599) or not _STATUS.fullmatch(str(value)):
        raise _malformed("statusCode", "is not from 200 to 599")
    return int(value)


def _headers(result: dict[str, Any]) -> Headers:
    """Return `multiValueHeaders`, then the `headers` that it does not name."""
    multiple: Headers = []
    for name, values in _mapping(result, "multiValueHeaders"):
        if not isinstance(values, list):
            raise _malformed(
                "multiValueHeaders", f"has a value that is not a list for {_shown(name)}"
            )
        items = (item for item in values if item is not None)
        multiple.extend(_header("multiValueHeaders", name, item) for item in items)
    wins = {name.lower() for name, _ in multiple}
    single: dict[str, tuple[str, str]] = {}
    for name, value in _mapping(result, "headers"):
        header = _header("headers", name, value)
        # Before `cookies` existed, names that differ in case were the only way
        # to set two. Of any other header the last one counts.
        key = name if name.lower() == _COOKIE else name.lower()
        if name.lower() not in wins:
            single[key] = header
    return [*single.values(), *multiple]


def _mapping(result: dict[str, Any], field: str) -> list[tuple[str, Any]]:
    value = result.get(field)
    if value is None:
        return []
    if not isinstance(value, dict):
        raise _malformed(field, "is not a JSON object")
    return [(name, item) for name, item in value.items() if item is not None]


def _header(field: str, name: str, value: object) -> tuple[str, str]:
    if not is_token(name):
        raise _malformed(field, f"has a name that is not an HTTP token: {_shown(name)}")
    if isinstance(value, (bool, int, float)):
        value = json.dumps(value)
    if not isinstance(value, str):
        raise _malformed(field, f"has a value that is not a string for {_shown(name)}")
    if not is_value(value):
        raise _malformed(field, f"contains a control character in the value of {_shown(name)}")
    return name, value


def _shown(name: str) -> str:
    """Return a name for a message: escaped and truncated."""
    return ascii(name[:100])


def _cookies(result: dict[str, Any]) -> Headers:
    value = result.get("cookies")
    if value is None:
        return []
    if not isinstance(value, list):
        raise _malformed("cookies", "is not a list")
    for cookie in value:
        if not isinstance(cookie, str):
            raise _malformed("cookies", "has an item that is not a string")
        if not is_value(cookie):
            raise _malformed("cookies", "contains a control character")
    return [("Set-Cookie", cookie) for cookie in value]


def _content_length(headers: Headers) -> int | None:
    values = {value for name, value in headers if name.lower() == "content-length"}
    value = values.pop() if len(values) == 1 else ""
    return int(value) if LENGTH.fullmatch(value) else None


def _without_equal_cookies(headers: Headers) -> Headers:
    """Return ``headers`` with the first one of equal `Set-Cookie` values only.

    Adapters put the same cookies into `cookies` and into the headers.
    """
    kept: Headers = []
    seen: set[str] = set()
    for name, value in headers:
        if name.lower() == _COOKIE:
            if value in seen:
                continue
            seen.add(value)
        kept.append((name, value))
    return kept


def _body(result: dict[str, Any]) -> bytes:
    body = result.get("body")
    encoded = result.get("isBase64Encoded")
    if body is None:
        body = ""
    if not isinstance(body, str):
        raise _malformed("body", "is not a string")
    if encoded is not None and not isinstance(encoded, bool):
        raise _malformed("isBase64Encoded", "is not a boolean")
    try:
        return base64.b64decode(body, validate=True) if encoded else body.encode()
    except UnicodeEncodeError as error:
        raise _malformed("body", "contains a lone surrogate") from error
    except (binascii.Error, ValueError) as error:
        raise _malformed("body", "is not base64") from error
