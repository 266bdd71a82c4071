"""The Session of one Lambda endpoint."""

from __future__ import annotations

import threading

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


class _NoCookies(RequestsCookieJar):
    """A jar that stays empty."""

    def extract_cookies(self, response: object, request: object) -> None:
        """Keep none, and do not look for any."""


class _Session(requests.Session):
    """A Session that follows nothing, keeps nothing and reads no environment."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.cookies = _NoCookies()

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002
        # requests would read a redirect's body whole, however long it is.
        return None


class LambdaClient:
    """The Session for one endpoint, with its pool; made at the first request of a process.

    Nothing that it holds crosses a fork: a child starts without session and
    with a lock of its own.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.quota = RetryQuota()
        reset_after_fork(self._begin)

    def _begin(self) -> None:
        self._session: _Session | None = None
        self._lock = threading.Lock()

    def session(self) -> requests.Session:
        """Return this process's session."""
        if self._session is None:
            with self._lock:
                if self._session is None:  # pragma: no branch - else another thread was first
                    self._session = self._open()
        return self._session

    def _open(self) -> _Session:
        transport = self._transport
        session = _Session()
        adapter = EndpointAdapter(
            scheme=transport.scheme,
            host=transport.host,
            port=transport.port,
            tls_verify=transport.tls_verify,
            keepalive=transport.keepalive,
            pool_size=transport.pool_size,
            proxy_url=transport.proxy_url,
        )
        session.adapters.clear()
        session.mount(f"{transport.scheme}://", adapter)
        return session

    def send(
        self, request: requests.PreparedRequest, attempt: Attempt, max_response_size: int
    ) -> Reply:
        """Return Lambda's answer to a signed ``request``.

        Raises `DeadlinePassed`, or `ConnectionFailed` whose detail tells the cause.
        """
        try:
            response = self.session().send(
                request,
                stream=True,
                timeout=attempt,  # the adapter takes a urllib3 Timeout
                allow_redirects=False,
                proxies={},
            )
            body = read_body(response, max_response_size)
        except (requests.RequestException, PoolError, OSError) as error:
            raise self._failure(error) from error
        reply = Reply(response.status_code, tuple(response.raw.headers.iteritems()), body or b"")
        if body is None:
            raise LambdaError(
                "The function's answer is too large",
                detail=f"Lambda's answer is over {max_response_size} bytes",
                request_id=reply.header("x-amzn-requestid"),
            )
        return reply

    def _failure(self, error: Exception) -> LambdaError:
        cause = root_cause(error)
        through = " through proxy_url" if self._transport.proxy_url else ""
        detail = f"{failure_kind(cause)} at {self._transport.authority}{through}: {cause!r}"
        # ETIMEDOUT is the system's word for a peer that TCP keepalive found dead.
        if isinstance(cause, TimeoutError) and cause.errno is None:
            return DeadlinePassed(detail=detail)
        return ConnectionFailed(detail=detail)
