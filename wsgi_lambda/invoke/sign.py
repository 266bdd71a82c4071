"""Sign requests to AWS with Signature Version 4.

The only file that imports requests-aws4auth.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping

from requests import PreparedRequest
from requests_aws4auth import StrictAWS4Auth

from wsgi_lambda.credentials import Credentials

SERVICE = "lambda"

#: The default of requests-aws4auth leaves out X-Amz-Client-Context, because of another service.
SIGNED_HEADERS = frozenset(("host", "content-type", "date", "x-amz-*", "x-amz-client-context"))

#: The headers of one request alone that are signed.
OWN_HEADERS = ("X-Amz-Client-Context", "X-Amz-Tenant-Id")

# Placeholders for the parts that differ between requests. No header value contains a NUL.
_DATE, _DIGEST = "\0date\0", "\0digest\0"
_PLACEHOLDERS = {name: f"\0{name}\0" for name in OWN_HEADERS}
_PLACEHOLDER = re.compile(f"({'|'.join((_DATE, _DIGEST, *_PLACEHOLDERS.values()))})")


_NONE: Mapping[str, str] = {}


class _SigningTemplate(StrictAWS4Auth):  # type: ignore[misc]
    """A canonical request with placeholders, for one day and one set of credentials.

    AWS4Auth makes the canonical request once. The requests of a route differ only
    in date, body and the values of `OWN_HEADERS`, which replace the placeholders.
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

    def authorization(self, date: str, digest: str, own: Mapping[str, str]) -> str:
        """Return the Authorization header of a request.

        ``date`` is `X-Amz-Date`, ``digest`` the SHA-256 of the body in hex, ``own``
        the headers that the template has placeholders for.
        """
        values = {_DATE: date, _DIGEST: digest}
        for name, value in own.items():
            # In a canonical header value, consecutive spaces become one.
            values[_PLACEHOLDERS[name]] = " ".join(value.split())
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
        self._signing_templates: dict[
            tuple[str, ...], tuple[Credentials, str, _SigningTemplate]
        ] = {}
        self._cached_date = (-1, "")

    def sign(
        self, payload: bytes, credentials: Credentials, headers: Mapping[str, str] = _NONE
    ) -> dict[str, str]:
        """Return the headers of a signature: date, digest, session token, Authorization.

        Those of ``headers`` that are `OWN_HEADERS` are added to the template's headers, or
        replace them.
        """
        date = self._date()
        own = {name: headers[name] for name in OWN_HEADERS if name in headers}
        signing = self._signing_template(credentials, date[:8], tuple(own))
        digest = hashlib.sha256(payload).hexdigest()
        signature = {"X-Amz-Date": date, "X-Amz-Content-Sha256": digest}
        if credentials.session_token:
            signature["X-Amz-Security-Token"] = credentials.session_token
        signature["Authorization"] = signing.authorization(date, digest, own)
        return signature

    def _date(self) -> str:
        """Return the time as in `X-Amz-Date`, ``"20150830T123600Z"``; formatted once a second."""
        now = int(self._clock())
        second, text = self._cached_date
        if second != now:
            text = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
            self._cached_date = (now, text)
        return text

    def _signing_template(
        self, credentials: Credentials, day: str, own: tuple[str, ...]
    ) -> _SigningTemplate:
        current = self._signing_templates.get(own)
        if current is not None and current[0] == credentials and current[1] == day:
            return current[2]
        template = self._template.copy()
        template.headers.update({name: _PLACEHOLDERS[name] for name in own})
        signing = _SigningTemplate(template, credentials, self._region, day)
        self._signing_templates[own] = (credentials, day, signing)
        return signing
