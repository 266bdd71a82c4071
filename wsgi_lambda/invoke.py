"""Step 3: the bytes of an event to Lambda's reply."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote

import requests
from requests.cookies import RequestsCookieJar
from requests.structures import CaseInsensitiveDict

from wsgi_lambda.after_fork import reset_after_fork
from wsgi_lambda.credentials import Credentials
from wsgi_lambda.credentials.source import CredentialSource
from wsgi_lambda.errors import ConnectionFailed, DeadlinePassed, LambdaError
from wsgi_lambda.limits import RetryQuota, Slots, wait_before
from wsgi_lambda.options import Route, Target, Transport
from wsgi_lambda.options.aws_names import HEADER_SOURCE
from wsgi_lambda.sign import Signer
from wsgi_lambda.wire.adapter import EndpointAdapter
from wsgi_lambda.wire.attempt import Attempt
from wsgi_lambda.wire.body import read_body
from wsgi_lambda.wire.causes import PoolError, failure_kind, root_cause

log = logging.getLogger("wsgi_lambda")

#: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
INVOKE_PATH = "/2015-03-31/functions/{name}/invocations"

#: The statuses of Invoke where there was no error of Lambda's.
SUCCESSES = (200, 202, 204)

#: Lambda has the function, but cannot run it just now.
NOT_READY = frozenset(
    (
        "CodeArtifactUserPendingException",
        "EC2ThrottledException",
        "ENINotReadyException",
        "ResourceConflictException",
        "ResourceNotReadyException",
        "SnapStartNotReadyException",
    )
)

#: How AWS calls credentials that it does not, or no longer, know.
REFUSED_CREDENTIALS = frozenset(
    (
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
    )
)


@dataclass(frozen=True, slots=True)
class Reply:
    """Lambda's answer: status, headers in their order, the whole body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """Return the first value of ``name`` (in lower case), or "" where there is none."""
        for key, value in self.headers:
            if key.lower() == name:
                return value
        return ""

    @property
    def error_type(self) -> str:
        """The bare name of an API error: header and body may add a namespace or an address."""
        found = self.header("x-amzn-errortype")
        if not found:
            try:
                body = json.loads(self.body)
            except (ValueError, RecursionError):
                body = None
            if isinstance(body, dict):
                found = str(body.get("__type") or body.get("code") or "")
        return found.partition(":")[0].rpartition("#")[2]

    @property
    def is_success(self) -> bool:
        """Tell whether there was no error of Lambda's; the function may have had one."""
        return self.status in SUCCESSES

    @property
    def is_not_ready(self) -> bool:
        """Tell whether Lambda has the function, but cannot run it just now."""
        return self.status >= 400 and self.error_type in NOT_READY

    @property
    def says_later(self) -> bool:
        """Tell whether Lambda did not run the function, and may do so in a moment."""
        return self.status == 429 or self.is_not_ready

    @property
    def refuses_credentials(self) -> bool:
        """Tell whether AWS does not know the credentials, or no longer, so that nothing ran."""
        return self.status == 403 and self.error_type in REFUSED_CREDENTIALS


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


class Function:
    """One function as a route invokes it: everything but the payload is ready."""

    def __init__(self, route: Route, client: LambdaClient, source: CredentialSource) -> None:
        self._client = client
        self._source = source
        self._timeout = route.target.timeout
        self._retries = route.target.retries
        self._slots = Slots(route.target.max_concurrency)
        self._template = _prepare(route.target, route.transport)
        self._headers = dict(self._template.headers)
        self._signer = Signer(self._template, route.target.aws_region)

    def invoke(
        self, payload: bytes, headers: Mapping[str, str], *, is_safe: bool, max_response_size: int
    ) -> Reply:
        """Invoke the function once, with ``headers`` beside its own.

        It is sent again only where it certainly did not run (no connection
        stood; AWS called the credentials expired, and there are newer ones), or
        where ``is_safe`` (HTTP: GET, HEAD, OPTIONS) and a kept connection was
        found dead before a byte of an answer; for each reason once. `retries`
        adds answers that say "later", while the quota lasts. Raises
        `CredentialsError`, `ConnectionFailed`, `DeadlinePassed`,
        `TooManyInvocations`, `LambdaError`.
        """
        deadline = time.monotonic() + self._timeout
        once = partial(self._once, payload, headers, deadline, is_safe, max_response_size)
        retries = 0
        with self._slots:
            reply = once()
            while (
                retries < self._retries and reply.says_later and self._wait(retries + 1, deadline)
            ):
                retries += 1
                reply = once()
        if self._retries and reply.is_success:
            self._client.quota.give_back(retries=retries)
        return reply

    def _wait(self, retry: int, deadline: float) -> bool:
        """Wait before a retry; False where the deadline or the quota does not allow it."""
        wait = wait_before(retry)
        if time.monotonic() + wait >= deadline or not self._client.quota.take():
            return False
        time.sleep(wait)
        return True

    def _once(
        self,
        payload: bytes,
        headers: Mapping[str, str],
        deadline: float,
        is_safe: bool,
        max_response_size: int,
    ) -> Reply:
        """Invoke the function, with the repeats that are certain not to run it twice."""
        credentials = self._source.get(deadline)
        may_reconnect = may_renew = True
        while True:
            attempt = Attempt(deadline)
            request = self._signed(payload, headers, credentials)
            try:
                reply = self._client.send(request, attempt, max_response_size)
            except ConnectionFailed as error:
                was_stale = attempt.reused and not attempt.received
                if not may_reconnect or (attempt.opened and not (is_safe and was_stale)):
                    raise
                may_reconnect = False
                log.info("trying once more: %s", error.detail)
                continue
            if not may_renew or not reply.refuses_credentials:
                return reply
            renewed = self._source.renew(credentials, deadline)
            if renewed is None:
                return reply
            may_renew, credentials = False, renewed
            log.info("trying once more with new credentials: %s", reply.error_type)

    def _signed(
        self, payload: bytes, headers: Mapping[str, str], credentials: Credentials
    ) -> requests.PreparedRequest:
        signature = self._signer.sign(
            payload, credentials, tenant=headers.get("X-Amz-Tenant-Id", "")
        )
        # Half the time that a copy of the template would take.
        request = requests.PreparedRequest()
        request.method, request.url = self._template.method, self._template.url
        request.headers = CaseInsensitiveDict(
            {**self._headers, **headers, **signature, "Content-Length": str(len(payload))}
        )
        request.body = payload
        return request


def _prepare(target: Target, transport: Transport) -> requests.PreparedRequest:
    path = INVOKE_PATH.format(name=quote(target.function_name, safe=""))
    query = f"?Qualifier={quote(target.qualifier, safe='')}" if target.qualifier else ""
    headers = {
        "Host": transport.authority,
        "Content-Type": "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": "wsgi-lambda",
        "X-Amz-Invocation-Type": target.invocation_type,
    }
    # Lambda has a log at hand only where it waits for the function.
    if target.invocation_type == "RequestResponse":
        headers["X-Amz-Log-Type"] = target.log_type
    if target.tenant_id and not target.tenant_id.startswith(HEADER_SOURCE):
        headers["X-Amz-Tenant-Id"] = target.tenant_id
    if target.client_context:
        headers["X-Amz-Client-Context"] = target.client_context
    url = f"{transport.scheme}://{transport.authority}{path}{query}"
    return requests.Request("POST", url, headers=headers).prepare()
