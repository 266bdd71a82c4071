"""Errors of a function: the JSON that Lambda replies, and the lines of its log."""

from __future__ import annotations

import os
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType

from wsgi_lambda.local_runtime.encoding import Fault, to_json

#: The frames of files in this folder are left out of stack traces.
_OWN = os.path.join(os.path.dirname(__file__), "")
#: Lambda's limit of a buffered result, in bytes.
#: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MOST_RESULT = 6_291_556
#: AWS's runtime indents the frames in its log with no-break spaces, which log viewers keep.
_INDENT = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an invocation came to: the result of the handler, or the error of the function.

    ``error_type`` is "" for a result. ``log`` contains the error as the runtime
    writes it, with a line end after each line; "" for a result.
    """

    body: bytes
    error_type: str = ""
    log: str = ""


def failed(error: Exception, request_id: str, exit_id: str = "") -> Outcome:
    """Return the outcome of an ``error`` that was raised.

    ``request_id`` is "" if the handler could not be loaded: AWS's runtime does not
    know it yet. An error that cannot be shown (its ``__str__`` raises) ends the
    runtime on AWS; see `crashed`. Lambda names the request then: ``exit_id``, by
    default ``request_id``.
    """
    try:
        if isinstance(error, Fault):
            message, error_type, stack = error.message, error.error_type, error.stack_trace
        else:
            message, error_type = str(error), type(error).__name__
            stack = _stack_trace(error.__traceback__)
        body = to_json(
            {
                "errorMessage": message,
                "errorType": error_type,
                "requestId": request_id,
                "stackTrace": stack,
            }
        )
    except Exception as second:  # noqa: BLE001 - whatever a foreign __str__ raises
        return crashed(second, exit_id or request_id)
    # A class may have the name "", which would mean a result.
    return Outcome(body, error_type or "Exception", _log_lines(error_type, message, stack))


def exited(code: object, request_id: str) -> Outcome:
    """Return the outcome of ``sys.exit(code)``, which ends the runtime on AWS."""
    # As Python ends a process: None is 0, and text is printed and counts as 1.
    status = 0 if code is None else code & 0xFF if isinstance(code, int) else 1
    reason = (
        f"Runtime exited with error: exit status {status}"
        if status
        else "Runtime exited without providing a reason"
    )
    return stopped("Runtime.ExitError", reason, request_id)


def crashed(error: BaseException, request_id: str) -> Outcome:
    """Return the outcome of an error that the runtime does not survive on AWS."""
    end = exited(1, request_id)
    cause = "".join(traceback.format_exception_only(type(error), error))
    return Outcome(end.body, end.error_type, cause + end.log)


def stopped(error_type: str, reason: str, request_id: str) -> Outcome:
    """Return the outcome of an invocation that Lambda ended, not the runtime.

    Lambda writes this JSON itself, without blanks::

        {"errorType":"Sandbox.Timedout","errorMessage":"RequestId: 7 Error: Task timed out …"}
    """
    message = f"RequestId: {request_id} Error: {reason}"
    body = to_json({"errorType": error_type, "errorMessage": message}, is_compact=True)
    return Outcome(body, error_type, f"{message}\n{error_type}\n")


def within_limit(outcome: Outcome) -> Outcome:
    """Return ``outcome``, or the error that Lambda replies if its body is too large."""
    if len(outcome.body) <= MOST_RESULT:
        return outcome
    error_type = "Function.ResponseSizeTooLarge"
    message = f"Response payload size exceeded maximum allowed payload size ({MOST_RESULT} bytes)."
    body = to_json({"errorType": error_type, "errorMessage": message}, is_compact=True)
    return Outcome(body, error_type, f"{message}\n{error_type}\n")


def _stack_trace(raised: TracebackType | None) -> list[str]:
    """Return the formatted frames, from the first one that is not ours."""
    while raised is not None and raised.tb_frame.f_code.co_filename.startswith(_OWN):
        raised = raised.tb_next
    # Made again without columns, as AWS's runtime does: no markers below the lines.
    return traceback.format_list(
        traceback.FrameSummary(each.filename, each.lineno, each.name, line=each.line)
        for each in traceback.extract_tb(raised)
    )


def _log_lines(error_type: str, message: str, stack: Sequence[str]) -> str:
    head = ": ".join(part for part in (error_type, message) if part)
    lines = [f"[ERROR] {head}" if head else "[ERROR]", "Traceback (most recent call last):"]
    for frame in stack:
        for line in frame.splitlines():
            text = line.lstrip(" ")
            lines.append(_INDENT * (len(line) - len(text)) + text)
    return "".join(f"{line}\n" for line in lines)
