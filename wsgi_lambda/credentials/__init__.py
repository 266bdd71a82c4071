"""Who we are: the route's own keys, else the environment's.

Looked up for each request, after the fork, so that keys renewed in the
environment are used at once. A request signs with one frozen set.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from wsgi_lambda.errors import CredentialsError

ENVIRONMENT_NAMES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")

# Both end up in header values, or beside one: a line end in a key, as a file
# read without strip() leaves it, would break the request or forge a header.
_PRINTABLE = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Credentials:
    """One set of AWS credentials; its repr shows none of them."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


def find_credentials(
    own: Credentials | None, environ: Mapping[str, str] = os.environ
) -> Credentials:
    """Return the route's ``own`` credentials, else those in the environment.

    An empty variable counts as absent, as in the AWS SDKs. Raises
    `CredentialsError`, which names where it looked, or the variable that
    cannot be a key.
    """
    if own is not None:
        return own
    access_key, secret_key, token = (environ.get(name) or None for name in ENVIRONMENT_NAMES)
    if access_key is None or secret_key is None:
        raise CredentialsError(
            detail="looked in the route's aws_key and aws_secret, and in the environment's "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    for name, value in zip(ENVIRONMENT_NAMES, (access_key, secret_key, token), strict=True):
        if value is not None and not is_printable(value):
            raise CredentialsError(
                detail=f"{name} holds a blank, a control or a non-ASCII character"
            )
    return Credentials(access_key, secret_key, token)


def is_printable(value: str) -> bool:
    """Tell whether ``value`` is visible ASCII without blanks, as all AWS credentials are."""
    return _PRINTABLE.fullmatch(value) is not None
