"""The stream of a function of a test, in the frames of InvokeWithResponseStream."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from typing import Any
from zlib import crc32

from wsgi_lambda.local_runtime.context import LambdaContext
from wsgi_lambda.local_runtime.faults import Outcome
from wsgi_lambda.local_runtime.run import Environment, log_result
from wsgi_lambda.local_runtime.stream import ChunkSource
from wsgi_lambda.testing.replies import FunctionError

_STRING = 7  # the type of a header in a frame


class StreamedBody:
    """The body of a streamed reply: a frame for each chunk, produced when it is read.

    ``end_log`` returns the function's log for the outcome that it ends with.
    """

    def __init__(
        self,
        item: Any,
        payload: bytes,
        make_context: Callable[[], LambdaContext],
        request_id: str,
        end_log: Callable[[Outcome], str],
    ) -> None:
        self._item = item
        self._request_id = request_id
        self._end_log = end_log
        handler = item if callable(item) else lambda event, context: item  # noqa: ARG005
        environment = Environment(lambda: handler)
        environment.prepare(request_id)
        self._source = ChunkSource(environment, payload, make_context)
        self._frames = self._make_frames()

    def read_some(self) -> bytes:
        """Return the next frame, b"" at the end."""
        return next(self._frames, b"")

    def close(self) -> None:
        """Close the function's generator."""
        self._frames = iter(())
        self._source.close()

    def release_conn(self) -> None:
        """There is no connection."""

    interrupt = release_conn

    def _make_frames(self) -> Iterator[bytes]:
        outcome = Outcome(b"")
        if isinstance(self._item, FunctionError):
            outcome = self._item.outcome(self._request_id)
        else:
            while isinstance(chunk := self._source.next_chunk(self._request_id), bytes) and chunk:
                yield _frame("PayloadChunk", chunk)
            if isinstance(chunk, Outcome):
                outcome = chunk
        end = {"LogResult": log_result(self._end_log(outcome))}
        if outcome.error_type:
            details = outcome.body.decode(errors="replace")
            end |= {"ErrorCode": outcome.error_type, "ErrorDetails": details}
        yield _frame("InvokeComplete", json.dumps(end).encode())


def _frame(kind: str, payload: bytes) -> bytes:
    """Return a frame; `wire/event_stream.py` explains the format."""
    headers = b"".join(
        struct.pack(f">B{len(name)}sBH", len(name), name, _STRING, len(value)) + value
        for name, value in ((b":message-type", b"event"), (b":event-type", kind.encode()))
    )
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    message = prelude + struct.pack(">I", crc32(prelude)) + headers + payload
    return message + struct.pack(">I", crc32(message))
