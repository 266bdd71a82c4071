"""What an observer sees of a request to a route.

The dispatcher fills an `InvocationRecord` and hands it to the observers of the
configuration. Nothing here knows a request, a reply or a response.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields


@dataclass(slots=True, eq=False)
class InvocationRecord:
    """One request to a route, from the match of its path to the end of its response.

    ::

        record.route, record.outcome, record.duration_ms     # ("/shop", "ok", 12.3)

    docs/operations.md describes the fields. ``*_ms`` are milliseconds, ``*_mb``
    MB (2**20 bytes). Fields of the reply are final in `Observer.replied`, the
    others in `Observer.ended`.
    """

    route: str
    method: str
    path: str
    function: str
    qualifier: str
    region: str
    lambda_endpoint: str
    invocation_type: str
    invoke_mode: str
    status: int = 0
    outcome: str = ""
    lambda_status: int | None = None
    function_error: str = ""
    error_type: str = ""
    aws_request_id: str = ""
    xray_trace_id: str = ""
    executed_version: str = ""
    total_ms: float = 0.0
    duration_ms: float = 0.0
    first_byte_ms: float | None = None
    credentials_ms: float = 0.0
    backoff_ms: float = 0.0
    attempts: int = 0
    is_reused: bool | None = None
    payload_bytes: int = 0
    response_bytes: int = 0
    function_ms: float | None = None
    billed_ms: float | None = None
    init_ms: float | None = None
    restore_ms: float | None = None
    memory_mb: int | None = None
    memory_used_mb: int | None = None
    is_cold: bool | None = None
    report_status: str = ""


#: The fields of a record, in the order of the documentation.
FIELDS = tuple(item.name for item in fields(InvocationRecord))


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
