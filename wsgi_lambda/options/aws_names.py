"""Parse AWS's names: functions, qualifiers, regions, roles, tenants, client contexts."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import NamedTuple

from wsgi_lambda.header_syntax import is_token
from wsgi_lambda.options.parsers import filled_in, fits, mismatch, string

# NamespacedFunctionName and Qualifier in the model of the Invoke API.
# https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
_FUNCTION_NAME = re.compile(
    r"(?:arn:(?P<partition>aws[a-zA-Z-]*)?:lambda:)?"
    r"(?:(?P<region>(?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d):)?"
    r"(?:(?P<account>\d{12}):)?(?:function:)?"
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
# TenantId in the model of the Invoke API.
_TENANT = r"[a-zA-Z0-9._:/=+\-@ ]{1,256}"
#: The prefix of a `tenant_id` that is read from a request header: "header:X-Tenant".
_HEADER_SOURCE = "header:"
# https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#lambda-Invoke-request-ClientContext
CLIENT_CONTEXT_LENGTH = 3583  # bytes of base64
# A region becomes part of a host name, so it must not contain a dot.
_REGION = re.compile(r"[a-z]+(?:-[a-z0-9]+)+")


def function_name(value: object) -> str:
    name = filled_in(value)
    found = _FUNCTION_NAME.fullmatch(name)
    # AWS's pattern allows dots only, which a server or proxy may remove from a URL.
    if len(name) > _FUNCTION_NAME_LENGTH or found is None or found["name"] in (".", ".."):
        raise ValueError("is not a valid function name or ARN")
    return name


class FunctionParts(NamedTuple):
    """The parts of a function name or ARN; "" for a missing one."""

    region: str
    name: str
    qualifier: str
    partition: str = ""
    account: str = ""


def split_function_name(name: str) -> FunctionParts:
    """Split a function name or ARN.

    ``"arn:aws:lambda:us-east-1:123456789012:function:orders:live"`` becomes
    ``FunctionParts("us-east-1", "orders", "live", "aws", "123456789012")``.
    """
    found = _FUNCTION_NAME.fullmatch(name)
    if found is None:
        return FunctionParts("", name, "")
    names = ("region", "name", "qualifier", "partition", "account")
    return FunctionParts(*(found[each] or "" for each in names))


def qualifier(value: object) -> str:
    if not fits(_QUALIFIER, string(value)):
        raise ValueError("is not a valid version or alias")
    return string(value)


def region(value: object) -> str:
    name = filled_in(value)
    if not is_region(name):
        raise ValueError("is not a valid region name, such as us-east-1")
    return name


def is_region(name: str) -> bool:
    return _REGION.fullmatch(name) is not None


def is_tenant(name: str) -> bool:
    """Return whether ``name`` is a tenant id that an HTTP header can carry unchanged."""
    return fits(_TENANT, name) and name == name.strip()


class Tenant(NamedTuple):
    """A tenant that is the same for all requests."""

    value: str


class TenantHeader(NamedTuple):
    """The header of each request that contains its tenant."""

    name: str


def tenant_id(value: object) -> Tenant | TenantHeader:
    """Parse a tenant id, or its source: ``"header:X-Tenant"`` is ``TenantHeader("X-Tenant")``."""
    given = string(value)
    if given.startswith(_HEADER_SOURCE):
        name = given.removeprefix(_HEADER_SOURCE)
        if not is_token(name):
            raise ValueError(f"must name a header after {_HEADER_SOURCE}")
        return TenantHeader(name)
    if not is_tenant(given):
        raise ValueError("is not a valid tenant id or header:NAME")
    return Tenant(given)


def client_context(value: object) -> str:
    """Parse a mapping into the base64 of its JSON: ``{"a": 1}`` becomes ``"eyJhIjogMX0="``."""
    if not isinstance(value, Mapping):
        raise mismatch("a mapping", value)
    try:
        encoded = base64.b64encode(json.dumps(dict(value), allow_nan=False).encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError("must contain only JSON values") from error
    if len(encoded) > CLIENT_CONTEXT_LENGTH:
        raise ValueError(f"is {len(encoded)} bytes as base64; the limit is {CLIENT_CONTEXT_LENGTH}")
    return encoded.decode("ascii")


def role_arn(value: object) -> str:
    if not fits(_ROLE_ARN, string(value)):
        raise ValueError("is not a valid ARN of an IAM role")
    return string(value)


def role_session_name(value: object) -> str:
    if not fits(_SESSION_NAME, string(value)):
        raise ValueError("must consist of 2 to 64 letters, digits or characters of +=,.@-_")
    return string(value)


def external_id(value: object) -> str:
    if not fits(_EXTERNAL_ID, string(value)):
        raise ValueError("must consist of 2 to 1224 letters, digits or characters of +=,.@:/-_")
    return string(value)
