"""The floor: a urllib3 pool and a signature written out by hand, with nothing around them.

No client that goes through urllib3 can cost less than this one by much: one
constant canonical request with three holes, one key a day, one TLS context.
"""

from __future__ import annotations

import hashlib
import hmac
import ssl
import time

import urllib3

from bench.environment import ACCESS_KEY, REGION, SECRET_KEY, Far

PATH = "/2015-03-31/functions/MyLambda/invocations"
_SIGNED = "content-type;host;x-amz-content-sha256;x-amz-date"


class Floor:
    """Invoke `MyLambda` at one port of the stub."""

    def __init__(self, far: Far, port: int) -> None:
        context = ssl.create_default_context(cafile=far.ca or None)
        self._host = f"{far.host}:{port}"
        self._pool = urllib3.HTTPSConnectionPool(far.host, port, ssl_context=context)
        self._day, self._key = "", b""

    def invoke(self, payload: bytes) -> bytes:
        """Return the function's answer."""
        answer = self._pool.urlopen(
            "POST",
            PATH,
            body=payload,
            headers=self.headers(payload, time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())),
            retries=False,
            redirect=False,
            assert_same_host=False,
        )
        if answer.status != 200:
            raise RuntimeError(f"the stub answered {answer.status}")
        return answer.data

    def headers(self, payload: bytes, date: str) -> dict[str, str]:
        """Return what makes ``payload`` a signed request at ``date``, a basic ISO timestamp."""
        day = date[:8]
        if day != self._day:
            self._day, self._key = day, _signing_key(day)
        digest = hashlib.sha256(payload).hexdigest()
        canonical = (
            f"POST\n{PATH}\n\ncontent-type:application/json\nhost:{self._host}\n"
            f"x-amz-content-sha256:{digest}\nx-amz-date:{date}\n\n{_SIGNED}\n{digest}"
        )
        scope = f"{day}/{REGION}/lambda/aws4_request"
        hashed = hashlib.sha256(canonical.encode()).hexdigest()
        text = f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{hashed}"
        signature = hmac.digest(self._key, text.encode(), "sha256").hex()
        return {
            "Host": self._host,
            "Content-Type": "application/json",
            "X-Amz-Content-Sha256": digest,
            "X-Amz-Date": date,
            "Authorization": f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/{scope}, "
            f"SignedHeaders={_SIGNED}, Signature={signature}",
        }


def _signing_key(day: str) -> bytes:
    key = b"AWS4" + SECRET_KEY.encode()
    for part in (day, REGION, "lambda", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
