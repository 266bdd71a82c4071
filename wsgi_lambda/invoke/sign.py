"""Sign requests to AWS with Signature Version 4.

The only file that imports requests-aws4auth.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Callable

from requests import PreparedRequest
from requests_aws4auth import StrictAWS4Auth

from wsgi_lambda.credentials import Credentials

SERVICE = "lambda"

#: The default of requests-aws4auth leaves out X-Amz-Client-Context, because of another service.
SIGNED_HEADERS = frozenset(("host", "content-type", "date", "x-amz-*", "x-amz-client-context"))

# Placeholders for the parts that differ between requests. No header value contains a NUL.
_DATE, _DIGEST, _TENANT = "\0date\0", "\0digest\0", "\0tenant\0"
_PLACEHOLDER = re.compile(f"({_DATE}|{_DIGEST}|{_TENANT})")


class _SigningTemplate(StrictAWS4Auth):  # type: ignore[misc]
    """A canonical request with placeholders, for one day and one set of credentials.

    AWS4Auth makes the canonical request once. The requests of a route differ only
    in date, body and tenant, which replace the placeholders.
    """

    def __init__(
        self, template: PreparedRequest, credentials: Credentials, region: str, day: str
    ) -> None:
        super().__init__(
            credentials.access_key,
            credentials.secret_key,
            region,
            SERVICE,
            day,
            session_token=credentials.session_token,
            include_hdrs=SIGNED_HEADERS,
        )
        sample = template.copy()
        sample.headers.update({"X-Amz-Date": _DATE, "X-Amz-Content-Sha256": _DIGEST})
        if credentials.session_token:
            sample.headers["X-Amz-Security-Token"] = credentials.session_token
        headers, signed_names = self.get_canonical_headers(sample, self.include_hdrs)
        canonical = self.get_canonical_request(sample, headers, signed_names)
        #: Text and placeholders in turn; the first and the last are text.
        self._parts = _PLACEHOLDER.split(canonical)
        scope = self.signing_key.scope
        self._string_to_sign = f"AWS4-HMAC-SHA256\n{_DATE}\n{scope}\n".partition(_DATE)
        self._authorization = (
            f"AWS4-HMAC-SHA256 Credential={self.access_id}/{scope}, "
            f"SignedHeaders={signed_names}, Signature="
        )

    def authorization(self, date: str, digest: str, tenant: str) -> str:
        """Return the Authorization header of a request.

        ``date`` is `X-Amz-Date`, ``digest`` the SHA-256 of the body in hex.
        """
        values = {_DATE: date, _DIGEST: digest, _TENANT: tenant}
        parts = list(self._parts)
        parts[1::2] = [values[name] for name in parts[1::2]]
        canonical = hashlib.sha256("".join(parts).encode()).hexdigest()
        before, _, after = self._string_to_sign
        signed = f"{before}{date}{after}{canonical}".encode()
        return self._authorization + hmac.digest(self.signing_key.key, signed, "sha256").hex()


class Signer:
    """Sign the requests made from one template; any number of threads may use it.

    ``template`` has the headers that all requests share: Host, and each `X-Amz-*`
    of the route. AWS4Auth changes itself at midnight and when credentials change;
    a thread that signs at that moment combines the key of one set with the token
    of the other. A signer makes a new object for each day and set of credentials,
    and replaces the old one in one assignment.
    """

    def __init__(
        self, template: PreparedRequest, region: str, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._region = region
        self._clock = clock
        self._template = template
        self._with_tenant = template.copy()
        self._with_tenant.headers["X-Amz-Tenant-Id"] = _TENANT
        self._signing_templates: dict[bool, tuple[Credentials, str, _SigningTemplate]] = {}
        self._cached_date = (-1, "")

    def sign(self, payload: bytes, credentials: Credentials, *, tenant: str = "") -> dict[str, str]:
        """Return the headers of a signature: date, digest, session token, Authorization.

        ``tenant`` is the `X-Amz-Tenant-Id` that is added to the template's headers.
        """
        date = self._date()
        signing = self._signing_template(credentials, date[:8], has_tenant=bool(tenant))
        digest = hashlib.sha256(payload).hexdigest()
        headers = {"X-Amz-Date": date, "X-Amz-Content-Sha256": digest}
        if credentials.session_token:
            headers["X-Amz-Security-Token"] = credentials.session_token
        # In a canonical header value, consecutive spaces become one.
        headers["Authorization"] = signing.authorization(date, digest, " ".join(tenant.split()))
        return headers

    def _date(self) -> str:
        """Return the time as in `X-Amz-Date`, ``"20150830T123600Z"``; formatted once a second."""
        now = int(self._clock())
        second, text = self._cached_date
        if second != now:
            text = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
            self._cached_date = (now, text)
        return text

    def _signing_template(
        self, credentials: Credentials, day: str, *, has_tenant: bool
    ) -> _SigningTemplate:
        current = self._signing_templates.get(has_tenant)
        if current is not None and current[0] == credentials and current[1] == day:
            return current[2]
        template = self._with_tenant if has_tenant else self._template
        signing = _SigningTemplate(template, credentials, self._region, day)
        self._signing_templates[has_tenant] = (credentials, day, signing)
        return signing
