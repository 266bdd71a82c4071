"""Invoke a function of Lambda: sign one request and send it, once if at all possible."""

from __future__ import annotations

import logging
import time
from urllib.parse import quote

import requests

from wsgi_lambda.credentials import Credentials
from wsgi_lambda.delivery import Delivery
from wsgi_lambda.errors import LambdaError
from wsgi_lambda.invoke import Invocation
from wsgi_lambda.invoke.client import OpenReply
from wsgi_lambda.invoke.connections import Connections
from wsgi_lambda.invoke.repeats import Repeat, may_repeat
from wsgi_lambda.invoke.reply import Reply
from wsgi_lambda.invoke.retry_quota import wait_before
from wsgi_lambda.invoke.sign import Signer
from wsgi_lambda.options import Route, Target, Transport
from wsgi_lambda.options.aws_names import Tenant
from wsgi_lambda.printable import printable
from wsgi_lambda.wire.attempt import Attempt
from wsgi_lambda.wire.header_lines import HeaderLines

log = logging.getLogger("wsgi_lambda")


class Function:
    """The Invoker of a function in Lambda; everything except the event is prepared.

    `repeats` decides what is sent again. `invoke` raises `CredentialsError`,
    `ConnectionFailed`, `DeadlinePassed`, and `LambdaError` for a reply over
    `max_response_size`.
    """

    #: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
    path = "/2015-03-31/functions/{name}/invocations"

    def __init__(self, route: Route, connections: Connections) -> None:
        self._client = connections.client(route.transport)
        self._source = connections.credentials(route)
        self._timeout = route.target.timeout
        self._retries = route.target.retries
        self._limit = route.response.max_response_size
        self._template = _prepare(route.target, route.transport, self.path)
        self._headers = {name: str(value) for name, value in self._template.headers.items()}
        self._signer = Signer(self._template, route.target.aws_region)

    def invoke(self, invocation: Invocation) -> Reply:
        """Return the reply to ``invocation``, within the `timeout` of the route."""
        delivery = invocation.delivery
        delivery.started = started = time.monotonic()
        try:
            outcome, retries = self._send_until_final(invocation, started + self._timeout)
        except BaseException:
            delivery.ended = time.monotonic()
            raise
        if isinstance(outcome, LambdaError):
            delivery.ended = time.monotonic()
            raise outcome
        if self._retries and outcome.is_success:
            self._client.quota.give_back(retries=retries)
        return outcome

    def _send_until_final(
        self, invocation: Invocation, deadline: float
    ) -> tuple[Reply | LambdaError, int]:
        """Return the final outcome, and how many `retries` it took."""
        credentials = self._credentials(invocation.delivery, deadline)
        done: list[Repeat] = []
        while True:
            attempt = Attempt(deadline)
            outcome = self._send(invocation, credentials, attempt)
            retries = done.count(Repeat.RETRY)
            repeat = may_repeat(
                outcome,
                attempt,
                is_repeatable=invocation.is_repeatable,
                done=done,
                retries_left=self._retries - retries,
            )
            if repeat is None:
                return outcome, retries
            done.append(repeat)
            newer = self._prepare_repeat(repeat, credentials, done, invocation.delivery, deadline)
            if newer is None:
                return outcome, retries
            credentials = newer
            invocation.delivery.earlier += (attempt,)
            log.info("sending the request again (%s): %s", repeat.value, _reason(outcome))

    def _send(
        self, invocation: Invocation, credentials: Credentials, attempt: Attempt
    ) -> Reply | LambdaError:
        invocation.delivery.last = attempt
        request = self._signed(invocation, credentials)
        try:
            return self._read(self._client.open(request, attempt), attempt, invocation)
        except LambdaError as error:
            return error

    def _read(self, opened: OpenReply, attempt: Attempt, invocation: Invocation) -> Reply:  # noqa: ARG002
        return self._client.read(opened, self._limit)

    def _prepare_repeat(
        self,
        repeat: Repeat,
        credentials: Credentials,
        done: list[Repeat],
        delivery: Delivery,
        deadline: float,
    ) -> Credentials | None:
        """Return the credentials for the next attempt, or None if there is none."""
        if repeat is Repeat.RENEW:
            return self._source.renew(credentials, deadline)
        if repeat is Repeat.RETRY:
            may_retry = self._wait(done.count(repeat), delivery, deadline)
            return self._credentials(delivery, deadline) if may_retry else None
        return credentials

    def _credentials(self, delivery: Delivery, deadline: float) -> Credentials:
        found = self._source.at_hand()
        if found is not None:
            return found
        started = time.monotonic()
        try:
            return self._source.get(deadline)
        finally:
            delivery.credentials_wait += time.monotonic() - started

    def _wait(self, retry: int, delivery: Delivery, deadline: float) -> bool:
        """Wait before a retry; False if the deadline or the quota does not allow it."""
        wait = wait_before(retry)
        if time.monotonic() + wait >= deadline or not self._client.quota.take():
            return False
        time.sleep(wait)
        delivery.backoff += wait
        return True

    def _signed(self, invocation: Invocation, credentials: Credentials) -> requests.PreparedRequest:
        payload, headers = invocation.payload, invocation.headers
        signature = self._signer.sign(payload, credentials, headers)
        # Twice as fast as copying the template.
        request = requests.PreparedRequest()
        request.method, request.url = self._template.method, self._template.url
        lines = {**self._headers, **headers, **signature, "Content-Length": str(len(payload))}
        request.headers = HeaderLines(lines.items())  # type: ignore[assignment]
        request.body = payload
        return request


def _reason(outcome: Reply | LambdaError) -> str:
    return printable(outcome.detail if isinstance(outcome, LambdaError) else outcome.error_type)


def _prepare(target: Target, transport: Transport, path: str) -> requests.PreparedRequest:
    path = path.format(name=quote(target.function_name, safe=""))
    query = f"?Qualifier={quote(target.qualifier, safe='')}" if target.qualifier else ""
    headers = {
        "Host": transport.authority,
        "Content-Type": "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": "wsgi-lambda",
        "X-Amz-Invocation-Type": target.invocation_type,
    }
    # Lambda returns the log only if it waits for the function.
    if target.invocation_type == "RequestResponse":
        headers["X-Amz-Log-Type"] = target.log_type
    if isinstance(target.tenant_id, Tenant):
        headers["X-Amz-Tenant-Id"] = target.tenant_id.value
    if target.client_context:
        headers["X-Amz-Client-Context"] = target.client_context
    url = f"{transport.scheme}://{transport.authority}{path}{query}"
    return requests.Request("POST", url, headers=headers).prepare()
