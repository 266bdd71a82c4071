"""Call the observers of a configuration, whatever they raise, and know when a body ends."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import FunctionType

from wsgi_lambda.log_limit import LogLimit
from wsgi_lambda.observe import InvocationRecord, Observer
from wsgi_lambda.printable import printable

log = logging.getLogger("wsgi_lambda")


class Observers:
    """The observers of a configuration: `began` in their order, the others in reverse."""

    def __init__(self, observers: Sequence[object], limit: LogLimit) -> None:
        self._limit = limit
        self._began = _hooks(observers, "began")
        self._replied = _hooks(observers, "replied")[::-1]
        self._ended = _hooks(observers, "ended")[::-1]

    def began(self, record: InvocationRecord) -> None:
        self.call("began", self._began, record)

    def replied(self, record: InvocationRecord) -> None:
        self.call("replied", self._replied, record)

    def ended(self, record: InvocationRecord) -> None:
        self.call("ended", self._ended, record)

    def call(self, name: str, hooks: Sequence[Hook], record: InvocationRecord) -> None:
        """Call ``hooks``; log what they raise, with ``name`` for what they are.

        What ends the request, such as SystemExit or gevent's Timeout, is raised once all
        have been called.
        """
        ends: BaseException | None = None
        for hook in hooks:
            try:
                hook(record)
            except Exception as error:  # noqa: BLE001 - the request continues
                self._log(name, hook, error, record)
            except BaseException as error:  # noqa: BLE001 - raised below
                ends = error
        if ends is not None:
            raise ends

    def _log(self, name: str, hook: Hook, error: Exception, record: InvocationRecord) -> None:
        observer, request_id = _name(hook), printable(_text(record, "aws_request_id"))
        self._limit.log(
            log,
            logging.ERROR,
            (f"observer {observer}", type(error).__name__, 0),
            f"observer {observer} {type(error).__name__}: %s failed, request %s",
            name,
            request_id or "-",
            extra={"route": _text(record, "route"), "aws_request_id": request_id},
            exc_info=True,
        )


Hook = Callable[[InvocationRecord], None]


def _name(hook: Hook) -> str:
    """Return the class of an observer, or the function that a module has: ``"watch.ended"``."""
    if isinstance(hook, FunctionType):
        return f"{hook.__module__}.{hook.__qualname__}"
    return type(getattr(hook, "__self__", hook)).__qualname__


def _text(record: InvocationRecord, name: str) -> str:
    """Return a field; a mistaken observer may have deleted it, or set another type."""
    value = getattr(record, name, "")
    return value if isinstance(value, str) else ""


def _hooks(observers: Iterable[object], name: str) -> tuple[Hook, ...]:
    """Return the methods ``name`` of the observers that do something."""
    found = (getattr(observer, name, None) for observer in observers)
    return tuple(
        hook
        for hook in found
        if callable(hook) and getattr(hook, "__func__", None) is not getattr(Observer, name)
    )


class WatchedBody:
    """The body of a response; calls ``end`` once with itself, when it is complete.

    That is when it is exhausted, fails, is closed or is garbage-collected.
    """

    def __init__(self, body: Iterable[bytes], end: Callable[[WatchedBody], None]) -> None:
        self._body = body
        self._chunks = iter(body)
        self._end: Callable[[WatchedBody], None] | None = end
        #: Bytes that the server has got, and when it got the first (`time.monotonic`).
        self.sent = 0
        self.first_byte: float | None = None
        self.is_exhausted = False
        self.error: BaseException | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            chunk = next(self._chunks)
        except StopIteration:
            self.is_exhausted = True
            self._finish()
            raise
        except BaseException as error:
            self.error = error
            self._finish()
            raise
        if chunk and self.first_byte is None:
            self.first_byte = time.monotonic()
        self.sent += len(chunk)
        return chunk

    def close(self) -> None:
        """Close the body, as WSGI servers do at the end of each response."""
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self._finish()

    def __del__(self) -> None:
        self._finish()

    def _finish(self) -> None:
        end, self._end = self._end, None
        if end is not None:
            end(self)
