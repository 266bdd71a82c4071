"""One option's text to its value, or a ValueError that says what is wanted.

No message repeats a text value: a secret may stand in the wrong place.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import os
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from operator import attrgetter
from typing import Any, cast
from urllib.parse import urlsplit

from wsgi_lambda.header_syntax import is_token, is_visible

# NamespacedFunctionName and Qualifier of the Invoke API's own model.
# https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
_FUNCTION_NAME = re.compile(
    r"(?:arn:(?:aws[a-zA-Z-]*)?:lambda:)?"
    r"(?:(?P<region>(?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d):)?"
    r"(?:\d{12}:)?(?:function:)?"
    r"(?P<name>[a-zA-Z0-9-_.]+)"
    r"(?::(?P<qualifier>\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9-_]+))?",
    re.ASCII,
)
_QUALIFIER = r"\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9-_]{1,128}"
_FUNCTION_NAME_LENGTH = 256  # characters
# RoleArn (paths included), RoleSessionName and ExternalId of STS.
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
_ROLE_ARN = r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,512}"
_SESSION_NAME = r"[\w+=,.@-]{2,64}"
_EXTERNAL_ID = r"[\w+=,.@:/-]{2,1224}"
# TenantId of the Invoke API's model.
_TENANT = r"[a-zA-Z0-9._:/=+\-@ ]{1,256}"
#: Before the name of the header that a tenant's id is taken from.
HEADER_SOURCE = "header:"
# https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#lambda-Invoke-request-ClientContext
_CLIENT_CONTEXT_LENGTH = 3583  # bytes of base64
# Part of a host name, so it must not be able to hold a dot.
_REGION = re.compile(r"[a-z]+(?:-[a-z0-9]+)+")
_HOST = r"(?!-)[a-zA-Z0-9-_]+(?:\.[a-zA-Z0-9-_]+)*\.?"
_HOST_PATTERN = (
    r"(?:\*\.[a-z0-9-_]+(?:\.[a-z0-9-_]+)*"
    r"|[a-z0-9-_]+(?:\.[a-z0-9-_]+)*(?:\.\*)?"
    r"|\[[0-9a-f:.]+\])(?::\d{1,5})?"
)


def fits(pattern: str, value: str) -> bool:
    """Tell whether ASCII ``pattern`` fits; it is compiled when first asked for, as few apps do."""
    return re.fullmatch(pattern, value, re.ASCII) is not None


def is_path(value: object) -> bool:
    """Tell whether a route's path can be met in a PATH_INFO."""
    if not isinstance(value, str) or not re.match(r"/(?!/)", value) or "\0" in value:
        return False
    # Half a surrogate pair has no bytes.
    return value == value.encode(errors="replace").decode()


def text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"must be a text that is not empty, not {type_in_words(value)}")
    return value


def secret(value: object) -> str:
    if not is_visible(text(value)):
        raise ValueError("holds a blank, a control or a non-ASCII character")
    return text(value)


def boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, not {type_in_words(value)}")
    return value


def integer(least: int, most: int | None = None) -> Callable[[object], int]:
    """Return a parser of whole numbers from ``least`` to ``most``."""
    wanted = f"a whole number from {least} to {most}" if most else f"a whole number from {least} on"

    def parse(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(f"must be {wanted}, not {type_in_words(value)}")
        if value < least or (most is not None and value > most):
            raise ValueError(f"must be {wanted}")
        return value

    return parse


def milliseconds(value: object) -> float:
    """Milliseconds outside, as in Kong; seconds inside."""
    # Kong's own limit, and about what a socket's timeout can hold.
    return integer(1, 2_147_483_646)(value) / 1000


def one_of(*choices: str) -> Callable[[object], str]:
    """Return a parser that takes one of ``choices`` as it is written."""

    def parse(value: object) -> str:
        if not isinstance(value, str) and str(value) in choices:
            raise ValueError(f'must be a text: write "{value}" in quotes')
        if not isinstance(value, str):
            raise ValueError(
                f"must be one of the texts {', '.join(choices)}, not {type_in_words(value)}"
            )
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return value

    return parse


def names(value: object) -> frozenset[str]:
    return frozenset(texts(value))


def methods(value: object) -> frozenset[str]:
    found = texts(value)
    if not all(map(is_token, found)):
        raise ValueError("holds a text that is no HTTP method")
    return frozenset(method.upper() for method in found)


def hosts(value: object) -> tuple[str, ...]:
    found = tuple(host.lower() for host in texts(value))
    if not all(fits(_HOST_PATTERN, each) for each in found):
        raise ValueError("holds a text that is no host name, `*.name` or `name.*`")
    return found


def function_name(value: object) -> str:
    name = text(value)
    if len(name) > _FUNCTION_NAME_LENGTH or not _FUNCTION_NAME.fullmatch(name):
        raise ValueError("is neither a function's name nor its ARN, by AWS's pattern")
    return name


def split_function_name(name: str) -> tuple[str, str, str]:
    """Return (region, name, qualifier) of a function's name or ARN; "" for what it lacks."""
    found = _FUNCTION_NAME.fullmatch(name)
    if found is None:
        return "", name, ""
    return found["region"] or "", found["name"], found["qualifier"] or ""


def qualifier(value: object) -> str:
    if not fits(_QUALIFIER, text(value)):
        raise ValueError("is neither a version nor an alias, by AWS's pattern")
    return text(value)


def region(value: object) -> str:
    if not is_region(text(value)):
        raise ValueError("is no AWS region, as in us-east-1")
    return text(value)


def is_region(name: str) -> bool:
    return _REGION.fullmatch(name) is not None


def is_tenant(name: str) -> bool:
    """Tell a tenant's id, which must also come through as a header's value."""
    return fits(_TENANT, name) and name == name.strip()


def tenant_id(value: object) -> str:
    given = text(value)
    if given.startswith(HEADER_SOURCE):
        if not is_token(given.removeprefix(HEADER_SOURCE)):
            raise ValueError(f"names no header after {HEADER_SOURCE}")
    elif not is_tenant(given):
        raise ValueError("is neither a tenant's id, by AWS's pattern, nor header:NAME")
    return given


def client_context(value: object) -> str:
    """Return a mapping as the base64 of its JSON, which Lambda limits."""
    if not isinstance(value, Mapping):
        raise ValueError(f"must be a mapping, not {type_in_words(value)}")
    try:
        encoded = base64.b64encode(json.dumps(dict(value), allow_nan=False).encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError("holds what is no JSON") from error
    if len(encoded) > _CLIENT_CONTEXT_LENGTH:
        raise ValueError(
            f"is {len(encoded)} bytes of base64, of which {_CLIENT_CONTEXT_LENGTH} are allowed"
        )
    return encoded.decode("ascii")


def function(value: object) -> Callable[..., Any]:
    """A callable, or where to import it from: `package.module:name`."""
    if callable(value):
        return value
    module, colon, name = text(value).partition(":")
    if not colon or not name or not module:
        raise ValueError("must be callable, or a text such as package.module:name")
    try:
        found = attrgetter(name)(import_module(module))
    except (ImportError, AttributeError, TypeError) as error:
        raise ValueError(f"could not be imported ({type(error).__name__})") from error
    if not callable(found):
        raise ValueError("is not callable")
    return cast("Callable[..., Any]", found)


def host(value: object) -> str:
    """A name or an address; brackets of an IPv6 address are optional."""
    name = text(value)
    bare = name[1:-1] if name.startswith("[") and name.endswith("]") else name
    try:
        if "%" not in bare:  # a zone would have to be escaped in the URL
            return str(ipaddress.ip_address(bare))
    except ValueError:
        if fits(_HOST, name):
            return name.lower()
    raise ValueError("must be a host name or address alone, without scheme, port or path")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The parts of a URL that leads to a server; port 0 is the scheme's own."""

    scheme: str
    host: str
    port: int


def endpoint_url(value: object, *schemes: str) -> Endpoint:
    """Return the parts of a URL of one of ``schemes`` (http, https) that names a server alone."""
    wanted = schemes or ("http", "https")
    given = text(value)
    try:
        parts = urlsplit(given)
        port = parts.port
    except ValueError as error:
        raise ValueError("is no URL of a server") from error
    if parts.scheme not in wanted:
        raise ValueError(f"must be a URL that begins with {' or '.join(wanted)}")
    if parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("must be a URL of a server alone, without user, path or query")
    try:
        return Endpoint(parts.scheme, host(parts.hostname or ""), port or 0)
    except ValueError as error:
        raise ValueError("is no URL of a server") from error


def proxy_url(value: object) -> str:
    """The only kind of proxy that Kong takes: plain HTTP to it, CONNECT through it.

    Name and password may stand in it, percent-encoded; it is shown nowhere.
    """
    given = text(value)
    user, at, server = given.rpartition("@")
    if at and not re.fullmatch(r"http://[^\s@/?#]+", user):
        raise ValueError("has a user that is not percent-encoded")
    endpoint_url(f"http://{server}" if at else given, "http")
    return given


def sts_endpoint_url(value: object) -> str:
    endpoint_url(value)
    return text(value)


def role_arn(value: object) -> str:
    if not fits(_ROLE_ARN, text(value)):
        raise ValueError("is no ARN of an IAM role")
    return text(value)


def role_session_name(value: object) -> str:
    if not fits(_SESSION_NAME, text(value)):
        raise ValueError("must have 2 to 64 letters, digits or characters of +=,.@-_")
    return text(value)


def external_id(value: object) -> str:
    if not fits(_EXTERNAL_ID, text(value)):
        raise ValueError("must have 2 to 1224 letters, digits or characters of +=,.@:/-_")
    return text(value)


def tls_verify(value: object) -> bool | str:
    """A bundle is read here, so that a wrong path is found at start-up."""
    if isinstance(value, bool):
        return value
    if not isinstance(value, (str, os.PathLike)) or not value:
        raise ValueError(
            f"must be true, false or the path of a CA bundle, not {type_in_words(value)}"
        )
    path = os.fspath(value)
    try:
        ssl.create_default_context(cafile=path)
    except OSError as error:
        raise ValueError(
            f"no CA bundle could be read there ({error.strerror or 'bad PEM'})"
        ) from error
    return path


def texts(value: object) -> list[str]:
    if isinstance(value, str) or not isinstance(value, (list, tuple, set, frozenset)) or not value:
        raise ValueError(f"must be a list of texts that is not empty, not {type_in_words(value)}")
    return [text(item) for item in value]


def type_in_words(value: object) -> str:
    """Say what ``value`` is without saying what it holds."""
    if value in ("", [], (), set()):
        return "an empty one"
    return {str: "a text", bool: "a boolean", int: "a number", float: "a fraction"}.get(
        type(value), type(value).__name__
    )
