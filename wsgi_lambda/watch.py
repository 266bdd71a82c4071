"""Watch a request: fill its record, and hand it to the access log and the observers."""

from __future__ import annotations

import time
from functools import partial
from operator import attrgetter

from wsgi_lambda.delivery import Delivery, first_value
from wsgi_lambda.errors import LambdaError
from wsgi_lambda.observe import FIELDS, InvocationRecord, WatchedBody, access_log
from wsgi_lambda.observe.report import read_report
from wsgi_lambda.options import Route
from wsgi_lambda.options.aws_names import split_function_name
from wsgi_lambda.printable import printable
from wsgi_lambda.request import NoRequest, Request, decode
from wsgi_lambda.response.wsgi import Response

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


class Unwatched:
    """Stands for the watch of a request that nobody watches."""

    def replied(self, error: BaseException | None = None) -> None:
        """The reply, or the failure, is known."""

    def ended(self, response: Response) -> Response:
        """Return the response to send."""
        return response

    def completed(self, status: int) -> None:
        """The response, or the result of an invocation by the app, is complete."""

    def broke(self, error: BaseException) -> None:
        """The request ends with an exception of the server or of foreign code."""


UNWATCHED = Unwatched()


class Watcher:
    """Watches requests while the access log is enabled."""

    def watch(self, route: Route, request: Request | NoRequest) -> Unwatched:
        """Return the watch of a request, which begins now."""
        return Watch(route, request) if access_log.is_enabled() else UNWATCHED


class Watch(Unwatched):
    """Fills the record of one request."""

    def __init__(self, route: Route, request: Request | NoRequest) -> None:
        self._started = time.monotonic()
        self._delivery = request.delivery
        self._record = _new_record(route, request)

    def replied(self, error: BaseException | None = None) -> None:
        _fill(self._record, self._delivery)
        if error is not None:
            _fill_failure(self._record, error)

    def ended(self, response: Response) -> Response:
        """Return the response; its record ends now, or with the last byte of a stream."""
        if type(response.body) is tuple:
            self.completed(response.status)
            return response
        end = partial(self._stream_ended, response.status)
        return response._replace(body=WatchedBody(response.body, end))

    def completed(self, status: int) -> None:
        record = self._record
        record.status = status
        _read_report(record, self._delivery.log_result)
        record.total_ms = (time.monotonic() - self._started) * 1000
        values = dict(zip(FIELDS, _values(record), strict=True))
        for name in _FOREIGN:
            values[name] = printable(values[name])
        access_log.write(values)

    def broke(self, error: BaseException) -> None:
        self.replied(error)
        self.completed(500)

    def _stream_ended(self, status: int, error: BaseException | None) -> None:  # noqa: ARG002
        self.completed(status)


def _new_record(route: Route, request: Request | NoRequest) -> InvocationRecord:
    target = route.target
    parts = split_function_name(target.function_name)
    return InvocationRecord(
        route=route.label,
        method=request.method,
        path=decode(request.path_info),
        function=parts.name,
        qualifier=target.qualifier or parts.qualifier,
        region=target.aws_region,
        lambda_endpoint=route.endpoint,
        invocation_type=target.invocation_type,
        invoke_mode="BUFFERED",
    )


def _fill(record: InvocationRecord, delivery: Delivery) -> None:
    """Fill the fields of the invocation and of the reply."""
    record.outcome = delivery.outcome
    record.lambda_status = delivery.status
    if delivery.headers:
        record.aws_request_id = delivery.request_id
        record.function_error = first_value(delivery.headers, "x-amz-function-error")
        record.executed_version = first_value(delivery.headers, "x-amz-executed-version")
    record.credentials_ms = delivery.credentials_wait * 1000
    record.backoff_ms = delivery.backoff * 1000
    record.attempts = delivery.attempts
    record.is_reused = delivery.is_reused
    record.payload_bytes = delivery.payload_bytes
    record.response_bytes = delivery.response_bytes
    if delivery.attempts:
        # "Root=1-…-…;Parent=…": the id is in the first field.
        record.xray_trace_id = delivery.trace.partition(";")[0].removeprefix("Root=")
        record.duration_ms = (delivery.finished - delivery.started) * 1000


def _fill_failure(record: InvocationRecord, error: BaseException) -> None:
    record.outcome, record.error_type = "service_error", type(error).__name__
    if isinstance(error, LambdaError):
        record.outcome = error.outcome
        record.error_type = error.error_type or record.error_type
        record.aws_request_id = error.request_id


def _read_report(record: InvocationRecord, log_result: str) -> None:
    report = read_report(log_result) if log_result else None
    if report is None:
        return
    record.function_ms, record.billed_ms = report.function_ms, report.billed_ms
    record.init_ms, record.restore_ms = report.init_ms, report.restore_ms
    record.memory_mb, record.memory_used_mb = report.memory_mb, report.memory_used_mb
    record.report_status = report.status
    record.is_cold = report.init_ms is not None or report.restore_ms is not None
