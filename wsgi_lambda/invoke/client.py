"""The session of one Lambda endpoint: it sends signed requests and reads their replies."""

from __future__ import annotations

import threading
from collections.abc import Generator
from typing import Any, NamedTuple

import requests
from requests.cookies import RequestsCookieJar

from wsgi_lambda.after_fork import reset_after_fork
from wsgi_lambda.errors import ConnectionFailed, DeadlinePassed, LambdaError
from wsgi_lambda.invoke.reply import Reply
from wsgi_lambda.invoke.retry_quota import RetryQuota
from wsgi_lambda.options import Transport
from wsgi_lambda.wire.adapter import EndpointAdapter
from wsgi_lambda.wire.attempt import Attempt
from wsgi_lambda.wire.body import read_body
from wsgi_lambda.wire.causes import PoolError, failure_kind, root_cause
from wsgi_lambda.wire.open_connections import OpenConnections


class _NoCookies(RequestsCookieJar):
    """A cookie jar that stays empty."""

    def extract_cookies(self, response: object, request: object) -> None:
        """Ignore the cookies of a response."""


class _Session(requests.Session):
    """A session that follows no redirect, keeps no cookie and reads no environment."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.cookies = _NoCookies()

    def resolve_redirects(self, *_: Any, **__: Any) -> Generator[requests.Response]:
        # requests would read the whole body of a redirect, however long it is.
        yield from ()


class OpenReply(NamedTuple):
    """The head of a reply; its body is still on the connection, and must be read or closed."""

    status: int
    headers: tuple[tuple[str, str], ...]
    response: requests.Response


def too_large(limit: int, request_id: str) -> LambdaError:
    """Return the error for a reply of more than ``limit`` bytes (`max_response_size`)."""
    return LambdaError(
        "The function's response is too large",
        detail=f"Lambda's reply exceeds {limit} bytes",
        outcome="invalid_result",
        request_id=request_id,
    )


class LambdaClient:
    """The session of one Lambda endpoint and its pool, opened at the first request of a process.

    Nothing crosses a fork: a child process starts without a session, and with
    a lock of its own. `open`, `read` and `read_some` raise `DeadlinePassed`, or
    `ConnectionFailed` whose detail names the cause.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.quota = RetryQuota()
        reset_after_fork(self._reset)

    def _reset(self) -> None:
        self._session: _Session | None = None
        self._adapter: EndpointAdapter | None = None
        self._connections = OpenConnections()
        self._lock = threading.Lock()

    def session(self) -> requests.Session:
        """Return the session of this process."""
        if self._session is None:
            with self._lock:
                if self._session is None:  # pragma: no branch - else another thread was first
                    self._session = self._make_session()
        return self._session

    def close(self) -> None:
        """Close the connections of this process; the next request opens new ones."""
        with self._lock:
            if self._session is not None:
                self._session.close()
                self._session = None

    def snapshot(self) -> dict[str, Any]:
        """Return the connections and the retry quota of this process."""
        kept = [] if self._adapter is None else self._adapter.kept()
        idle, in_use = self._connections.counts(kept)
        return {
            "url": self._transport.url,
            "idle": idle,
            "in_use": in_use,
            "opened": self._connections.opened,
            "retry_quota": self.quota.tokens,
        }

    def open(self, request: requests.PreparedRequest, attempt: Attempt) -> OpenReply:
        """Send a signed ``request`` and return the head of its reply."""
        try:
            response = self.session().send(
                request,
                stream=True,
                timeout=attempt,  # the adapter takes a urllib3 Timeout
                allow_redirects=False,
                proxies={},
            )
        except (requests.RequestException, PoolError, OSError) as error:
            raise self._failure(error) from error
        return OpenReply(response.status_code, tuple(response.raw.headers.iteritems()), response)

    def read(self, opened: OpenReply, limit: int) -> Reply:
        """Return the whole reply; raise `LambdaError` if its body exceeds ``limit`` bytes."""
        try:
            body = read_body(opened.response, limit)
        except (requests.RequestException, PoolError, OSError) as error:
            raise self._failure(error) from error
        reply = Reply(opened.status, opened.headers, body or b"")
        if body is None:
            raise too_large(limit, reply.request_id)
        return reply

    def read_some(self, opened: OpenReply) -> bytes:
        """Return the next bytes of the body as soon as there are any, b"" at its end."""
        try:
            data: bytes = opened.response.raw.read_some()
        except (requests.RequestException, PoolError, OSError) as error:
            raise self._failure(error) from error
        return data

    def _make_session(self) -> _Session:
        transport = self._transport
        session = _Session()
        verify = transport.tls_verify
        self._adapter = adapter = EndpointAdapter(
            scheme=transport.scheme,
            host=transport.host,
            port=transport.port,
            tls_verify=verify if isinstance(verify, bool) else verify.tls_context(),
            keepalive=transport.keepalive,
            pool_size=transport.pool_size,
            proxy_url=transport.proxy_url,
            connections=self._connections,
        )
        session.adapters.clear()
        session.mount(f"{transport.scheme}://", adapter)
        return session

    def _failure(self, error: Exception) -> LambdaError:
        cause = root_cause(error)
        through = " through proxy_url" if self._transport.proxy_url else ""
        detail = f"{failure_kind(cause)} at {self._transport.authority}{through}: {cause!r}"
        # ETIMEDOUT: TCP keepalive found that the peer is dead.
        if isinstance(cause, TimeoutError) and cause.errno is None:
            return DeadlinePassed(detail=detail)
        return ConnectionFailed(detail=detail)
