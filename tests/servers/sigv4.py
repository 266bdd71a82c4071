"""Verify Signature Version 4, written from AWS's description without code of the package."""

from __future__ import annotations

import hashlib
import hmac
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote

from tests.servers.received_request import Invocation


class Refused(Exception):
    """AWS would reject the request: error type, message, and details for debugging."""

    def __init__(self, error_type: str, message: str, detail: str = "") -> None:
        super().__init__(f"{error_type}: {message}" + (detail and f"\n{detail}"))
        self.error_type, self.message = error_type, message


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The scope of a signing key; ``date`` is YYYYMMDD."""

    date: str
    region: str
    service: str

    def __str__(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


def canonical_request(request: Invocation, signed_headers: str) -> str:
    """Return the canonical request, with the payload hash computed from the body."""
    headers = [f"{name}:{_canonical_value(request, name)}" for name in signed_headers.split(";")]
    return "\n".join(
        [
            request.method,
            _canonical_path(request.path),
            _canonical_query(request.query),
            *headers,
            "",
            signed_headers,
            hashlib.sha256(request.body).hexdigest(),
        ]
    )


def _canonical_path(path: str) -> str:
    """Normalize the path and encode it again: every service except S3 encodes it twice."""
    normal = posixpath.normpath(re.sub("/+", "/", path or "/"))
    if path.endswith("/") and normal != "/":
        normal += "/"
    return quote(normal, safe="/", encoding="latin-1")


def _canonical_query(query: str) -> str:
    pairs = [pair.partition("=")[::2] for pair in query.split("&") if pair]
    encoded = [tuple(quote(unquote(part), safe="") for part in pair) for pair in pairs]
    return "&".join(f"{name}={value}" for name, value in sorted(encoded))


def _canonical_value(request: Invocation, name: str) -> str:
    return ",".join(re.sub(" +", " ", value.strip()) for value in request.all(name))


def signing_key(secret: str, scope: Scope) -> bytes:
    """Return the key that AWS derives from ``secret`` for ``scope``."""
    key = f"AWS4{secret}".encode()
    for part in str(scope).split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def signature(secret: str, scope: Scope, timestamp: str, canonical: str) -> str:
    """Return the signature of a canonical request; ``timestamp`` is its x-amz-date."""
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    string_to_sign = f"AWS4-HMAC-SHA256\n{timestamp}\n{scope}\n{digest}"
    return hmac.new(signing_key(secret, scope), string_to_sign.encode(), "sha256").hexdigest()


Credentials = Mapping[str, tuple[str, str | None]]
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/,\s]+)/(\d{8})/([^/,\s]+)/([^/,\s]+)/aws4_request, *"
    r"SignedHeaders=([^,\s]+), *Signature=([0-9a-f]{64})"
)


def check_signature(request: Invocation, *, region: str, credentials: Credentials) -> None:
    """Raise `Refused` unless ``request`` has a valid signature for Lambda in ``region``.

    ``credentials`` maps a key id to its secret and its session token or None.
    """
    authorization = request.header("authorization")
    if authorization is None:
        raise Refused("MissingAuthenticationTokenException", "Missing Authentication Token")
    match = _AUTHORIZATION.fullmatch(authorization)
    if match is None:
        raise Refused("IncompleteSignatureException", f"Not of Version 4: {authorization!r}")
    key_id, date, scope_region, service, signed, sent = match.groups()
    scope = Scope(date=date, region=scope_region, service=service)
    _check_scope(scope, region)
    secret = _secret_of(request, key_id, credentials)
    timestamp = _check_date(request, scope)
    _check_signed_headers(request, signed)
    canonical = canonical_request(request, signed)
    if not hmac.compare_digest(signature(secret, scope, timestamp, canonical), sent):
        message = "The request signature we calculated does not match the signature you provided."
        raise _invalid(message, f"The canonical request:\n{canonical}")


def _invalid(message: str, detail: str = "") -> Refused:
    return Refused("InvalidSignatureException", message, detail)


def _check_scope(scope: Scope, region: str) -> None:
    if scope.region != region:
        raise _invalid(f"Credential should be scoped to a valid region, not '{scope.region}'.")
    if scope.service != "lambda":
        raise _invalid("Credential should be scoped to correct service: 'lambda'.")


def _secret_of(request: Invocation, key_id: str, credentials: Credentials) -> str:
    secret, token = credentials.get(key_id, (None, None))
    if secret is None or request.header("x-amz-security-token") != token:
        message = "The security token included in the request is invalid."
        raise Refused("UnrecognizedClientException", message)
    return secret


def _check_date(request: Invocation, scope: Scope) -> str:
    """Return x-amz-date; it must be on the scope's day and within five minutes of now."""
    timestamp = request.header("x-amz-date") or ""
    try:
        sent = datetime.strptime(timestamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        message = f"X-Amz-Date must be YYYYMMDDTHHMMSSZ, not {timestamp!r}"
        raise Refused("IncompleteSignatureException", message) from None
    if not timestamp.startswith(f"{scope.date}T"):
        raise _invalid(f"Date in Credential scope does not match {timestamp}.")
    age = datetime.now(UTC) - sent
    if age > timedelta(minutes=5):
        raise _invalid(f"Signature expired: {timestamp} is {age} old.")
    if age < timedelta(minutes=-5):
        raise _invalid(f"Signature not yet current: {timestamp} is {-age} ahead.")
    return timestamp


def _check_signed_headers(request: Invocation, signed_headers: str) -> None:
    names = signed_headers.split(";")
    if names != sorted({name.lower() for name in names}):
        raise _invalid(f"SignedHeaders must be lower case and sorted: {signed_headers}")
    if absent := [name for name in names if not request.all(name)]:
        raise _invalid(f"Signed, but not sent: {absent}")
    for name in ("host", "x-amz-security-token"):
        if name not in names and (name == "host" or request.all(name)):
            raise _invalid(f"'{name}' must be a 'SignedHeader' in the AWS Authorization.")
    payload = hashlib.sha256(request.body).hexdigest()
    if request.header("x-amz-content-sha256") not in (None, payload):
        message = "The provided 'x-amz-content-sha256' header does not match what was computed."
        raise _invalid(message)
