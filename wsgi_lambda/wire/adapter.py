"""Send requests through one connection pool with one TLS context, or through a proxy."""

from __future__ import annotations

import ssl
from base64 import b64encode
from functools import cache
from typing import Any
from urllib.parse import unquote_to_bytes

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.util import parse_url

from wsgi_lambda.wire.connection import socket_options
from wsgi_lambda.wire.open_connections import OpenConnections
from wsgi_lambda.wire.pool import Pool, PoolTLS


class EndpointAdapter(HTTPAdapter):
    """The requests adapter for one server; the ``timeout`` of `send` must be an `Attempt`.

    ``keepalive`` is the idle limit of a connection in seconds, 0 for connections
    that are closed after one request; ``pool_size`` is the number of idle
    connections that are kept, not a limit on open ones. ``tls_verify`` is True,
    False or the TLS context of a CA bundle. ``proxy_url`` is an HTTP proxy: it
    gets requests in absolute form for ``http``, and CONNECT for ``https``. The
    first request opens the first connection. ``connections`` counts them.
    """

    def __init__(
        self,
        *,
        scheme: str,
        host: str,
        port: int,
        tls_verify: bool | ssl.SSLContext,
        keepalive: float,
        pool_size: int,
        proxy_url: str | None = None,
        connections: OpenConnections | None = None,
    ) -> None:
        options: dict[str, Any] = {
            "maxsize": pool_size,
            "keepalive": keepalive,
            "connections": connections or OpenConnections(),
            "socket_options": socket_options(),
        }
        proxy = parse_url(proxy_url) if proxy_url else None
        if proxy:
            options["_proxy_headers"] = _proxy_headers(proxy.auth)
            proxy = proxy._replace(auth=None, port=proxy.port or 80)
        self._pool: Pool
        self._is_forwarded = proxy is not None and scheme == "http"
        if scheme == "https":
            context = _tls_context(tls_verify)
            self._pool = PoolTLS(host, port, ssl_context=context, _proxy=proxy, **options)
        else:
            server = (proxy.host or "", proxy.port) if proxy else (host, port)
            self._pool = Pool(*server, **options)
        self._empty = vars(Response())
        super().__init__(pool_maxsize=pool_size)

    def get_connection_with_tls_context(self, *_: Any, **__: Any) -> Pool:
        return self._pool

    def close(self) -> None:
        self._pool.close()

    def kept(self) -> list[Any]:
        """Return the connections that wait for a request; they may have been closed."""
        return self._pool.kept()

    def cert_verify(self, *_: Any) -> None:
        """Do nothing: the TLS context has the certificates already.

        requests would make urllib3 load them again for each connection.
        """

    def build_response(self, req: PreparedRequest, resp: Any) -> Response:
        """Build the response as requests does, without cookies and a text encoding."""
        # Twice as fast as the constructor, which makes a cookie jar and an empty mapping.
        response = Response.__new__(Response)
        vars(response).update(
            self._empty,
            status_code=resp.status,
            reason=resp.reason,
            headers=resp.headers,
            raw=resp,
            url=req.url,
            request=req,
            connection=self,
            history=[],
        )
        return response

    def request_url(self, request: PreparedRequest, proxies: Any) -> str:  # noqa: ARG002
        return (request.url or "") if self._is_forwarded else request.path_url


def _proxy_headers(user: str | None) -> dict[str, str]:
    if not user:
        return {}
    return {"Proxy-Authorization": f"Basic {b64encode(unquote_to_bytes(user)).decode()}"}


def _tls_context(verify: bool | ssl.SSLContext) -> ssl.SSLContext:
    if not isinstance(verify, bool):
        return verify
    # Look up the class now: urllib3 keeps the one of its import, which gevent
    # may have replaced since (gunicorn --preload).
    if verify:
        return _default_context(ssl.SSLContext)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@cache
def _default_context(kind: type[ssl.SSLContext]) -> ssl.SSLContext:  # noqa: ARG001
    """Return the context of ``kind`` that trusts certifi's bundle, the same for all adapters."""
    # With its certificates it takes 0.8 MB.
    return ssl.create_default_context(cafile=DEFAULT_CA_BUNDLE_PATH)
