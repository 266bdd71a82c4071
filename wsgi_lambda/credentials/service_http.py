"""Bound the requests of botocore's providers, and the processes that they start.

botocore limits each read, so a server that drips occupies it for ever; it reads a body of
any length, and waits for a process without a limit.
"""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Callable
from typing import Any

import botocore
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ReadTimeoutError,
    SSLError,
)

from wsgi_lambda.credentials.process import BoundedProcess
from wsgi_lambda.wire.attempt import Attempt
from wsgi_lambda.wire.causes import PoolError, root_cause
from wsgi_lambda.wire.fetch import fetch

log = logging.getLogger("wsgi_lambda")

#: Credentials are a few KiB, with the long tokens of SSO, too.
LONGEST_REPLY = 64 * 1024  # bytes


class InvalidReply(ConnectionClosedError):  # type: ignore[misc]
    """The reply of a service is not HTTP, or longer than 64 KiB."""

    fmt = 'The reply is too long or malformed: endpoint URL "{endpoint_url}"'


class ServiceHTTP:
    """Stands in for botocore's `URLLib3Session`: ``seconds`` for a whole exchange, no redirect.

    The proxies of the environment are ignored; ``proxy_url`` is used if given. ``bundle``
    returns the path of a file of CAs, None for certifi's.
    """

    def __init__(
        self,
        *,
        seconds: float,
        proxy_url: str | None = None,
        bundle: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._seconds = seconds
        self._proxy_url = proxy_url
        self._bundle = bundle

    def send(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        """Return the response; raise the errors that botocore's providers expect."""
        attempt = Attempt(time.monotonic() + self._seconds)
        context = self._context() if request.url.startswith("https:") else True
        try:
            status, headers, body = fetch(
                request.method,
                request.url,
                _lines(request.headers),
                _bytes(request.body),
                attempt=attempt,
                limit=LONGEST_REPLY,
                tls_verify=context,
                proxy_url=self._proxy_url,
            )
        except (PoolError, OSError, ValueError) as error:
            raise _as_botocore(root_cause(error), request, attempt) from error
        response = AWSResponse(request.url, status, dict(headers), None)
        response._content = body
        return response

    def _context(self) -> bool | ssl.SSLContext:
        bundle = self._bundle()
        return ssl.create_default_context(cafile=bundle) if bundle else True


#: The request over our connection has its own.
_OWN = frozenset(("host", "content-length", "connection", "expect", "transfer-encoding"))


def _lines(headers: Any) -> list[tuple[str, str]]:
    """Return the headers as text; botocore has some as bytes."""
    texts = [
        (name, value.decode("latin-1") if isinstance(value, bytes) else str(value))
        for name, value in headers.items()
        if name.lower() not in _OWN
    ]
    return [*texts, ("Accept-Encoding", "identity")]


def _bytes(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else bytes(body or b"")


def _as_botocore(
    cause: BaseException, request: AWSPreparedRequest, attempt: Attempt
) -> HTTPClientError:
    url = request.url
    if isinstance(cause, TimeoutError):
        kind = ReadTimeoutError if attempt.opened else ConnectTimeoutError
        return kind(endpoint_url=url, error=cause)
    if isinstance(cause, ssl.SSLError):
        return SSLError(endpoint_url=url, error=cause)
    if not attempt.opened:
        return EndpointConnectionError(endpoint_url=url, error=cause)
    # Providers try again after an error of this class. A ProtocolError is not an OSError.
    kind = ConnectionClosedError if isinstance(cause, OSError) else InvalidReply
    return kind(endpoint_url=url, error=cause, request=request)


def _is_not_ours(record: logging.LogRecord) -> bool:
    return record.threadName != "wsgi_lambda" or not record.exc_info


# botocore logs a renewal that fails with a traceback, which repeats what STS has sent, line ends
# included. The error itself is in our log. Threads of the app keep their lines.
logging.getLogger("botocore.credentials").addFilter(_is_not_ours)


def bound_providers(resolver: Any) -> None:
    """Give providers our HTTP and our processes, before their first use.

    The metadata services of instances and containers keep botocore's time, and are never
    reached through a proxy. botocore promises none of these attributes: a version without
    one keeps its own HTTP or process there, and still finds credentials.
    """
    for bound in (_bound_instance, _bound_container, _bound_processes):
        try:
            bound(resolver)
        except AttributeError as error:
            log.warning(
                "botocore %s has changed: a source of credentials is not bounded (%s)",
                botocore.__version__,
                error,
            )


def _bound_instance(resolver: Any) -> None:
    fetcher = resolver.get_provider("iam-role")._role_fetcher
    fetcher._session = ServiceHTTP(seconds=fetcher._timeout)


def _bound_container(resolver: Any) -> None:
    fetcher = resolver.get_provider("container-role")._fetcher
    fetcher._session = ServiceHTTP(seconds=fetcher.TIMEOUT_SECONDS)


def _bound_processes(resolver: Any) -> None:
    resolver.get_provider("custom-process")._popen = BoundedProcess
    # Makes the providers of a `source_profile`.
    builder = resolver.get_provider("assume-role")._profile_provider_builder
    create = builder._create_process_provider

    def create_bounded(profile_name: str) -> Any:
        provider = create(profile_name)
        provider._popen = BoundedProcess
        return provider

    builder._create_process_provider = create_bounded
