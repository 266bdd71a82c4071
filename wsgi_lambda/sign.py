"""Sign requests for AWS, by Signature Version 4.

The only file that knows requests-aws4auth.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from requests import PreparedRequest
from requests_aws4auth import StrictAWS4Auth

from wsgi_lambda.credentials import Credentials

SERVICE = "lambda"

#: Its own default leaves X-Amz-Client-Context out, for the sake of another service.
SIGNED_HEADERS = frozenset(("host", "content-type", "date", "x-amz-*", "x-amz-client-context"))


def utc_now() -> datetime:
    return datetime.now(UTC)


class Signer:
    """Sign for one region, from any number of threads.

    AWS4Auth changes itself at midnight and when credentials change, and a
    thread that signs meanwhile mixes the key of one set with the token of the
    other. Here the object is made anew for each day and set of credentials and
    swapped whole; `StrictAWS4Auth` never changes itself.
    """

    def __init__(self, region: str, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._region = region
        self._clock = clock
        self._current: tuple[Credentials, str, StrictAWS4Auth] | None = None

    def sign(self, request: PreparedRequest, credentials: Credentials) -> None:
        """Add date, body hash, token and Authorization to ``request``.

        Its Host header must be set, as it will be sent, and its body be bytes.
        """
        now = self._clock()
        day = now.strftime("%Y%m%d")
        current = self._current
        if current is None or current[0] != credentials or current[1] != day:
            auth = StrictAWS4Auth(
                credentials.access_key,
                credentials.secret_key,
                self._region,
                SERVICE,
                day,
                session_token=credentials.session_token,
                include_hdrs=SIGNED_HEADERS,
            )
            self._current = current = (credentials, day, auth)
        request.headers["X-Amz-Date"] = now.strftime("%Y%m%dT%H%M%SZ")
        current[2](request)
