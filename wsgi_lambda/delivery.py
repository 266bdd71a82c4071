"""What happened to an invocation on its way to Lambda and back."""

from __future__ import annotations

from collections.abc import Iterable


class Delivery:
    """The course of one invocation: filled while it happens, read afterwards.

    Every request has one, whether or not anybody reads it, so it is a plain class whose
    attributes have defaults. Times are seconds.
    """

    #: The trace that was sent: `Root=…;Parent=…;Sampled=…`.
    trace: str = ""
    #: Bytes of the encoded event, and of the body of Lambda's reply.
    payload_bytes: int = 0
    response_bytes: int = 0
    #: When the wait for credentials began, and when the reply was complete (`time.monotonic`).
    started: float = 0.0
    finished: float = 0.0

    #: Requests that were started; 0 if the request was rejected before.
    attempts: int = 0
    #: Whether the connection of the last attempt had been used before.
    is_reused: bool | None = None
    #: Connections that were opened for it.
    opened: int = 0
    #: Time spent waiting for credentials; 0 if they are in the configuration or environment.
    credentials_wait: float = 0.0
    #: Time spent waiting before retries.
    backoff: float = 0.0
    #: Status and headers of Lambda's reply, its request id among them; None without a reply.
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    #: The outcome of the request in one word.
    outcome: str = "ok"
    #: The end of the function's log, base64, as `X-Amz-Log-Result` contains it.
    log_result: str = ""

    @property
    def request_id(self) -> str:
        """Lambda's id of the invocation, "" without one."""
        return first_value(self.headers, "x-amzn-requestid")


def first_value(headers: Iterable[tuple[str, str]], name: str) -> str:
    """Return the first value of ``name`` (in lower case), or "" if it is missing."""
    for key, value in headers:
        if key.lower() == name:
            return value
    return ""
