"""Sign requests for AWS, by Signature Version 4.

The only file that knows requests-aws4auth.
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

#: The library's own default leaves X-Amz-Client-Context out, for the sake of another service.
SIGNED_HEADERS = frozenset(("host", "content-type", "date", "x-amz-*", "x-amz-client-context"))

# Stand for what differs from request to request: no value that AWS knows has a NUL.
_DATE, _DIGEST, _TENANT = "\0date\0", "\0digest\0", "\0tenant\0"
_HOLE = re.compile(f"({_DATE}|{_DIGEST}|{_TENANT})")


class _Form(StrictAWS4Auth):  # type: ignore[misc]
    """What AWS4Auth signs for one template, day and set of credentials, with holes in it.

    AWS4Auth itself writes the canonical request, once: the next ones differ in
    date, body and tenant only, and are made by filling these in.
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
        #: Text and holes in turn, the first and the last are text.
        self._parts = _HOLE.split(canonical)
        scope = self.signing_key.scope
        self._start = f"AWS4-HMAC-SHA256\n{_DATE}\n{scope}\n".partition(_DATE)
        self._authorization = (
            f"AWS4-HMAC-SHA256 Credential={self.access_id}/{scope}, "
            f"SignedHeaders={signed_names}, Signature="
        )

    def authorization(self, date: str, digest: str, tenant: str) -> str:
        """Return the Authorization header for a request of this date, body and tenant."""
        holes = {_DATE: date, _DIGEST: digest, _TENANT: tenant}
        parts = list(self._parts)
        parts[1::2] = [holes[name] for name in parts[1::2]]
        canonical = hashlib.sha256("".join(parts).encode()).hexdigest()
        before, _, after = self._start
        signed = f"{before}{date}{after}{canonical}".encode()
        return self._authorization + hmac.digest(self.signing_key.key, signed, "sha256").hex()


class Signer:
    """Sign the requests that are made from one template, from any number of threads.

    ``template`` has all headers but those that differ: Host as it is sent,
    and every `X-Amz-*` of the route. AWS4Auth changes itself at midnight and
    when credentials change, and a thread that signs meanwhile mixes the key of
    one set with the token of the other. Here the object is made anew for each
    day and set of credentials and swapped whole.
    """

    def __init__(
        self, template: PreparedRequest, region: str, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._region = region
        self._clock = clock
        self._template = template
        self._with_tenant = template.copy()
        self._with_tenant.headers["X-Amz-Tenant-Id"] = _TENANT
        self._forms: dict[bool, tuple[Credentials, str, _Form]] = {}
        self._second = (-1, "")

    def sign(self, payload: bytes, credentials: Credentials, *, tenant: str = "") -> dict[str, str]:
        """Return the headers that sign a request: date, digest, token, Authorization.

        ``tenant`` is the `X-Amz-Tenant-Id` that it will have beside the template's headers.
        """
        date = self._date()
        form = self._form(credentials, date[:8], has_tenant=bool(tenant))
        digest = hashlib.sha256(payload).hexdigest()
        headers = {"X-Amz-Date": date, "X-Amz-Content-Sha256": digest}
        if credentials.session_token:
            headers["X-Amz-Security-Token"] = credentials.session_token
        # Runs of blanks count as one.
        headers["Authorization"] = form.authorization(date, digest, " ".join(tenant.split()))
        return headers

    def _date(self) -> str:
        """Return the time as AWS writes it, made once a second."""
        now = int(self._clock())
        second, text = self._second
        if second != now:
            text = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
            self._second = (now, text)
        return text

    def _form(self, credentials: Credentials, day: str, *, has_tenant: bool) -> _Form:
        current = self._forms.get(has_tenant)
        if current is not None and current[0] == credentials and current[1] == day:
            return current[2]
        template = self._with_tenant if has_tenant else self._template
        form = _Form(template, credentials, self._region, day)
        self._forms[has_tenant] = (credentials, day, form)
        return form
