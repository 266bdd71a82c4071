"""The stream of a handler in this process, as the response reads it."""

from __future__ import annotations

import json
import logging
import time

from wsgi_lambda.delivery import Delivery
from wsgi_lambda.errors import DeadlinePassed, FunctionError
from wsgi_lambda.invoke.client import too_large
from wsgi_lambda.local_runtime.faults import Outcome
from wsgi_lambda.local_runtime.run import log_result
from wsgi_lambda.local_runtime.stream import StreamedRun
from wsgi_lambda.options import Route

log = logging.getLogger("wsgi_lambda")


class LocalStream:
    """The `Chunks` of a handler."""

    def __init__(
        self,
        run: StreamedRun,
        route: Route,
        request_id: str,
        version: str,
        *,
        deadline: float,
        delivery: Delivery,
    ) -> None:
        self.log_result = ""
        self._run = run
        self._route = route
        self._request_id = request_id
        self._version = version
        self._deadline = deadline
        self._delivery = delivery
        self._is_closed = False

    def read(self, silence: float | None = None) -> bytes:
        """Return the next bytes; see `Chunks`."""
        if self._is_closed:
            return b""
        try:
            return self._read(self._deadline if silence is None else time.monotonic() + silence)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the generator; further calls have no effect."""
        if not self._is_closed:
            self._is_closed = True
            self._delivery.ended = time.monotonic()
            self._run.close(time.monotonic() + self._route.target.timeout)

    __del__ = close

    def _read(self, deadline: float) -> bytes:
        try:
            found = self._run.receive(deadline)
        except TimeoutError as error:
            self._warn()
            raise DeadlinePassed(
                detail="the handler is still running", request_id=self._request_id
            ) from error
        if isinstance(found, Outcome):
            return self._finish(found)
        limit = self._route.response.max_response_size
        if len(found) > limit:
            raise too_large(limit, self._request_id)
        return found

    def _finish(self, outcome: Outcome) -> bytes:
        self.close()
        if self._route.target.log_type == "Tail":
            text = self._run.write_log(self._version, outcome)
            self.log_result = self._delivery.log_result = log_result(text)
        if not outcome.error_type:
            return b""
        self._warn()
        raise FunctionError(
            kind="Unhandled",
            error_type=outcome.error_type,
            error_message=json.loads(outcome.body)["errorMessage"],
            body=outcome.body,
            log="",
            is_timeout=outcome.error_type == "Sandbox.Timedout",
            request_id=self._request_id,
        )

    def _warn(self) -> None:
        if self._run.is_running:
            log.warning(
                "function %s is still running after a timeout, because a thread cannot be stopped; "
                "its result will be dropped (request %s)",
                self._route.target.function_name,
                self._request_id,
            )
