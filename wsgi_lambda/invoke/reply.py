"""Lambda's reply, and AWS's names for errors."""

from __future__ import annotations

import json
from typing import Protocol

#: The success statuses of the Invoke API: RequestResponse, Event, DryRun.
#: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
SUCCESSES = (200, 202, 204)

#: Errors of a function that exists, but cannot run at the moment.
NOT_READY = frozenset(
    (
        "CodeArtifactUserPendingException",
        "EC2ThrottledException",
        "ENINotReadyException",
        "ResourceConflictException",
        "ResourceNotReadyException",
        "SnapStartNotReadyException",
    )
)

#: Error names for unknown or expired credentials.
REFUSED_CREDENTIALS = frozenset(
    (
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
    )
)


class Reply:
    """A whole reply of Lambda: status, headers in their order, body."""

    __slots__ = ("_first", "body", "error_type", "headers", "outcome", "status")

    def __init__(self, status: int, headers: tuple[tuple[str, str], ...], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self._first = {name.lower(): value for name, value in reversed(headers)}
        self.body = body
        # Parsed once: they decide about repeats, the status and the log lines.
        #: The bare name of an API error, as in ``"TooManyRequestsException"``; "" for a success.
        self.error_type = "" if self.is_success else _error_type(self)
        #: One word: ``"ok"``, ``"function_error"``, ``"function_timeout"`` (the function's own
        #: timeout), ``"throttled"``, ``"not_ready"``, ``"service_error"``.
        self.outcome = _outcome(self)

    def header(self, name: str) -> str:
        """Return the first value of ``name`` (in lower case), or "" if it is missing."""
        return self._first.get(name, "")

    @property
    def request_id(self) -> str:
        """Lambda's id of the invocation, "" if the reply has none."""
        return self.header("x-amzn-requestid")

    @property
    def is_success(self) -> bool:
        """Whether the Invoke API succeeded; the function itself may have failed."""
        return self.status in SUCCESSES

    @property
    def is_not_ready(self) -> bool:
        """Whether the function exists, but cannot run at the moment."""
        return self.status >= 400 and self.error_type in NOT_READY

    @property
    def is_retryable(self) -> bool:
        """Whether Lambda did not run the function, and may do so later."""
        return self.status == 429 or self.is_not_ready

    @property
    def refuses_credentials(self) -> bool:
        """Whether AWS calls the credentials unknown or expired: nothing ran."""
        return self.status == 403 and self.error_type in REFUSED_CREDENTIALS


def _outcome(reply: Reply) -> str:
    if reply.is_success:
        if not reply.header("x-amz-function-error"):
            return "ok"
        return "function_timeout" if b"Task timed out" in reply.body else "function_error"
    if reply.is_not_ready or reply.status in (402, 503):
        return "not_ready"
    return "throttled" if reply.status == 429 else "service_error"


class Chunks(Protocol):
    """The bytes of a streamed response, as they arrive.

    Whoever has it must call `close`, or read it to its end.
    """

    @property
    def log_result(self) -> str:
        """The end of the function's log in base64, "" until the end of the stream."""
        ...

    def read(self, silence: float | None = None) -> bytes:
        """Return the next bytes, as soon as there are any; b"" at the end of a complete stream.

        The deadline of the invocation applies, or, with ``silence``, one of that
        many seconds for this and each following silence. Raises `LambdaError` if the
        stream is malformed or incomplete, or if the function failed.
        """
        ...

    def close(self) -> None:
        """Free everything that the stream holds; nothing more can be read."""
        ...


class StreamedReply(Reply):
    """A reply with the status 200 whose body is still on its way; ``body`` is empty."""

    __slots__ = ("chunks",)

    def __init__(self, headers: tuple[tuple[str, str], ...], chunks: Chunks) -> None:
        super().__init__(200, headers, b"")
        self.chunks = chunks


_LARGEST_ERROR = 64 * 1024  # bytes


def _error_type(reply: Reply) -> str:
    found = reply.header("x-amzn-errortype")
    if not found:
        try:
            # Lambda's own errors are a line of text.
            body = json.loads(reply.body) if len(reply.body) <= _LARGEST_ERROR else None
        except (ValueError, RecursionError):
            body = None
        if isinstance(body, dict):
            found = str(body.get("__type") or body.get("code") or "")
    # Header and body may add a namespace or an address: "aws.api#Name:http://…".
    return found.partition(":")[0].rpartition("#")[2]
