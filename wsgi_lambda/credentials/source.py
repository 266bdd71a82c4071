"""Choose the credentials of a route: its own keys, the environment, botocore's chain."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.util import find_spec

from wsgi_lambda.after_fork import reset_after_fork
from wsgi_lambda.credentials import Credentials
from wsgi_lambda.credentials.cache import CredentialCache, Found, log_found
from wsgi_lambda.credentials.environment import NAMES, first_places, read_environment
from wsgi_lambda.errors import CredentialsError
from wsgi_lambda.options import Identity, Transport

EXTRA = "pip install '.[aws]' in the checkout"


def has_botocore() -> bool:
    """Return whether botocore is installed, without importing it."""
    return find_spec("botocore") is not None


def profile_region() -> str:
    """Return the region of the AWS profile, or "" without botocore or without a region."""
    if not has_botocore():
        return ""
    from wsgi_lambda.credentials import chain

    return chain.profile_region()


class CredentialSource:
    """The credentials of one identity.

    The route's own keys come first, then those of the environment, which is
    read again for each request; neither needs a look-up. Botocore's chain comes
    last. A role is assumed with whichever comes first. A `CredentialCache`
    keeps and renews the results of STS and of the chain.
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
        # Not the URL itself: crash reporters show attributes, and it may contain a password.
        self._proxy = Transport(proxy_url=proxy_url)
        self._environ = environ
        self._cache = CredentialCache(self._look_up)
        reset_after_fork(self._reset)

    def _reset(self) -> None:
        self._logged: Credentials | None = None

    def get(self, deadline: float) -> Credentials:
        """Return the credentials to sign with; ``deadline`` is a time of `time.monotonic`.

        Raises `CredentialsError`, whose detail lists the places that were
        searched, or `DeadlinePassed`.
        """
        return self.at_hand() or self._cache.get(deadline).credentials

    def at_hand(self) -> Credentials | None:
        """Return the keys that need no look-up, or None if there are none."""
        if self._identity.aws_assume_role_arn:
            return None
        keys = self._first_keys()
        if keys is None:
            return None
        if keys[0] != self._logged:
            self._logged = keys[0]
            log_found(Found(*keys))
        return keys[0]

    def renew(self, stale: Credentials, deadline: float) -> Credentials | None:
        """Return credentials to use instead of ``stale``, which AWS called expired or unknown.

        Returns None if they are the route's own keys, which cannot be renewed.
        Raises like `get`.
        """
        if self.is_static:
            return None
        return self.at_hand() or self._cache.renew(stale, deadline).credentials

    def origin(self, deadline: float) -> str:
        """Return the origin of the credentials in words; raises like `get`.

        Example: ``"AWS_ACCESS_KEY_ID in the environment"``.
        """
        keys = None if self._identity.aws_assume_role_arn else self._first_keys()
        return keys[1] if keys else self._cache.get(deadline).origin

    @property
    def is_static(self) -> bool:
        """Whether these are the route's own keys, which cannot be renewed."""
        return self._own is not None and not self._identity.aws_assume_role_arn

    def _first_keys(self) -> tuple[Credentials, str] | None:
        """Return the keys that need no look-up and their origin, or None if there are none.

        Example: ``(Credentials(), "AWS_ACCESS_KEY_ID in the environment")``.
        """
        if self._own is not None:
            return self._own, "aws_key of the configuration"
        # os.environ is not kept in an attribute: crash reporters show those.
        found = read_environment(os.environ if self._environ is None else self._environ)
        return (found, f"{NAMES[0]} in the environment") if found else None

    def _look_up(self) -> Found:
        """Ask the chain, then assume the role; runs in the cache's thread."""
        if not has_botocore():
            places = first_places(os.environ if self._environ is None else self._environ)
            raise CredentialsError(
                detail=f"{places}; profiles, roles, containers and instances need {EXTRA}"
            )
        from wsgi_lambda.credentials.chain import Chain, Role

        identity = self._identity
        chain = Chain(
            region=self._region,
            imds_v2_only=identity.aws_imds_protocol_version == "v2",
            proxy_url=self._proxy.proxy_url,
        )
        keys = self._first_keys()
        base = Found(*keys) if keys else chain.look_up()
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
