"""Bodies of Django's StreamingHttpResponse: streams under ASGI, and responses without a body."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.http import StreamingHttpResponse

from wsgi_lambda.response.wsgi import BODILESS


class ThreadedBody:
    """Reads each chunk of ``body`` in a thread of its own, and closes it with `close`.

    It has no ``__iter__``: Django reads it as an async iterator. The executor of the event
    loop has few threads, and a silent stream would hold one of them.
    """

    def __init__(self, body: Iterable[bytes]) -> None:
        self._body = body
        self._chunks = iter(body)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="wsgi_lambda_stream")

    def __aiter__(self) -> ThreadedBody:
        return self

    async def __anext__(self) -> bytes:
        loop = asyncio.get_running_loop()
        chunk = await loop.run_in_executor(self._thread, next, self._chunks, None)
        if chunk is None:
            raise StopAsyncIteration
        return chunk

    def close(self) -> None:
        """Close the body, also while a thread waits for its next chunk."""
        close = getattr(self._body, "close", None)
        if close is not None:
            close()
        self._thread.shutdown(wait=False)


class EmptyBody:
    """Nothing, for WSGI and for ASGI."""

    def __iter__(self) -> EmptyBody:
        return self

    def __next__(self) -> bytes:
        raise StopIteration

    def __aiter__(self) -> EmptyBody:
        return self

    async def __anext__(self) -> bytes:
        raise StopAsyncIteration


class BodilessResponse(StreamingHttpResponse):
    """A response without a body (HEAD, 204, 304), whatever middlewares make of its stream.

    It is a stream, because CommonMiddleware adds `Content-Length: 0` to any other
    response. GZipMiddleware compresses every stream, and the compressed form of
    nothing is 30 bytes, which servers would send after the head.
    """

    is_async = False

    def has_header(self, header: str) -> bool:
        """Claim a Content-Encoding for 204 and 304, to which GZipMiddleware would add one."""
        is_claimed = self.status_code in BODILESS and header.lower() == "content-encoding"
        return is_claimed or bool(super().has_header(header))

    # Middlewares and tests of a project read these of a 204.
    content = b""
    text = ""

    @property
    def streaming_content(self) -> Any:
        return EmptyBody()

    @streaming_content.setter
    def streaming_content(self, value: object) -> None:
        """Ignore a wrapped stream."""
