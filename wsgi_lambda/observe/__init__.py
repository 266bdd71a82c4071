"""What an observer sees of a request to a route.

An `InvocationRecord` is filled by the dispatcher and handed to each `Observer` of
the configuration. Nothing here knows a request, a reply or a response.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

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

_LATER = (
    "status",
    "outcome",
    "lambda_status",
    "function_error",
    "error_type",
    "aws_request_id",
    "xray_trace_id",
    "executed_version",
    "total_ms",
    "duration_ms",
    "first_byte_ms",
    "credentials_ms",
    "backoff_ms",
    "attempts",
    "is_reused",
    "connections_opened",
    "payload_bytes",
    "response_bytes",
    "function_ms",
    "billed_ms",
    "init_ms",
    "restore_ms",
    "memory_mb",
    "memory_used_mb",
    "is_cold",
    "report_status",
)


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
    __slots__ = (*ROUTE_FIELDS, "method", "path", *_LATER, "incoming", "propagate")

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
    connections_opened: int
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
        (
            self.route,
            self.function,
            self.qualifier,
            self.region,
            self.lambda_endpoint,
            self.invocation_type,
            self.invoke_mode,
        ) = of_route
        self.status = self.attempts = self.connections_opened = 0
        self.payload_bytes = self.response_bytes = 0
        self.outcome = self.function_error = self.error_type = self.aws_request_id = ""
        self.xray_trace_id = self.executed_version = self.report_status = ""
        self.lambda_status = self.first_byte_ms = self.is_reused = self.is_cold = None
        self.function_ms = self.billed_ms = self.init_ms = self.restore_ms = None
        self.memory_mb = self.memory_used_mb = None
        self.total_ms = self.duration_ms = self.credentials_ms = self.backoff_ms = 0.0
        self.method = method
        self.path = path
        self.incoming = incoming or {}
        self.propagate = {}


#: The fields of a record that are logged, in the order of the documentation.
FIELDS = ("route", "method", "path", *ROUTE_FIELDS[1:], *_LATER)


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


class PreparedObserver(Observer):
    """An observer that wants to know the routes before the first request."""

    def prepare(self, routes: Iterable[InvocationRecord]) -> None:
        """Prepare for ``routes``, one empty record for each."""


def snapshot(app: object) -> dict[str, Any]:
    """Return the state of ``app`` in this process, as values of JSON.

    ``app`` is a `LambdaMiddleware`, or the functions of a Flask or Django app::

        snapshot(functions)
        {"pid": 4711,
         "lambda_endpoints": [{"url": "https://…", "idle": 3, "in_use": 5, "opened": 12,
                               "retry_quota": 95}],
         "routes": [{"path": "/shop", "function": "orders", "in_flight": 5,
                     "max_concurrency": 20}]}

    Routes with equal connection options share an item of ``lambda_endpoints``. Named
    functions follow the routes. ``opened`` counts since the process began, ``retry_quota``
    is in tokens: a retry takes 5. Opens nothing, and no request waits for it. Raises a
    TypeError for any other ``app``.
    """
    take = getattr(getattr(app, "dispatcher", None), "snapshot", None)
    if take is None:
        raise TypeError(
            "snapshot() takes a LambdaMiddleware, or the functions of a Flask or Django app, "
            f"not {type(app).__name__}"
        )
    return {"pid": os.getpid(), **take()}
