"""Parse what AWS names: functions, qualifiers, regions, roles, tenants, client contexts."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping

from wsgi_lambda.header_syntax import is_token
from wsgi_lambda.options.parsers import fits, text, type_in_words

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
