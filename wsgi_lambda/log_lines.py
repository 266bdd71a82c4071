"""Write the log lines about one request: its failure, the function's error, the function's log.

Each has `route`, `function`, `error_type`, `status` and `aws_request_id` as `extra`.
"""

from __future__ import annotations

import logging
import re
import uuid
from typing import Any

from wsgi_lambda.after_fork import reset_after_fork
from wsgi_lambda.errors import FunctionError, LambdaError, PayloadTooLarge
from wsgi_lambda.log_limit import LogLimit, write
from wsgi_lambda.options import Route
from wsgi_lambda.options.aws_names import split_function_name
from wsgi_lambda.printable import printable
from wsgi_lambda.request import NoRequest, Request, decode
from wsgi_lambda.response.plain import decode_log

log = logging.getLogger("wsgi_lambda")
tail_log = logging.getLogger("wsgi_lambda.tail")

_LOGGED = 8 * 1024  # bytes of a function's error
_LINE_END = re.compile(r"\r\n|\r|\n")


class LogLines:
    """Writes the lines of one dispatcher, ``limit`` of each kind of failure per minute."""

    def __init__(self, limit: int | None) -> None:
        self.limit = LogLimit(limit)
        reset_after_fork(self.limit.reset)

    def failed(self, error: LambdaError, request: Request | NoRequest, route: Route | None) -> None:
        """Log a failed request and the log of its function; give the error a request id."""
        error.request_id = error.request_id or str(uuid.uuid4())
        extra = _extra(route, error.status, error.request_id, error)
        if route is not None and isinstance(error, FunctionError):
            self._function_error(error, request, route, extra)
        else:
            self._failure(error, request, route, extra)
        _log_tail(request.delivery.log_result, extra)

    def on_error_failed(self, error: LambdaError, route: Route, broken: Exception) -> None:
        """Log with its traceback what `on_error` raised for ``error``."""
        name = type(broken).__name__
        self.limit.log(
            log,
            logging.ERROR,
            (route.label, f"on_error {name}", 0),
            _template(route, f"on_error failed, request %s: {name}"),
            printable(error.request_id),
            extra=_extra(route, error.status, error.request_id, error),
            exc_info=True,
        )

    def replied(
        self,
        request: Request | NoRequest,
        route: Route | None,
        status: int,
        error: FunctionError | None = None,
    ) -> None:
        """Log the error and the log of a function whose reply is passed on."""
        has_tail = request.delivery.log_result and tail_log.isEnabledFor(logging.INFO)
        if route is not None and (error is not None or has_tail):
            extra = _extra(route, status, request.delivery.request_id, error)
            if error is not None:
                self._function_error(error, request, route, extra)
            _log_tail(request.delivery.log_result, extra)

    def stream_ended(
        self,
        route: Route,
        error: LambdaError | None,
        *,
        status: int,
        request_id: str,
        log_result: str,
        sent: int,
    ) -> None:
        """Log how a stream ended whose head was sent: its failure, and the log of its function.

        ``sent`` is the number of bytes of the body that were sent.
        """
        extra = _extra(route, status, request_id, error)
        if error is not None:
            details = [error.message, error.detail]
            if isinstance(error, FunctionError):
                details.append(error.body[:_LOGGED].decode(errors="replace"))
            name = type(error).__name__
            self.limit.log(
                log,
                logging.ERROR,
                (extra["route"], f"stream cut off, {name}", status),
                _template(route, f"stream cut off: %s, request %s, %d bytes sent: {name}: %s"),
                extra["function"],
                extra["aws_request_id"] or "-",
                sent,
                printable(": ".join(filter(None, details))),
                extra=extra,
            )
        _log_tail(log_result, extra)

    def _failure(
        self,
        error: LambdaError,
        request: Request | NoRequest,
        route: Route | None,
        extra: dict[str, Any],
    ) -> None:
        details = [error.detail] if error.detail else []
        if route is not None:
            target = route.target
            details.append(f"function {target.function_name}, region {target.aws_region}")
            details.append(f"host {route.transport.authority}")
            if isinstance(error, PayloadTooLarge):
                details.append(f"{error.option} is {getattr(route.event, error.option)}")
        name = type(error).__name__
        self.limit.log(
            log,
            logging.ERROR if error.status >= 500 else logging.WARNING,
            (extra["route"], name, error.status),
            _template(route, f"{name}: %s %r %d: %s (%s)"),
            *_request_line(request, route),
            error.status,
            printable(error.message),
            printable("; ".join([*details, f"request {error.request_id}"])),
            extra=extra,
        )

    def _function_error(
        self,
        error: FunctionError,
        request: Request | NoRequest,
        route: Route,
        extra: dict[str, Any],
    ) -> None:
        self.limit.log(
            log,
            logging.ERROR,
            (extra["route"], "function error", extra["status"]),
            _template(route, "function error: %s %r %d: %s %s, request %s, %d bytes: %r"),
            *_request_line(request, route),
            extra["status"],
            extra["function"],
            extra["error_type"],
            extra["aws_request_id"] or "-",
            len(error.body),
            error.body[:_LOGGED].decode(errors="replace"),
            extra=extra,
        )


def _extra(
    route: Route | None, status: int, request_id: str, error: LambdaError | None
) -> dict[str, Any]:
    """Return the attributes that all lines about a request have."""
    return {
        "route": "" if route is None else route.label,
        "function": "" if route is None else split_function_name(route.target.function_name).name,
        "error_type": "" if error is None else printable(error.kind_of_error),
        "status": status,
        "aws_request_id": printable(request_id),
    }


def _request_line(request: Request | NoRequest, route: Route | None) -> tuple[str, str]:
    """Return method and path: ``("GET", "/shop/7")``, ``("invoke", "pay")``."""
    if not request.method and route is not None:
        return "invoke", route.label
    return printable(request.method), decode(request.path_info)


def _log_tail(log_result: str, extra: dict[str, Any]) -> None:
    if not log_result or not tail_log.isEnabledFor(logging.INFO):
        return
    lines = _LINE_END.split(decode_log(log_result).rstrip("\r\n"))
    # Indented, so that no line can pass for a record of its own.
    text = "".join(f"\n    {_printable_line(line)}" for line in lines)
    values = (extra["function"], extra["aws_request_id"] or "-", text)
    write(tail_log, logging.INFO, "%s request %s:%s", values, extra)


def _template(route: Route | None, text: str) -> str:
    """Return the template of a line: Sentry and others group lines by it."""
    if route is None:
        return text
    return f"{route.label.replace('%', '%%')} {text}"


def _printable_line(line: str) -> str:
    # AWS's Python runtime indents the frames of a stack trace with no-break spaces.
    line = line.replace("\N{NO-BREAK SPACE}", " ")
    return "\t".join(map(printable, line.split("\t")))
