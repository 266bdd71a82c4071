"""What can go wrong, and the HTTP status that each failure has.

::

    Exception
     ├── ConfigError (ValueError)      the configuration is invalid; at construction only
     └── LambdaError                   one request failed; the client gets JSON
          ├── RequestError  400, 415   the request cannot become an event
          │    ├── LengthRequired  411
          │    └── PayloadTooLarge 413
          │         └── TooManyArguments
          ├── AuthorizeError     500   `authorize` raised, or returned another type
          ├── BodyGone           500   the app's code has read the body before
          ├── CredentialsError   500   no credentials were found
          ├── TooManyInvocations 503   `max_concurrency` is reached in this process
          ├── ConnectionFailed   502   refused, DNS, TLS, reset: Lambda was not reached
          ├── DeadlinePassed     504   no whole reply within `timeout`
          ├── ServiceError       409 … 504   an error of Lambda itself
          ├── ResultError        502   the function's result is malformed
          ├── FunctionError      502, 504    the function raised an error, or timed out
          └── StreamCutOff (ConnectionResetError)    a stream failed after its head
"""

from __future__ import annotations

import errno
from collections.abc import Iterable
from typing import Any, NamedTuple

# A function may put anything into its `errorType`; those of the runtimes are names.
_LONGEST_NAME = 200  # characters


class Problem(NamedTuple):
    """One mistake in a configuration. Its ``str()`` is one line:

    ``routes['/lambda1'].timeout: must be an integer from 1 to 2147483646``.

    ``place`` is "" if the text names the place itself. ``code`` is a word for
    programs, which stays the same when the text is reworded: ``unknown_option``,
    ``invalid_value``, ``wrong_type``, ``missing``, ``contradiction``,
    ``same_path``, ``invalid_path``, ``no_routes``, ``unreachable``, ``needs_botocore``,
    ``needs_simplejson``, ``invalid_environment``, ``cannot_load``, ``invalid_kong_file``.
    """

    place: str
    text: str
    code: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}" if self.place else self.text


class ConfigError(ValueError):
    """The configuration is invalid; lists every problem that was found, each with its place.

    No problem repeats a value from the configuration, because a secret may have
    been written in the wrong place.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(("Invalid WSGI_LAMBDA configuration:", *self.errors)))

    @property
    def errors(self) -> tuple[str, ...]:
        """The problems as lines."""
        return tuple(map(str, self.problems))


class LambdaError(Exception):
    """A request failed; its response is JSON with ``message`` and ``request_id``.

    ``message`` is for the client and contains nothing about the account;
    ``detail`` is for the log. ``request_id`` is Lambda's, "" without a reply.
    ``retry_after`` is the Retry-After header in seconds, "" for none.
    ``outcome`` is the word of the request's record, ``error_type`` the name that
    AWS or the function gave to the error, "" if there is none.
    """

    status = 502
    outcome = "service_error"
    default_message = "The function could not be invoked"
    #: The response for this failure, once the dispatcher has made it.
    response: Any = None
    #: Whether `response` is that of `on_error` or of the function, not the usual JSON.
    has_own_response = False

    @property
    def kind_of_error(self) -> str:
        """`error_type`, else the name of the class: at most 200 characters of foreign text."""
        return (self.error_type or type(self).__name__)[:_LONGEST_NAME]

    def __init__(
        self,
        message: str = "",
        *,
        detail: str = "",
        status: int | None = None,
        outcome: str = "",
        error_type: str = "",
        request_id: str = "",
        retry_after: str = "",
    ) -> None:
        self.message = message or self.default_message
        self.detail = detail
        self.status = status or self.status
        self.outcome = outcome or self.outcome
        self.error_type = error_type
        self.request_id = request_id
        self.retry_after = retry_after
        super().__init__(self.message)


class RequestError(LambdaError):
    """The client's request is malformed; the function was not invoked."""

    status = 400
    outcome = "bad_request"
    default_message = "The request is malformed"


class LengthRequired(RequestError):
    """The server does not mark the end of a chunked body, for which PEP 3333 has no key."""

    status = 411
    default_message = "A Content-Length is required"


class PayloadTooLarge(RequestError):
    """The event exceeds `max_payload_size`; nothing was sent."""

    status = 413
    default_message = "The request is too large for the function"
    #: The option that sets the limit, for the log.
    option = "max_payload_size"


class TooManyArguments(PayloadTooLarge):
    """The request has more than ``limit`` arguments (`max_arguments`); nothing was sent."""

    default_message = "The request has too many arguments"
    option = "max_arguments"

    def __init__(self, limit: int) -> None:
        super().__init__(detail=f"more than {limit}")


class AuthorizeError(LambdaError):
    """`authorize` raised, or returned neither None nor a Response; nothing was invoked."""

    status = 500
    outcome = "authorize_error"
    default_message = "The request could not be authorized"


class BodyGone(LambdaError):
    """A view passed on a request whose form was parsed, so that its bytes are gone."""

    status = 500
    default_message = "The request's body is not available"


class CredentialsError(LambdaError):
    """No credentials were found; the log lists the places that were searched."""

    status = 500
    outcome = "credentials_error"
    default_message = "The server has no credentials for the function"


class TooManyInvocations(LambdaError):
    """`max_concurrency` invocations are running; this one was not sent."""

    status = 503
    outcome = "concurrency_limit"
    default_message = "Too many concurrent requests for the function"

    def __init__(self, *, detail: str) -> None:
        super().__init__(detail=detail, retry_after="1")


class ConnectionFailed(LambdaError):
    """Lambda was not reached, or closed the connection; the log names the cause."""

    outcome = "connection_error"
    default_message = "The function's service could not be reached"


class DeadlinePassed(LambdaError):
    """No whole reply within `timeout`; the function may have run, or still be running."""

    status = 504
    outcome = "deadline_exceeded"
    default_message = "The function did not respond in time"


class ServiceError(LambdaError):
    """The Invoke API returned an error; the function did not run."""


class ResultError(LambdaError):
    """The function's result is malformed: the message names the field."""

    outcome = "invalid_result"
    default_message = "The function's result is malformed"


class FunctionError(LambdaError):
    """The function raised an error, or Lambda stopped it after its timeout (504).

    ``kind`` is ``"Unhandled"`` or ``"Handled"``, in a stream the runtime's name for the
    error (``"Runtime.ExitError"``). ``error_type`` and ``error_message`` are
    the function's own, "" if its error contains none; ``body`` is the whole error,
    with its stack trace, and ``log`` the end of the function's log. None of them
    is in ``str()``.
    """

    outcome = "function_error"
    default_message = "The function failed"

    def __init__(
        self,
        *,
        kind: str,
        error_type: str,
        error_message: str,
        body: bytes,
        log: str,
        is_timeout: bool,
        request_id: str,
    ) -> None:
        super().__init__(
            detail=f"function error {kind}",
            status=504 if is_timeout else 502,
            outcome="function_timeout" if is_timeout else "function_error",
            error_type=error_type,
            request_id=request_id,
        )
        self.kind = kind
        self.error_message = error_message
        self.body = body
        self.log = log


class StreamCutOff(LambdaError, ConnectionResetError):
    """A stream failed after its head: the iterator of the response raises this.

    Nothing can be sent instead, so the server must close the connection. It is a
    reset connection (ECONNRESET), which gunicorn closes without a traceback.
    """

    outcome = "stream_error"
    default_message = "The response was cut off"

    def __init__(self, *, detail: str, error_type: str, request_id: str) -> None:
        super().__init__(detail=detail, error_type=error_type, request_id=request_id)
        self.errno = errno.ECONNRESET
