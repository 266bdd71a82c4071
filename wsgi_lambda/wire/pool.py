"""Keep the connections to one server, and exchange requests and responses over them."""

from __future__ import annotations

import queue
import ssl
from collections.abc import Mapping
from itertools import chain
from typing import Any

import urllib3
from urllib3.exceptions import ReadTimeoutError, SSLError

from wsgi_lambda.wire.attempt import Attempt
from wsgi_lambda.wire.connection import IdleLimitedConnection, IdleLimitedTLSConnection
from wsgi_lambda.wire.exchange import WireResponse, exchange, request_head
from wsgi_lambda.wire.header_lines import HeaderLines


class Pool(urllib3.HTTPConnectionPool):
    """A pool whose ``timeout`` is an `Attempt`, and whose requests have a body of bytes.

    Checkout, tunnels, TLS and idle connections are urllib3's. It never waits for a
    free connection.
    """

    ConnectionCls = IdleLimitedConnection

    def urlopen(  # type: ignore[override]
        self,
        method: str,
        url: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        timeout: Attempt,
        chunked: bool = False,
        **_: Any,
    ) -> WireResponse:
        """Send one request; raises the errors that `requests.adapters.HTTPAdapter` translates."""
        if chunked:  # what requests wants if there is no length
            raise ValueError("a request with a body needs a Content-Length")
        given = {} if headers is None else headers
        lines = given.iteritems() if isinstance(given, HeaderLines) else iter(given.items())
        if self.proxy_headers and self.proxy is None:  # a request in absolute form
            lines = chain(lines, self.proxy_headers.items())
        head = request_head(method, url, lines)
        connection: Any = self._get_conn()
        connection.attempt = timeout
        timeout.reused = timeout.opened = not connection.is_closed
        try:
            if not timeout.reused:
                self._open(connection)
            return exchange(connection, method, head, body, self._put_conn)
        except BaseException as error:
            connection.close()
            if isinstance(error, TimeoutError):
                raise ReadTimeoutError(self, url, str(error)) from error
            if isinstance(error, ssl.SSLError):
                raise SSLError(error) from error
            raise

    def kept(self) -> list[Any]:
        """Return the connections that wait for a request; they may have been closed."""
        # Without the lock of the queue. It has a None for each connection that it lacks.
        return [each for each in list(getattr(self.pool, "queue", ())) if each is not None]

    def _open(self, connection: Any) -> None:
        if self.proxy is None:
            connection.connect()
        else:
            self._prepare_proxy(connection)  # connects through a tunnel
        self._validate_conn(connection)  # warns if TLS is not verified

    def _put_conn(self, conn: Any) -> None:
        """Keep the connection, or close it if it must not be kept.

        `pool_size` connections may be kept already: urllib3 would log a warning
        each time, and a burst is not a problem. With a `keepalive` of 0 none is
        kept.
        """
        if not conn.keepalive:
            conn.close()
            return
        try:
            self.pool.put(conn, block=False)  # type: ignore[union-attr]
        except (AttributeError, queue.Full):  # a closed pool is None
            conn.close()


class PoolTLS(Pool, urllib3.HTTPSConnectionPool):
    """A pool of TLS connections."""

    ConnectionCls = IdleLimitedTLSConnection
