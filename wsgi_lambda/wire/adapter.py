"""The pool of connections: idle limit, total deadline, one TLS context, TCP keepalive.

The only file that knows urllib3. It knows nothing of Lambda.
"""

from __future__ import annotations

import ssl
from base64 import b64encode
from typing import Any
from urllib.parse import unquote_to_bytes

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.util import parse_url

from wsgi_lambda.wire.connection import Pool, PoolTLS, socket_options


class EndpointAdapter(HTTPAdapter):
    """The requests adapter for one endpoint; its ``timeout`` must be an `Attempt`.

    Nothing is retried or redirected here. ``tls_verify`` is True, False or the
    path of a CA bundle; the certificates are read once. ``proxy_url`` is an
    HTTP proxy: it is given the absolute form for ``http``, CONNECT for
    ``https``. Opens no connection before the first request.
    """

    def __init__(
        self,
        *,
        scheme: str,
        host: str,
        port: int,
        tls_verify: bool | str,
        keepalive: float,
        pool_size: int,
        proxy_url: str | None = None,
    ) -> None:
        settings: dict[str, Any] = {
            "maxsize": pool_size,
            "keepalive": keepalive,
            "socket_options": socket_options(),
        }
        proxy = parse_url(proxy_url) if proxy_url else None
        if proxy:
            settings["_proxy_headers"] = _proxy_headers(proxy.auth)
            proxy = proxy._replace(auth=None, port=proxy.port or 80)
        self._pool: Pool
        self._is_forwarded = proxy is not None and scheme == "http"
        if scheme == "https":
            context = _tls_context(tls_verify)
            self._pool = PoolTLS(host, port, ssl_context=context, _proxy=proxy, **settings)
        else:
            server = (proxy.host or "", proxy.port) if proxy else (host, port)
            self._pool = Pool(*server, **settings)
        super().__init__(pool_maxsize=pool_size)

    def get_connection_with_tls_context(self, *_: Any, **__: Any) -> Pool:
        return self._pool

    def cert_verify(self, *_: Any) -> None:
        """The context has the certificates; urllib3 would load them for each connection."""

    def build_response(self, req: PreparedRequest, resp: Any) -> Response:
        """Do what requests does, but for cookies, which nobody keeps, and the text's encoding."""
        response = Response()
        response.status_code, response.reason = resp.status, resp.reason
        # As good a mapping without case as requests' own, and there already.
        response.headers = resp.headers
        response.raw = resp
        response.url = req.url or ""
        response.request = req
        response.connection = self
        return response

    def request_url(self, request: PreparedRequest, proxies: Any) -> str:  # noqa: ARG002
        return (request.url or "") if self._is_forwarded else request.path_url


def _proxy_headers(user: str | None) -> dict[str, str]:
    if not user:
        return {}
    return {"Proxy-Authorization": f"Basic {b64encode(unquote_to_bytes(user)).decode()}"}


def _tls_context(verify: bool | str) -> ssl.SSLContext:
    # Python's own, looked up now: urllib3 keeps the class that was there when
    # it was imported, which gevent may have replaced since (--preload).
    if verify:
        return ssl.create_default_context(
            cafile=DEFAULT_CA_BUNDLE_PATH if verify is True else str(verify)
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
