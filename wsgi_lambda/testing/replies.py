"""What a function of a test can do instead of returning a result."""

from __future__ import annotations

import json

from wsgi_lambda.errors import ConnectionFailed, DeadlinePassed, LambdaError
from wsgi_lambda.local_runtime.encoding import Fault
from wsgi_lambda.local_runtime.faults import Outcome, failed, stopped


class Simulated:
    """Anything but a result; assign an object of a subclass to a function of a test."""


class FunctionError(Simulated):
    """The function raises: a reply with the status 200 and ``X-Amz-Function-Error: kind``."""

    def __init__(self, message: str, type: str = "Exception", kind: str = "Unhandled") -> None:
        self.message = message
        self.type = type
        self.kind = kind

    def outcome(self, request_id: str) -> Outcome:
        """Return the error as Lambda's Python runtime replies and logs it."""
        return failed(Fault(self.type, self.message), request_id)


class TimedOut(FunctionError):
    """The function exceeds its own timeout of ``seconds``."""

    def __init__(self, seconds: float = 3) -> None:
        super().__init__(f"Task timed out after {seconds:.2f} seconds", "Sandbox.Timedout")

    def outcome(self, request_id: str) -> Outcome:
        """Return the error that Lambda replies."""
        return stopped(self.type, self.message, request_id)


class ServiceError(Simulated):
    """The Invoke API refuses: ``ServiceError(502, "EC2ThrottledException", "…")``."""

    def __init__(self, status: int, type: str, message: str) -> None:
        self.status = status
        self.type = type
        self.message = message
        self.headers: dict[str, str] = {}
        self.members: dict[str, str] = {}

    @property
    def body(self) -> bytes:
        """The JSON of the error."""
        side = "User" if self.status < 500 else "Service"
        return json.dumps({**self.members, "Type": side, "message": self.message}).encode()


class Throttled(ServiceError):
    """429: too many concurrent invocations, or requests."""

    def __init__(
        self,
        reason: str = "ReservedFunctionConcurrentInvocationLimitExceeded",
        retry_after: int | None = 1,
    ) -> None:
        super().__init__(429, "TooManyRequestsException", "Rate Exceeded.")
        self.members["Reason"] = reason
        if retry_after is not None:
            self.headers["Retry-After"] = str(retry_after)


class NotReady(ServiceError):
    """409: the function exists, but cannot run at the moment."""

    def __init__(self) -> None:
        super().__init__(
            409,
            "ResourceConflictException",
            "The operation cannot be performed at this time. The function is currently in the "
            "following state: Pending",
        )


class TooLarge(ServiceError):
    """413: the event is too large for Lambda."""

    def __init__(self) -> None:
        super().__init__(
            413,
            "RequestTooLargeException",
            "Request must be smaller than 6291456 bytes for the InvokeFunction operation",
        )


class NotFound(ServiceError):
    """404: the function does not exist."""

    def __init__(self) -> None:
        super().__init__(404, "ResourceNotFoundException", "Function not found")


class AccessDenied(ServiceError):
    """403: the key may not invoke the function."""

    def __init__(self) -> None:
        super().__init__(
            403,
            "AccessDeniedException",
            "The user is not authorized to perform: lambda:InvokeFunction",
        )


class ServiceFailure(ServiceError):
    """500: Lambda has an internal error."""

    def __init__(self) -> None:
        super().__init__(500, "ServiceException", "An internal error occurred.")


class ExpiredCredentials(ServiceError):
    """403: the credentials have expired; a refresh finds new ones."""

    def __init__(self) -> None:
        super().__init__(
            403, "ExpiredTokenException", "The security token included in the request is expired"
        )


class ConnectionLoss(Simulated):
    """There is no reply."""

    #: Whether a connection was opened, so that the event may have arrived.
    is_opened = True
    _type: type[LambdaError] = ConnectionFailed
    _detail = "connection reset"

    def error(self) -> LambdaError:
        """Return the error of one attempt."""
        return self._type(detail=f"simulated: {self._detail}")


class NoReply(ConnectionLoss):
    """The deadline passes; the test does not wait for it."""

    _type = DeadlinePassed
    _detail = "no reply in time"


class Refused(ConnectionLoss):
    """No connection can be opened."""

    is_opened = False
    _detail = "connection refused"


class Reset(ConnectionLoss):
    """The connection is lost after the event was sent."""
