"""What happened to an invocation on its way to Lambda and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol


class Attempted(Protocol):
    """A request that was started: what became of its connection."""

    @property
    def opened(self) -> bool:
        """Connected, so that Lambda may have received bytes."""
        ...

    @property
    def reused(self) -> bool | None:
        """Whether the connection had been used before; None if it needs none."""
        ...

    @property
    def last_byte(self) -> float:
        """When the last bytes of the reply arrived (`time.monotonic`)."""
        ...


class InThisProcess:
    """The attempt of an invocation that needs no connection."""

    opened = False
    reused: bool | None = None
    last_byte = 0.0


class Delivery:
    """The course of one invocation: filled while it happens, read afterwards.

    Every request has one, whether or not anybody reads it, so it is a plain class whose
    attributes have defaults, and what can be computed is a property. Times are seconds.
    """

    #: Bytes of the encoded event, and of the body of Lambda's reply.
    payload_bytes: int = 0
    response_bytes: int = 0
    #: When the wait for credentials began (`time.monotonic`).
    started: float = 0.0
    #: When the invocation ended, if not with the last byte of a reply.
    ended: float = 0.0

    #: The last request that was started, None if the invocation was rejected before.
    last: Attempted | None = None
    #: The requests before it, which were sent again.
    earlier: tuple[Attempted, ...] = ()
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
    def attempts(self) -> int:
        """The number of requests that were started; 0 if the invocation was rejected before."""
        return len(self.earlier) + (self.last is not None)

    @property
    def is_reused(self) -> bool | None:
        """Whether the connection of the last attempt had been used before."""
        return None if self.last is None else self.last.reused

    @property
    def opened(self) -> int:
        """The number of connections that were opened for it."""
        tried = (*self.earlier, self.last)
        return sum(each is not None and each.opened and not each.reused for each in tried)

    @property
    def seconds(self) -> float:
        """The time from the wait for credentials to the end, 0 if no request was started."""
        if self.last is None:
            return 0.0
        return (self.ended or self.last.last_byte) - self.started

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
