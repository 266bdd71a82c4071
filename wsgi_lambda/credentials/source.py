"""The order in which credentials are looked for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.util import find_spec

from wsgi_lambda.credentials import Credentials
from wsgi_lambda.credentials.cache import CredentialCache, Found
from wsgi_lambda.credentials.environment import FIRST_PLACES, NAMES, read_environment
from wsgi_lambda.errors import CredentialsError
from wsgi_lambda.options import Identity

EXTRA = "pip install 'wsgi-lambda[aws]'"


def has_botocore() -> bool:
    """Tell whether the extra is installed, without importing it."""
    return find_spec("botocore") is not None


def profile_region() -> str:
    """Return the region of the profile, "" without the extra or where no file tells it."""
    if not has_botocore():
        return ""
    from wsgi_lambda.credentials import chain

    return chain.profile_region()


class CredentialSource:
    """The credentials of one identity: its own keys, the environment's, or botocore's chain.

    Own keys and those of the environment, which is read again for each
    request, cost no look-up. A role is assumed with whichever comes first; what
    STS and the chain give is kept and renewed by a `CredentialCache`.
    """

    def __init__(
        self,
        identity: Identity,
        *,
        region: str,
        proxy_url: str | None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._identity = identity
        self._own = _own(identity)
        self._region = region
        self._proxy_url = proxy_url
        self._environ = environ
        self._cache = CredentialCache(self._look_up)

    def get(self, deadline: float) -> Credentials:
        """Return the credentials to sign with; ``deadline`` is a time of `time.monotonic`.

        Raises `CredentialsError` that says where it looked, `DeadlinePassed`.
        """
        return self._at_hand() or self._cache.get(deadline).credentials

    def renew(self, stale: Credentials, deadline: float) -> Credentials | None:
        """Return what to try instead of ``stale``, which AWS called expired or unknown.

        None where a route's own keys were refused: there is nothing to renew.
        Raises what `get` raises.
        """
        if self._is_static:
            return None
        return self._at_hand() or self._cache.renew(stale, deadline).credentials

    def origin(self, deadline: float) -> str:
        """Say where the credentials are from, and nothing of what they are; raises as `get`."""
        at_hand = None if self._identity.aws_assume_role_arn else self._first()
        return at_hand[1] if at_hand else self._cache.get(deadline).origin

    @property
    def _is_static(self) -> bool:
        return self._own is not None and not self._identity.aws_assume_role_arn

    def _at_hand(self) -> Credentials | None:
        if self._identity.aws_assume_role_arn:
            return None
        first = self._first()
        return first[0] if first else None

    def _first(self) -> tuple[Credentials, str] | None:
        """Return the keys that need no look-up, and where they are from."""
        if self._own is not None:
            return self._own, "aws_key of the configuration"
        # No attribute leads to the process's own, which would show in a vars().
        found = read_environment(os.environ if self._environ is None else self._environ)
        return (found, f"{NAMES[0]} in the environment") if found else None

    def _look_up(self) -> Found:
        """Do what the cache's thread does: the chain, then the role."""
        if not has_botocore():
            raise CredentialsError(
                detail=f"{FIRST_PLACES}; profiles, roles, containers and instances need {EXTRA}"
            )
        from wsgi_lambda.credentials.chain import Chain, Role

        identity = self._identity
        chain = Chain(
            region=self._region,
            imds_v2_only=identity.aws_imds_protocol_version == "v2",
            proxy_url=self._proxy_url,
        )
        first = self._first()
        base = Found(*first) if first else chain.look_up()
        if not identity.aws_assume_role_arn:
            return base
        role = Role(
            arn=identity.aws_assume_role_arn,
            session_name=identity.aws_role_session_name,
            external_id=identity.aws_external_id,
            sts_endpoint_url=identity.aws_sts_endpoint_url,
        )
        return chain.assume(role, base)


def _own(identity: Identity) -> Credentials | None:
    if identity.aws_key is None or identity.aws_secret is None:
        return None
    return Credentials(identity.aws_key, identity.aws_secret, identity.aws_session_token)
