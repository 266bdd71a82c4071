"""The context that a handler gets, with the attributes of AWS's Python runtime."""

from __future__ import annotations

import os
import sys
import time
import uuid
from collections.abc import Mapping
from functools import cache
from typing import Any

#: Lambda's default, in MB. AWS's runtime has it as a string, too.
MEMORY_SIZE = "128"

#: The keys of ``w3c`` in a client context that reach the handler, if they are strings.
_TRACE_FIELDS = ("traceparent", "tracestate", "baggage")


class _Parts:
    """Named values that are None if they are missing, with AWS's repr."""

    _names: tuple[str, ...] = ()

    def __init__(self, values: Mapping[str, Any]) -> None:
        for name in self._names:
            setattr(self, name, values.get(name))

    def __repr__(self) -> str:
        values = ",".join(f"{name}={getattr(self, name)}" for name in self._names)
        return f"{type(self).__name__}([{values}])"


class Client(_Parts):
    """The mobile app of a client context."""

    _names = (
        "installation_id",
        "app_title",
        "app_version_name",
        "app_version_code",
        "app_package_name",
    )


class ClientContext(_Parts):
    """The client context of an invocation."""

    _names = ("custom", "env", "client")
    client: Any

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        if self.client is not None:
            self.client = Client(self.client)


class CognitoIdentity(_Parts):
    """The Cognito identity of an invocation: none, in this process."""

    _names = ("cognito_identity_id", "cognito_identity_pool_id")


class LambdaContext(_Parts):
    """The second argument of a handler.

    ``client_context`` is the decoded JSON of X-Amz-Client-Context, and ``deadline``
    the time of `time.monotonic` at which the invocation times out.
    """

    _names = (
        "aws_request_id",
        "log_group_name",
        "log_stream_name",
        "function_name",
        "memory_limit_in_mb",
        "function_version",
        "invoked_function_arn",
        "client_context",
        "identity",
        "tenant_id",
    )
    aws_request_id: str
    function_version: str
    client_context: Any

    def __init__(
        self,
        *,
        request_id: str,
        function_name: str,
        function_version: str,
        invoked_function_arn: str,
        deadline: float,
        client_context: Mapping[str, Any] | None = None,
        tenant_id: str | None = None,
    ) -> None:
        own = dict(client_context) if client_context is not None else None
        traces = own.pop("w3c", None) if own is not None else None
        super().__init__(
            {
                "aws_request_id": request_id,
                "log_group_name": f"/aws/lambda/{function_name}",
                "log_stream_name": _log_stream(function_version),
                "function_name": function_name,
                "memory_limit_in_mb": MEMORY_SIZE,
                "function_version": function_version,
                "invoked_function_arn": invoked_function_arn,
                "client_context": None if own is None else ClientContext(own),
                "identity": CognitoIdentity({}),
                "tenant_id": tenant_id,
            }
        )
        self._traces = _trace_fields(traces)
        self._deadline = deadline

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the invocation times out, at least 0."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))

    def w3c(self) -> dict[str, str]:
        """Return the W3C trace context of the client context."""
        return dict(self._traces)

    def log(self, message: object) -> None:
        """Write ``message`` to standard output."""
        sys.stdout.write(str(message))


def _trace_fields(found: object) -> dict[str, str]:
    if not isinstance(found, dict):
        return {}
    return {name: found[name] for name in _TRACE_FIELDS if isinstance(found.get(name), str)}


def _log_stream(version: str) -> str:
    """Return the name of the log stream, ``2026/11/26/[$LATEST]`` and 32 hex digits."""
    day, name = _stream_of_process(os.getpid())
    return f"{day}/[{version}]{name}"


@cache
def _stream_of_process(pid: int) -> tuple[str, str]:  # noqa: ARG001 - a child has its own
    """Return the day on which the process made its stream, and the stream's digits."""
    return time.strftime("%Y/%m/%d", time.gmtime()), uuid.uuid4().hex
