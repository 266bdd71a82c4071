"""Step 3: the bytes of an event to Lambda's reply."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from functools import partial
from urllib.parse import quote

import requests
from requests.structures import CaseInsensitiveDict

from wsgi_lambda.credentials import Credentials
from wsgi_lambda.credentials.source import CredentialSource
from wsgi_lambda.errors import ConnectionFailed
from wsgi_lambda.invoke.client import LambdaClient
from wsgi_lambda.invoke.concurrency import Slots
from wsgi_lambda.invoke.reply import Reply
from wsgi_lambda.invoke.retry_quota import wait_before
from wsgi_lambda.invoke.sign import Signer
from wsgi_lambda.options import Route, Target, Transport
from wsgi_lambda.options.aws_names import HEADER_SOURCE
from wsgi_lambda.wire.attempt import Attempt

log = logging.getLogger("wsgi_lambda")

#: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
INVOKE_PATH = "/2015-03-31/functions/{name}/invocations"


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
