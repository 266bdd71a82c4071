"""Invoke a function with the least CPU that urllib3 allows: the floor of the comparison.

It signs by hand: a constant canonical request with three placeholders, one
signing key per day, one TLS context. A client that uses urllib3 cannot cost
much less.
"""

from __future__ import annotations

import hashlib
import hmac
import ssl
import time
from collections.abc import Iterator

import urllib3

from bench.environment import ACCESS_KEY, REGION, SECRET_KEY, StubAddress

PATH = "/2015-03-31/functions/MyLambda/invocations"
_SIGNED = "content-type;host;x-amz-content-sha256;x-amz-date"


class Floor:
    """Invoke `MyLambda`, or the function of another ``path``, at one port of the stub."""

    def __init__(self, address: StubAddress, port: int, path: str = PATH) -> None:
        context = ssl.create_default_context(cafile=address.ca or None)
        self._host = f"{address.host}:{port}"
        self._path = path
        self._pool = urllib3.HTTPSConnectionPool(
            address.host, port, ssl_context=context, maxsize=16
        )
        self._day, self._key = "", b""

    def invoke(self, payload: bytes) -> bytes:
        """Return the payload of the reply."""
        return self._open(payload).data

    def stream(self, payload: bytes) -> Iterator[bytes]:
        """Yield the body of the reply as it arrives, the envelope included."""
        reply = self._open(payload, preload_content=False)
        while block := reply.read1(64 * 1024):
            yield block
        reply.release_conn()

    def _open(self, payload: bytes, *, preload_content: bool = True) -> urllib3.BaseHTTPResponse:
        reply = self._pool.urlopen(
            "POST",
            self._path,
            body=payload,
            headers=self.headers(payload, time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())),
            retries=False,
            redirect=False,
            assert_same_host=False,
            preload_content=preload_content,
        )
        if reply.status != 200:
            raise RuntimeError(f"the stub sent status {reply.status}")
        return reply

    def headers(self, payload: bytes, date: str) -> dict[str, str]:
        """Return the headers of a request signed at ``date``, such as 20300101T000000Z."""
        day = date[:8]
        if day != self._day:
            self._day, self._key = day, _signing_key(day)
        digest = hashlib.sha256(payload).hexdigest()
        canonical = (
            f"POST\n{self._path}\n\ncontent-type:application/json\nhost:{self._host}\n"
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
