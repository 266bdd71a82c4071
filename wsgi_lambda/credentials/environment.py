"""Credentials in the environment, which an app may renew there at any time."""

from __future__ import annotations

from collections.abc import Mapping

from wsgi_lambda.credentials import Credentials
from wsgi_lambda.errors import CredentialsError
from wsgi_lambda.header_syntax import is_visible

#: Where is looked before anything that needs botocore, in words.
FIRST_PLACES = (
    "looked in the route's aws_key and aws_secret, in the environment's AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY"
)
NAMES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def read_environment(environ: Mapping[str, str]) -> Credentials | None:
    """Return the credentials in ``environ``, None where there is no pair of keys.

    An empty variable counts as absent, as in the AWS SDKs. Raises
    `CredentialsError`, which names the variable, for one that cannot be a key
    and for a key without its secret.
    """
    access_key, secret_key, token = (environ.get(name) or None for name in NAMES)
    if access_key is None:
        return None
    if secret_key is None:
        # Going on would sign as somebody else than was meant.
        raise CredentialsError(detail=f"{NAMES[0]} is in the environment without {NAMES[1]}")
    for name, value in zip(NAMES, (access_key, secret_key, token), strict=True):
        if value is not None and not is_visible(value):
            raise CredentialsError(
                detail=f"{name} holds a blank, a control or a non-ASCII character"
            )
    return Credentials(access_key, secret_key, token)
