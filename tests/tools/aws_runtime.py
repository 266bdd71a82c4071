"""Run a handler with AWS's own runtime, awslambdaric, in this process: the oracle of local mode."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from awslambdaric import bootstrap
from awslambdaric.lambda_runtime_client import LambdaRuntimeClient
from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller, to_json

REQUEST_ID = "8f507cfc-1f2b-4ac4-8a5a-0c3d1d3b1f3f"
ARN = "arn:aws:lambda:us-east-1:000000000000:function:orders"

#: What Lambda sets for a function with the default options.
ENVIRONMENT = {
    "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
    "AWS_LAMBDA_FUNCTION_NAME": "orders",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
    "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/orders",
    "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/26/[$LATEST]0123456789abcdef0123456789abcdef",
}
_FRAME_HEAD = 16  # bytes: type, length, time


class _Stop(BaseException):
    """Ends the loop of the runtime after one event."""


@dataclass(frozen=True, slots=True)
class Posted:
    """What the runtime posted, and the error in its log. ``body`` is None if it ended before."""

    body: bytes | None
    log: str


class _Client(LambdaRuntimeClient):
    """The runtime's client of Lambda, with one event and without HTTP."""

    def __init__(self, payload: bytes, client_context: str | None) -> None:
        super().__init__("127.0.0.1:0")
        self.marshaller = LambdaMarshaller()
        self.body: bytes | None = None
        self._event = SimpleNamespace(
            invoke_id=REQUEST_ID,
            x_amzn_trace_id=None,
            invoked_function_arn=ARN,
            deadline_time_in_ms=int(time.time() * 1000) + 3000,
            client_context=client_context,
            cognito_identity=None,
            tenant_id=None,
            content_type="application/json",
            event_body=payload,
            invocation_id=None,
        )

    def wait_next_invocation(self) -> Any:
        if self.body is not None:
            raise _Stop
        return self._event

    def post_invocation_result(self, invoke_id: str, result: Any, *_: object) -> None:
        self.body = result if isinstance(result, bytes) else result.encode()

    def post_invocation_error(self, invoke_id: str, error: str, *_: object) -> None:
        self.body = error.encode()

    def post_init_error(self, error: Any, *_: object) -> None:
        self.body = to_json(error).encode()


def run_with_awslambdaric(
    handler: str, payload: bytes, *, client_context: str | None = None
) -> Posted:
    """Load and run ``handler`` once; raises what the runtime does not catch, except SystemExit."""
    root, handlers = logging.getLogger(), [*logging.getLogger().handlers]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log")
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT)
        environ = {**ENVIRONMENT, "_LAMBDA_TELEMETRY_LOG_FD": str(descriptor)}
        try:
            with (
                patch.dict(os.environ, environ),
                patch.object(sys, "stdout"),
                patch.object(sys, "stderr"),
                patch.object(logging.Formatter, "converter"),
            ):
                # Its encoder reads the environment.
                client = _Client(payload, client_context)
                bootstrap.run(handler, client)
        except (_Stop, SystemExit):
            pass
        finally:
            root.handlers[:] = handlers
        return Posted(client.body, _error_in(log.read_bytes()))


def _error_in(frames: bytes) -> str:
    """Return the error of the log, "" without one; the other frames are records of `logging`."""
    while frames:
        end = _FRAME_HEAD + int.from_bytes(frames[4:8], "big")
        text = frames[_FRAME_HEAD:end].decode()
        if text.startswith("[ERROR]"):
            return text
        frames = frames[end:]
    return ""
