"""Fill the record of a request, and hand it to the access log and the observers."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from functools import partial
from operator import attrgetter

from wsgi_lambda.delivery import Delivery
from wsgi_lambda.errors import LambdaError
from wsgi_lambda.log_limit import LogLimit
from wsgi_lambda.observe import (
    FIELDS,
    InvocationRecord,
    PreparedObserver,
    access_log,
)
from wsgi_lambda.observe.calling import Observers, WatchedBody
from wsgi_lambda.observe.report import read_report
from wsgi_lambda.options import Route
from wsgi_lambda.options.aws_names import split_function_name
from wsgi_lambda.printable import printable
from wsgi_lambda.request import NoRequest, Request, decode
from wsgi_lambda.response.wsgi import BODILESS, Response

# The fields that contain text of a client, a function or Lambda.
_FOREIGN = (
    "method",
    "path",
    "function_error",
    "error_type",
    "aws_request_id",
    "executed_version",
)
_values = attrgetter(*FIELDS)
_STREAM = "RESPONSE_STREAM"


class Recorder:
    """Begins the records of a configuration's routes."""

    def __init__(
        self, routes: Iterable[Route], observers: Sequence[object], limit: LogLimit
    ) -> None:
        # A route's own hash would read all of its options.
        self._facts = {id(route): facts_of(route) for route in routes}
        self._observers = Observers(observers, limit)
        for observer in observers:
            if isinstance(observer, PreparedObserver):
                observer.prepare(map(InvocationRecord, self._facts.values()))

    def watch(self, route: Route, request: Request | NoRequest) -> Watch:
        """Return the watch of a request, which begins now."""
        return Watch(self._facts[id(route)], request, self._observers)


class AccessLog:
    """Writes a record to the access log."""

    def write(self, record: InvocationRecord) -> None:
        values = dict(zip(FIELDS, _values(record), strict=True))
        for name in _FOREIGN:
            values[name] = printable(values[name])
        access_log.write(values, path=record.path)


# Called like an observer: a log that is set up wrongly must not fail the request.
_ACCESS_LOG = (AccessLog().write,)


class Watch:
    """Fills the record of one request."""

    def __init__(
        self, facts: tuple[str, ...], request: Request | NoRequest, observers: Observers
    ) -> None:
        self._started = time.monotonic()
        # The watch relies on its own attributes: an observer may change those of the record.
        self._facts = facts
        self._method = request.method
        self._delivery = request.delivery
        self._observers = observers
        self._trace_id = ""
        self._is_ok = self._has_replied = self._has_ended = False
        path, incoming = decode(request.path_info), request.trace_headers
        self._record = record = InvocationRecord(facts, request.method, path, incoming)
        try:
            observers.began(record)
        except BaseException as error:
            self.broke(error)
            raise
        if propagate := getattr(record, "propagate", None):
            request.propagate(_texts(propagate))
        # "Root=1-…-…;Parent=…": the id is in the first field.
        self._trace_id = request.trace.partition(";")[0].removeprefix("Root=")

    def replied(self, error: BaseException | None = None) -> None:
        _fill(self._record, self._delivery, self._trace_id)
        if error is not None:
            _fill_failure(self._record, error)
        self._is_ok = error is None and self._delivery.outcome == "ok"
        self._has_replied = True
        try:
            self._observers.replied(self._record)
        except BaseException as broken:
            self.broke(broken)
            raise

    def ended(self, response: Response) -> Response:
        """Return the response; its record ends now, or with the last byte of a stream."""
        if type(response.body) is tuple:
            if self._facts[-1] == _STREAM:
                self._count_collected(response)
            self.completed(response.status)
            return response
        end = partial(self._body_ended, response.status)
        return response._replace(body=WatchedBody(response.body, end))

    def completed(self, status: int) -> None:
        if self._has_ended:
            return
        self._has_ended = True
        record = self._record
        record.status = status
        _read_report(record, self._delivery.log_result)
        record.total_ms = (time.monotonic() - self._started) * 1000
        try:
            if access_log.is_enabled():
                self._observers.call("write", _ACCESS_LOG, record)
        finally:
            self._observers.ended(record)

    def broke(self, error: BaseException) -> None:
        if not self._has_replied:
            self.replied(error)
        self.completed(500)

    def _body_ended(self, status: int, body: WatchedBody) -> None:
        record = self._record
        # Otherwise `authorize` or `on_error` has made the response.
        is_of_function = self._is_ok
        if body.error is not None:
            _fill_failure(record, body.error)
        elif is_of_function and not body.is_exhausted and self._is_sent(status):
            record.outcome = "client_disconnected"
        if is_of_function:
            self._fill_stream(body)
        self.completed(status)

    def _fill_stream(self, body: WatchedBody) -> None:
        record = self._record
        if body.error is not None:
            record.outcome = "stream_error"
        record.response_bytes = body.sent
        if body.first_byte is not None:
            record.first_byte_ms = (body.first_byte - self._started) * 1000
        record.duration_ms = self._delivery.seconds * 1000

    def _count_collected(self, response: Response) -> None:
        """Count the bytes of a stream that was collected: a proxy result without a head."""
        if self._is_ok and self._is_sent(response.status):
            self._record.response_bytes = sum(map(len, response.body))

    def _is_sent(self, status: int) -> bool:
        """Return whether the client gets the body: otherwise we close it ourselves."""
        return self._method != "HEAD" and status not in BODILESS


def _fill(record: InvocationRecord, delivery: Delivery, trace_id: str) -> None:
    """Fill the fields of the invocation and of the reply."""
    record.outcome = delivery.outcome
    record.lambda_status = delivery.status
    if delivery.headers:
        # The first value of each name: later ones are replaced.
        found = {name.lower(): value for name, value in reversed(delivery.headers)}
        record.aws_request_id = found.get("x-amzn-requestid", "")
        record.function_error = found.get("x-amz-function-error", "")
        record.executed_version = found.get("x-amz-executed-version", "")
    record.credentials_ms = delivery.credentials_wait * 1000
    record.backoff_ms = delivery.backoff * 1000
    record.attempts = delivery.attempts
    record.is_reused = delivery.is_reused
    record.connections_opened = delivery.opened
    record.payload_bytes = delivery.payload_bytes
    record.response_bytes = delivery.response_bytes
    record.duration_ms = delivery.seconds * 1000
    if delivery.attempts:
        record.xray_trace_id = trace_id


def _fill_failure(record: InvocationRecord, error: BaseException) -> None:
    record.outcome, record.error_type = "service_error", type(error).__name__
    if isinstance(error, LambdaError):
        record.outcome = error.outcome
        # Spans and labels of metrics contain it, too.
        record.error_type = printable(error.kind_of_error)
        record.aws_request_id = error.request_id


def _texts(headers: object) -> dict[str, str]:
    """Return the headers that are text: the mistake of an observer must not fail the request."""
    if not isinstance(headers, dict):
        return {}
    return {
        name: value
        for name, value in headers.items()
        if isinstance(name, str) and isinstance(value, str)
    }


def _read_report(record: InvocationRecord, log_result: str) -> None:
    report = read_report(log_result) if log_result else None
    if report is None:
        return
    record.function_ms, record.billed_ms = report.function_ms, report.billed_ms
    record.init_ms, record.restore_ms = report.init_ms, report.restore_ms
    record.memory_mb, record.memory_used_mb = report.memory_mb, report.memory_used_mb
    record.report_status = report.status
    record.is_cold = report.init_ms is not None or report.restore_ms is not None


def facts_of(route: Route) -> tuple[str, ...]:
    """Return the fields that all records of a route share; see `ROUTE_FIELDS`."""
    target = route.target
    parts = split_function_name(target.function_name)
    return (
        route.label,
        parts.name,
        target.qualifier or parts.qualifier,
        target.aws_region,
        route.endpoint,
        target.invocation_type,
        target.invoke_mode,
    )
