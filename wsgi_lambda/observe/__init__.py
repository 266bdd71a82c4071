"""What an observer sees of a request to a route.

An `InvocationRecord` is filled by the dispatcher and handed to each `Observer` of
the configuration. Nothing here knows a request, a reply or a response.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence

from wsgi_lambda.observe.log_limit import LogLimit

log = logging.getLogger("wsgi_lambda")

#: The trace headers that an observer may set.
TRACE_HEADERS = ("x-amzn-trace-id", "traceparent", "tracestate", "baggage")


#: The fields that are equal for all requests to a route.
ROUTE_FIELDS = (
    "route",
    "function",
    "qualifier",
    "region",
    "lambda_endpoint",
    "invocation_type",
    "invoke_mode",
)

_DEFAULTS: dict[str, object] = {
    "status": 0,
    "outcome": "",
    "lambda_status": None,
    "function_error": "",
    "error_type": "",
    "aws_request_id": "",
    "xray_trace_id": "",
    "executed_version": "",
    "total_ms": 0.0,
    "duration_ms": 0.0,
    "first_byte_ms": None,
    "credentials_ms": 0.0,
    "backoff_ms": 0.0,
    "attempts": 0,
    "is_reused": None,
    "payload_bytes": 0,
    "response_bytes": 0,
    "function_ms": None,
    "billed_ms": None,
    "init_ms": None,
    "restore_ms": None,
    "memory_mb": None,
    "memory_used_mb": None,
    "is_cold": None,
    "report_status": "",
}


class InvocationRecord:
    """One request to a route, from the match of its path to the end of its response.

    ::

        record.route, record.outcome, record.duration_ms     # ("/shop", "ok", 12.3)

    docs/operations.md describes the fields. ``*_ms`` are milliseconds, ``*_mb``
    MB (2**20 bytes). Fields of the reply are final in `Observer.replied`, the
    others in `Observer.ended`.

    ``incoming`` contains the four trace headers as the client sent them. What an
    observer puts into ``propagate`` in `Observer.began`, by the same names, takes
    precedence over them on the way to the function.
    """

    # Not a dataclass: to define one with so many fields takes two milliseconds of every import.
    __slots__ = (*ROUTE_FIELDS, "method", "path", *_DEFAULTS, "incoming", "propagate")

    route: str
    method: str
    path: str
    function: str
    qualifier: str
    region: str
    lambda_endpoint: str
    invocation_type: str
    invoke_mode: str
    status: int
    outcome: str
    lambda_status: int | None
    function_error: str
    error_type: str
    aws_request_id: str
    xray_trace_id: str
    executed_version: str
    total_ms: float
    duration_ms: float
    first_byte_ms: float | None
    credentials_ms: float
    backoff_ms: float
    attempts: int
    is_reused: bool | None
    payload_bytes: int
    response_bytes: int
    function_ms: float | None
    billed_ms: float | None
    init_ms: float | None
    restore_ms: float | None
    memory_mb: int | None
    memory_used_mb: int | None
    is_cold: bool | None
    report_status: str
    incoming: dict[str, str]
    propagate: dict[str, str]

    def __init__(
        self,
        of_route: Iterable[str],
        method: str = "",
        path: str = "",
        incoming: dict[str, str] | None = None,
    ) -> None:
        """Begin a record; ``of_route`` contains the values of `ROUTE_FIELDS`."""
        for name, value in zip(ROUTE_FIELDS, of_route, strict=True):
            setattr(self, name, value)
        for name, default in _DEFAULTS.items():
            setattr(self, name, default)
        self.method = method
        self.path = path
        self.incoming = incoming or {}
        self.propagate = {}


#: The fields of a record that are logged, in the order of the documentation.
FIELDS = ("route", "method", "path", *ROUTE_FIELDS[1:], *_DEFAULTS)


class Observer:
    """What an observer may have; each of its methods does nothing.

    Any object with at least one of these methods is an observer::

        class Statsd:
            def ended(self, record):
                client.timing(f"lambda.{record.function}", record.duration_ms)

    Each is called exactly once for a record, in this order. An exception is logged,
    and the request continues.
    """

    def began(self, record: InvocationRecord) -> None:
        """A route has matched; nothing else has happened. May fill ``record.propagate``."""

    def replied(self, record: InvocationRecord) -> None:
        """The head of the reply, or the failure, is known; in the same thread as `began`."""

    def ended(self, record: InvocationRecord) -> None:
        """The response is complete; a stream may end in another thread or context."""


class Observers:
    """The observers of a configuration: `began` in their order, the others in reverse."""

    def __init__(self, observers: Sequence[object], limit: LogLimit) -> None:
        self._limit = limit
        self._began = _hooks(observers, "began")
        self._replied = _hooks(observers, "replied")[::-1]
        self._ended = _hooks(observers, "ended")[::-1]
        self._any = bool(observers)

    def __bool__(self) -> bool:
        return self._any

    def began(self, record: InvocationRecord) -> None:
        self._call(self._began, record)

    def replied(self, record: InvocationRecord) -> None:
        self._call(self._replied, record)

    def ended(self, record: InvocationRecord) -> None:
        self._call(self._ended, record)

    def _call(self, hooks: Sequence[Hook], record: InvocationRecord) -> None:
        for hook in hooks:
            try:
                hook(record)
            except Exception as error:  # noqa: BLE001 - the request continues
                self._log(hook, error, record)

    def _log(self, hook: Hook, error: Exception, record: InvocationRecord) -> None:
        name = type(getattr(hook, "__self__", hook)).__qualname__
        self._limit.log(
            log,
            logging.ERROR,
            (f"observer {name}", type(error).__name__, 0),
            f"observer {name} {type(error).__name__}: %s failed, request %s",
            getattr(hook, "__name__", "it"),
            record.aws_request_id or "-",
            extra={"route": record.route, "aws_request_id": record.aws_request_id},
            exc_info=True,
        )


Hook = Callable[[InvocationRecord], None]


def _hooks(observers: Iterable[object], name: str) -> tuple[Hook, ...]:
    """Return the methods ``name`` of the observers that do something."""
    found = (getattr(observer, name, None) for observer in observers)
    return tuple(
        hook
        for hook in found
        if hook is not None and getattr(hook, "__func__", None) is not getattr(Observer, name)
    )


class WatchedBody:
    """The body of a response; calls ``end`` once, when it is complete.

    That is when it is exhausted, fails, is closed or is garbage-collected.
    ``end`` gets the exception, or None.
    """

    def __init__(self, body: Iterable[bytes], end: Callable[[BaseException | None], None]) -> None:
        self._body = body
        self._chunks = iter(body)
        self._end: Callable[[BaseException | None], None] | None = end

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._chunks)
        except StopIteration:
            self._finish(None)
            raise
        except BaseException as error:
            self._finish(error)
            raise

    def close(self) -> None:
        """Close the body, as WSGI servers do at the end of each response."""
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self._finish(None)

    def __del__(self) -> None:
        self._finish(None)

    def _finish(self, error: BaseException | None) -> None:
        end, self._end = self._end, None
        if end is not None:
            end(error)
