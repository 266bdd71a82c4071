"""botocore's chain of credential providers, and AssumeRole: the only file that knows botocore.

Imported when a look-up is first needed, as botocore takes its time and memory.
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
from botocore.exceptions import BotoCoreError, ClientError
from botocore.httpsession import URLLib3Session
from botocore.parsers import ResponseParserError

from wsgi_lambda.credentials import Credentials
from wsgi_lambda.credentials.cache import Found
from wsgi_lambda.credentials.environment import FIRST_PLACES
from wsgi_lambda.errors import CredentialsError
from wsgi_lambda.header_syntax import is_visible

log = logging.getLogger("wsgi_lambda")

#: For STS and SSO; a request waits no longer than its own `timeout` in any case.
SERVICE_TIMEOUT = 5  # seconds

_LONGEST_LIFE = 7 * 24 * 3600  # seconds; what lives longer does not expire for us

# What botocore lets out of its providers, beside its own errors, when a file,
# a process or a server says nonsense.
_FAILURES = (
    BotoCoreError,
    ClientError,
    ResponseParserError,
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role to assume, and where and how to ask for it."""

    arn: str
    session_name: str
    external_id: str | None
    sts_endpoint_url: str | None


class Chain:
    """One way to credentials: every look-up starts afresh, and reads files and servers again.

    No proxy of the environment is used. ``proxy_url`` is for STS and SSO;
    metadata addresses are never asked through it.
    """

    def __init__(self, *, region: str, imds_v2_only: bool, proxy_url: str | None) -> None:
        self._session = botocore.session.Session()
        self._region = region
        if imds_v2_only:
            self._session.set_config_variable("ec2_metadata_v1_disabled", True)
        proxies = {"http": proxy_url, "https": proxy_url} if proxy_url else {}
        self._config = Config(
            connect_timeout=SERVICE_TIMEOUT,
            read_timeout=SERVICE_TIMEOUT,
            retries={"mode": "standard", "total_max_attempts": 2},
            proxies=proxies,
        )
        # What the providers for web identity, SSO and profiles with a role use.
        self._session.set_default_client_config(self._config)

    def look_up(self) -> Found:
        """Return what the first provider has that has any.

        Raises `CredentialsError` whose detail says where it looked.
        """
        try:
            if self._session.get_config_variable("region") is None:
                self._session.set_config_variable("region", self._region)
            resolver = self._session.get_component("credential_provider")
            names = [provider.METHOD for provider in resolver.providers]
            _use_no_proxy(resolver.get_provider("iam-role"))
            found = self._session.get_credentials()
            frozen = found and _frozen(found)
            life = _seconds_left(found)
        except _FAILURES as error:
            raise CredentialsError(
                detail=f"{FIRST_PLACES}, and botocore's chain ({_places()}) failed: {_told(error)}"
            ) from error
        if not frozen or not frozen.access_key or not frozen.secret_key:
            raise CredentialsError(
                detail=f"{FIRST_PLACES}, and in botocore's chain ({', '.join(names)}; {_places()})"
            )
        return Found(
            _checked(frozen.access_key, frozen.secret_key, frozen.token, found.method),
            found.method,
            life,
        )

    def assume(self, role: Role, base: Found) -> Found:
        """Return credentials of ``role``, asked for with those of ``base``.

        Raises `CredentialsError` where STS is not reached, refuses or talks nonsense.
        """
        more = {"ExternalId": role.external_id} if role.external_id else {}
        where = role.sts_endpoint_url or "AWS's own endpoint"
        try:
            client = self._session.create_client(
                "sts",
                region_name=self._region,
                endpoint_url=role.sts_endpoint_url,
                aws_access_key_id=base.credentials.access_key,
                aws_secret_access_key=base.credentials.secret_key,
                aws_session_token=base.credentials.session_token,
            )
            where = client.meta.endpoint_url
            asked = client.assume_role(RoleArn=role.arn, RoleSessionName=role.session_name, **more)
            client.close()
            answer = asked["Credentials"]
            life = (answer["Expiration"] - datetime.now(UTC)).total_seconds()
            keys = (answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"])
        except _FAILURES as error:
            raise CredentialsError(
                detail=f"STS at {where} gave no credentials for {role.arn}, "
                f"asked as {base.origin}: {_told(error, base.credentials, role.external_id)}"
            ) from error
        return Found(_checked(*keys, "STS"), f"{role.arn}, assumed as {base.origin}", life)


def profile_region() -> str:
    """Return the region of the environment's profile, "" where none tells it.

    What keeps a file from being read is written to the log.
    """
    try:
        return str(botocore.session.Session().get_config_variable("region") or "")
    except _FAILURES as error:
        log.warning("no region from the profile (%s): %s", _places(), _told(error))
        return ""


def _use_no_proxy(provider: Any) -> None:
    """Have IMDS asked directly: botocore would read the environment's proxies for it."""
    fetcher = provider._role_fetcher
    fetcher._session = URLLib3Session(timeout=fetcher._timeout, proxies={})


def _frozen(found: Any) -> Any:
    if hasattr(found, "refresh_needed"):
        # Renewed by us: botocore would at once ask again for what has less
        # than a quarter of an hour to live.
        found._advisory_refresh_timeout = found._mandatory_refresh_timeout = 0
    return found.get_frozen_credentials()


def _seconds_left(found: Any) -> float:
    """Return how long credentials live; botocore only tells whether so many seconds are left."""
    if not hasattr(found, "refresh_needed"):
        return math.inf
    seconds = range(_LONGEST_LIFE)
    life = bisect.bisect_left(seconds, x=True, key=lambda n: found.refresh_needed(refresh_in=n))
    return math.inf if life == _LONGEST_LIFE else life


def _checked(access_key: str, secret_key: str, token: str | None, origin: str) -> Credentials:
    if not all(is_visible(value) for value in (access_key, secret_key, token or "-")):
        raise CredentialsError(
            detail=f"{origin} gave a key with a blank, a control or a non-ASCII character"
        )
    return Credentials(access_key, secret_key, token)


def _told(error: Exception, sent: Credentials | None = None, external_id: str | None = "") -> str:
    """Return an error's type and the first line of its message, without secrets that were sent.

    botocore puts an answer that it cannot parse on the lines after the first:
    half an answer of STS, perhaps, with the secret key in it.
    """
    text = f"{type(error).__name__}: {error}".partition("\n")[0]
    for secret in (sent and sent.secret_key, sent and sent.session_token, external_id):
        text = text.replace(secret, "…") if secret else text
    return text if len(text) <= 500 else f"{text[:500]}…"


def _places() -> str:
    """Name what in the environment decides where the chain looks."""
    names = (
        "AWS_PROFILE",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_CONFIG_FILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT",
        "AWS_EC2_METADATA_DISABLED",
    )
    given = [f"{name}={os.environ[name]}" for name in names if os.environ.get(name)]
    return ", ".join(given) or f"files in {os.path.expanduser('~/.aws')}"
