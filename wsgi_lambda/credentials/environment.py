"""Read credentials from the environment, which an app may change at any time."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from wsgi_lambda.credentials import Credentials
from wsgi_lambda.errors import CredentialsError
from wsgi_lambda.header_syntax import is_visible

#: The places that are searched without botocore; error messages begin with it.
FIRST_PLACES = (
    "looked in the route's aws_key and aws_secret, in the environment's AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY"
)
NAMES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def first_places(environ: Mapping[str, str]) -> str:
    """Return `FIRST_PLACES`, and which variable is missing if only the others are set.

    ``"… and AWS_SECRET_ACCESS_KEY (AWS_SECRET_ACCESS_KEY is set without AWS_ACCESS_KEY_ID)"``.
    """
    rest = [name for name in NAMES[1:] if environ.get(name)]
    if environ.get(NAMES[0]) or not rest:
        return FIRST_PLACES
    verb = "is" if len(rest) == 1 else "are"
    return f"{FIRST_PLACES} ({' and '.join(rest)} {verb} set without {NAMES[0]})"


def read_environment(environ: Mapping[str, str]) -> Credentials | None:
    """Return the credentials in ``environ``, or None if it has no access key.

    An empty variable counts as unset, as in the AWS SDKs. Raises
    `CredentialsError`, which names the variable, for a value that is not
    visible ASCII and for an access key without a secret key.
    """
    access_key, secret_key, token = (environ.get(name) or None for name in NAMES)
    if access_key is None:
        return None
    return _checked(access_key, secret_key, token)


@lru_cache(maxsize=1)  # they hardly ever change
def _checked(access_key: str, secret_key: str | None, token: str | None) -> Credentials:
    if secret_key is None:
        # Trying the next provider would sign as a user that nobody intended.
        raise CredentialsError(detail=f"{NAMES[0]} is in the environment without {NAMES[1]}")
    for name, value in zip(NAMES, (access_key, secret_key, token), strict=True):
        if value is not None and not is_visible(value):
            raise CredentialsError(detail=f"{name} must contain only visible ASCII characters")
    return Credentials(access_key, secret_key, token)
