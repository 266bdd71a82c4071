"""An error of the Invoke API becomes a failure of the request."""

from __future__ import annotations

import re
import time
from email.utils import parsedate_to_datetime

from wsgi_lambda.errors import ServiceError
from wsgi_lambda.invoke.reply import Reply

_RETRY_AFTER = re.compile(r"[0-9]{1,5}")  # seconds
_OFF = re.compile(rb"Signature (?:expired|not yet current)")
_TOKEN_LINE = re.compile(rb"(x-amz-security-token:)[^\\\s\"]+", re.IGNORECASE)


def service_error(reply: Reply) -> ServiceError:
    """Translate an error of the Invoke API; account numbers and ARNs stay in the log."""
    status, message = _status_and_message(reply)
    wait = ""
    if status in (429, 503):
        given = reply.header("retry-after")
        wait = given if _RETRY_AFTER.fullmatch(given) else "1"
    return ServiceError(
        message,
        status=status,
        outcome=reply.outcome,
        error_type=reply.error_type,
        detail=f"Lambda replied {reply.status} {reply.error_type}".rstrip()
        + f": {_for_log(reply.body)!r}"
        + _clock_difference(reply),
        request_id=reply.request_id,
        retry_after=wait,
    )


def _clock_difference(reply: Reply) -> str:
    """Return by how much the clock of this machine is off, "" if AWS did not complain.

    ``"; the clock of this machine is 421 s behind"``.
    """
    if reply.status != 403 or not (
        reply.error_type == "RequestExpired" or _OFF.search(reply.body[:4000])
    ):
        return ""
    try:
        theirs = parsedate_to_datetime(reply.header("date")).timestamp()
    except ValueError:
        return ""
    seconds = round(time.time() - theirs)
    return f"; the clock of this machine is {abs(seconds)} s {'ahead' if seconds > 0 else 'behind'}"


def _for_log(body: bytes) -> bytes:
    """Return the start of an error, without the session token that a signature error repeats."""
    return _TOKEN_LINE.sub(rb"\1...", body[:4000])[:2000]


def _status_and_message(reply: Reply) -> tuple[int, str]:
    status = reply.status
    if reply.outcome == "not_ready":
        return 503, "The function is not ready"
    if reply.error_type == "DurableExecutionAlreadyStartedException":
        return 409, "The execution has already been started"
    if status == 429:
        return 429, "Too many requests for the function"
    if status == 413:
        return 413, "The request is too large for the function"
    if status == 408:
        return 504, "The function did not start in time"
    return 502, "The function could not be invoked"
