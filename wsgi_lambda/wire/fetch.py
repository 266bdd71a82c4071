"""Send one request over a connection of its own, and return its whole response."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

from urllib3.exceptions import ProtocolError

from wsgi_lambda.header_syntax import Headers
from wsgi_lambda.wire.adapter import EndpointAdapter
from wsgi_lambda.wire.attempt import Attempt
from wsgi_lambda.wire.exchange import WireResponse

_PORTS = {"http": 80, "https": 443}


class Fetched(NamedTuple):
    """The response of any status; nothing of it is decoded."""

    status: int
    headers: Headers
    body: bytes


def fetch(
    method: str,
    url: str,
    headers: Iterable[tuple[str, str]],
    body: bytes,
    *,
    attempt: Attempt,
    limit: int,
    tls_verify: bool | ssl.SSLContext = True,
    proxy_url: str | None = None,
) -> Fetched:
    """Send a request and return its response, within the deadline of ``attempt``.

    ``headers`` lack Host and Content-Length. No redirect is followed. Raises OSError,
    urllib3's errors, and ProtocolError for a body of more than ``limit`` bytes.
    """
    parts = urlsplit(url)
    # Of a signed request, Host is without the scheme's default port.
    authority = parts.netloc.rpartition("@")[2].removesuffix(f":{_PORTS[parts.scheme]}")
    target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    if proxy_url and parts.scheme == "http":
        target = f"http://{authority}{target}"
    lines = {"Host": authority, **dict(headers), "Content-Length": str(len(body))}
    pool = _pool(parts, tls_verify, proxy_url)
    response = pool.urlopen(method, target, body, lines, timeout=attempt)
    try:
        return Fetched(response.status, list(response.headers.iteritems()), _read(response, limit))
    finally:
        response.close()


def _pool(parts: SplitResult, tls_verify: bool | ssl.SSLContext, proxy_url: str | None) -> Any:
    """Return the pool of a server; it keeps no connection."""
    return EndpointAdapter(
        scheme=parts.scheme,
        host=parts.hostname or "",
        port=parts.port or _PORTS[parts.scheme],
        tls_verify=tls_verify,
        keepalive=0,
        pool_size=1,
        proxy_url=proxy_url,
    ).get_connection_with_tls_context()


def _read(response: WireResponse, limit: int) -> bytes:
    body = bytearray()
    while block := response.read_some():
        body += block
        if len(body) > limit:
            raise ProtocolError(f"the response exceeds {limit} bytes")
    return bytes(body)
