"""Run a handler once: its result, its error, its log."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from typing import Any, TypeVar

from wsgi_lambda.local_runtime.context import MEMORY_SIZE, LambdaContext
from wsgi_lambda.local_runtime.encoding import decode, encode
from wsgi_lambda.local_runtime.faults import Outcome, crashed, exited, failed
from wsgi_lambda.local_runtime.loading import Handler

#: The end of a log that `X-Amz-Log-Result` contains, in bytes.
#: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_ResponseSyntax
_LOG_TAIL = 4096

T = TypeVar("T")


class Environment:
    """One execution environment: a handler that is loaded once, and kept if that succeeds.

    ``load`` returns the handler, or raises whatever loading it raises.
    """

    def __init__(self, load: Callable[[], Handler]) -> None:
        self._load = load
        self._handler: Handler | None = None  # None can be the value of its name, too
        self._is_ready = False

    @property
    def is_ready(self) -> bool:
        """Whether the handler is loaded."""
        return self._is_ready

    def prepare(self, request_id: str) -> Outcome | None:
        """Load the handler unless that is done; return the function error if it fails.

        The next call tries again. Raises what ends the runtime on AWS, such as
        KeyboardInterrupt, but not SystemExit.
        """
        # AWS's runtime does not know the request yet, except for the end of its process.
        found = attempt(self._prepare, "", request_id)
        return found if isinstance(found, Outcome) else None

    def run(
        self, payload: bytes, make_context: Callable[[], LambdaContext], request_id: str
    ) -> Outcome:
        """Return the outcome of one event; `prepare` must have succeeded.

        The context is made here, because it may be malformed, too. Raises what ends
        the runtime on AWS, such as KeyboardInterrupt, but not SystemExit.
        """
        found = attempt(lambda: encode(self.call(payload, make_context)), request_id)
        if isinstance(found, Outcome):
            return found
        try:
            return Outcome(found if isinstance(found, bytes) else found.encode())
        except UnicodeEncodeError as error:  # half a surrogate pair
            return crashed(error, request_id)

    def call(self, payload: bytes, make_context: Callable[[], LambdaContext]) -> Any:
        """Return what the handler returns; raises whatever it raises."""
        if not self._is_ready:
            raise RuntimeError("the handler is not loaded")
        context = make_context()
        return self._handler(decode(payload), context)  # type: ignore[misc]  # None: TypeError

    def _prepare(self) -> None:
        if not self._is_ready:
            self._handler = self._load()
            self._is_ready = True


def attempt(step: Callable[[], T], request_id: str, exit_id: str = "") -> T | Outcome:
    """Return the result of ``step``, or the error of the function if it raises.

    ``exit_id`` is the request id in the error of an end of the runtime, by default
    ``request_id``.
    """
    try:
        return step()
    except Exception as error:  # noqa: BLE001 - whatever foreign code raises
        return failed(error, request_id, exit_id)
    except SystemExit as end:
        return exited(end.code, exit_id or request_id)


def write_log(
    request_id: str, version: str, outcome: Outcome, *, duration: float, init: float | None
) -> str:
    """Return the log of an invocation: START, the error, END and REPORT.

    ``duration`` and ``init``, the time that loading took (None unless this
    invocation loaded the handler), are seconds. What the handler prints is not in
    it: the process has shown that already.
    """
    request = f"RequestId: {request_id}"
    duration, init = duration * 1000, None if init is None else init * 1000
    report = [
        f"REPORT {request}",
        f"Duration: {duration:.2f} ms",
        f"Billed Duration: {math.ceil(duration + (init or 0))} ms",
        f"Memory Size: {MEMORY_SIZE} MB",
        f"Max Memory Used: {MEMORY_SIZE} MB",
        *([] if init is None else [f"Init Duration: {init:.2f} ms"]),
    ]
    return f"START {request} Version: {version}\n{outcome.log}END {request}\n" + "\t".join(
        [*report, "\n"]
    )


def log_result(text: str) -> str:
    """Return the end of a log as `X-Amz-Log-Result` contains it."""
    return base64.b64encode(text.encode(errors="replace")[-_LOG_TAIL:]).decode()
