"""Get credentials from botocore's chain of providers, and from AssumeRole.

It is imported at the first look-up, because botocore takes time and memory.
https://boto3.amazonaws.com/v1/documentation/api/latest/guide/credentials.html
"""

from __future__ import annotations

import bisect
import logging
import math
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    MetadataRetrievalError,
)
from botocore.parsers import ResponseParserError

from wsgi_lambda.credentials import Credentials
from wsgi_lambda.credentials.cache import Found
from wsgi_lambda.credentials.environment import first_places
from wsgi_lambda.credentials.service_http import ServiceHTTP, bound_providers
from wsgi_lambda.errors import CredentialsError
from wsgi_lambda.header_syntax import is_visible

log = logging.getLogger("wsgi_lambda")

#: For an exchange with STS or SSO. A request waits no longer than its own `timeout` in any case.
SERVICE_TIMEOUT = 5  # seconds

#: Credentials with a longer lifetime are treated as if they had no expiry.
_LONGEST_LIFETIME = 7 * 24 * 3600  # seconds

# botocore's own errors, and those that its providers let through when a file, a
# process or a server sends invalid data.
_FAILURES = (
    BotoCoreError,
    ClientError,
    ResponseParserError,
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
)


_CONTAINER_ADDRESSES = (
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)


# These quote what a metadata service, a process or STS has sent, and their addresses.
_QUOTING = (CredentialRetrievalError, MetadataRetrievalError, ResponseParserError)

# botocore's names of the providers that read a profile.
_OF_A_PROFILE = frozenset(
    ("assume-role", "config-file", "custom-process", "login", "shared-credentials-file", "sso")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role to assume, with the options of the AssumeRole request."""

    arn: str
    session_name: str
    external_id: str | None
    sts_endpoint_url: str | None


class Chain:
    """Botocore's chain of providers, for one look-up.

    Make a new one for each look-up: a session keeps the files that it has read.
    The proxies of the environment are ignored. ``proxy_url`` is used for STS and
    SSO, never for the metadata services of instances and containers.
    """

    def __init__(self, *, region: str, imds_v2_only: bool, proxy_url: str | None) -> None:
        self._session = botocore.session.Session()
        self._region = region
        if imds_v2_only:
            self._session.set_config_variable("ec2_metadata_v1_disabled", True)
        services = ServiceHTTP(seconds=SERVICE_TIMEOUT, proxy_url=proxy_url, bundle=self._bundle)
        # Clients, those of providers included, inherit this handler; its result is the response.
        self._session.register("before-send", services.send)
        config = Config(retries={"mode": "standard", "total_max_attempts": 2})
        # The providers for web identity, SSO and profiles with a role use it.
        self._session.set_default_client_config(config)

    def look_up(self) -> Found:
        """Return the credentials of the first provider that has some.

        Raises `CredentialsError`, whose detail lists the places that were searched.
        """
        try:
            if self._session.get_config_variable("region") is None:
                self._session.set_config_variable("region", self._region)
            resolver = self._session.get_component("credential_provider")
            names = [provider.METHOD for provider in resolver.providers]
            bound_providers(resolver)
            found = self._session.get_credentials()
            frozen = found and _frozen(found)
            lifetime = _seconds_left(found)
        except _FAILURES as error:
            raise CredentialsError(
                detail=f"{first_places(os.environ)}, and botocore's chain ({_searched()}) failed: "
                f"{_describe(error)}"
            ) from error
        if not frozen or not frozen.access_key or not frozen.secret_key:
            raise CredentialsError(
                detail=f"{first_places(os.environ)}, and in botocore's chain "
                f"({', '.join(names)}; {_searched()})"
            )
        return Found(
            _checked(frozen.access_key, frozen.secret_key, frozen.token, found.method),
            _origin(found.method, self._session.profile),
            lifetime,
        )

    def _bundle(self) -> str | None:
        found = self._session.get_config_variable("ca_bundle")
        return found or os.environ.get("REQUESTS_CA_BUNDLE")

    def assume(self, role: Role, base: Found) -> Found:
        """Return credentials of ``role``, requested with those of ``base``.

        Raises `CredentialsError` if STS cannot be reached, refuses, or sends an
        invalid response.
        """
        external_id = {"ExternalId": role.external_id} if role.external_id else {}
        url = role.sts_endpoint_url or "AWS's own endpoint"
        try:
            client = self._session.create_client(
                "sts",
                region_name=self._region,
                endpoint_url=role.sts_endpoint_url,
                aws_access_key_id=base.credentials.access_key,
                aws_secret_access_key=base.credentials.secret_key,
                aws_session_token=base.credentials.session_token,
            )
            url = client.meta.endpoint_url
            response = client.assume_role(
                RoleArn=role.arn, RoleSessionName=role.session_name, **external_id
            )
            client.close()
            given = response["Credentials"]
            lifetime = (given["Expiration"] - datetime.now(UTC)).total_seconds()
            if lifetime <= 0:
                raise ValueError("the credentials have expired already")
            keys = (given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
        except _FAILURES as error:
            raise CredentialsError(
                detail=f"STS at {url} returned no credentials for {role.arn}, requested with "
                f"{base.origin}: {_describe(error, base.credentials, role.external_id)}"
            ) from error
        return Found(_checked(*keys, "STS"), f"role {role.arn} through {base.origin}", lifetime)


def _origin(method: str, profile: str | None) -> str:
    """Return the origin of credentials: ``"profile shop (sso)"``, ``"container-role"``."""
    return f"profile {profile or 'default'} ({method})" if method in _OF_A_PROFILE else method


def profile_region() -> str:
    """Return the region of the AWS profile, or "" if the profile sets no region.

    Logs a warning and returns "" if a file cannot be read.
    """
    try:
        return str(botocore.session.Session().get_config_variable("region") or "")
    except _FAILURES as error:
        log.warning("cannot read the profile's region (%s): %s", _searched(), _describe(error))
        return ""


def _frozen(found: Any) -> Any:
    if hasattr(found, "refresh_needed"):
        # The cache renews them. Botocore would immediately renew credentials
        # that expire within 15 minutes.
        found._advisory_refresh_timeout = found._mandatory_refresh_timeout = 0
    return found.get_frozen_credentials()


def _seconds_left(found: Any) -> float:
    """Return the lifetime of credentials in seconds, inf if they have no expiry.

    Botocore has no public attribute for the expiry, only a method that returns
    whether fewer than n seconds are left, hence the binary search.
    """
    if not hasattr(found, "refresh_needed"):
        return math.inf
    seconds = range(_LONGEST_LIFETIME)
    lifetime = bisect.bisect_left(seconds, x=True, key=lambda n: found.refresh_needed(refresh_in=n))
    return math.inf if lifetime == _LONGEST_LIFETIME else lifetime


def _checked(access_key: str, secret_key: str, token: str | None, origin: str) -> Credentials:
    values = (access_key, secret_key, token or "-")
    if not all(isinstance(value, str) and is_visible(value) for value in values):
        raise CredentialsError(
            detail=f"{origin} returned a key with characters other than visible ASCII"
        )
    return Credentials(access_key, secret_key, token)


def _describe(
    error: Exception, sent: Credentials | None = None, external_id: str | None = ""
) -> str:
    """Return an error's type and the first line of its message, without the secrets of the request.

    The lines after the first may contain secrets of the response: botocore puts a
    response that it cannot parse there, such as half a response of STS.
    """
    if isinstance(error, _QUOTING):
        provider = getattr(error, "kwargs", {}).get("provider", "")
        return f"{type(error).__name__} {provider}".rstrip()
    text = f"{type(error).__name__}: {error}".partition("\n")[0]
    for secret in (sent and sent.secret_key, sent and sent.session_token, external_id):
        text = text.replace(secret, "…") if secret else text
    return text if len(text) <= 500 else f"{text[:500]}…"


def _searched() -> str:
    """Return the variables that decide where the chain looks: ``"AWS_PROFILE=shop"``.

    The address of container credentials is as good as the credentials, so it is
    left out.
    """
    names = (
        "AWS_PROFILE",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_CONFIG_FILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        *_CONTAINER_ADDRESSES,
        "AWS_EC2_METADATA_SERVICE_ENDPOINT",
        "AWS_EC2_METADATA_DISABLED",
    )
    given = [
        name if name in _CONTAINER_ADDRESSES else f"{name}={os.environ[name]}"
        for name in names
        if os.environ.get(name)
    ]
    return ", ".join(given) or f"files in {os.path.expanduser('~/.aws')}"
