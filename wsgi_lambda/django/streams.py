"""A stream to an ASGI server, which must not wait for a chunk in its event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor


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
