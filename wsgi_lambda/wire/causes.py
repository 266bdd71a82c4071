"""Find the cause of a failed exchange, and name its kind for the log."""

from __future__ import annotations

import socket
import ssl

import urllib3

#: The base class of urllib3's errors while the body of a response is read.
PoolError = urllib3.exceptions.HTTPError


def root_cause(error: BaseException) -> BaseException:
    """Return the error of the socket, TLS or the resolver that caused ``error``.

    requests and urllib3 wrap it up to four times, as cause, context, reason or
    argument. Returns ``error`` itself if it wraps no such error.
    """
    queue, seen = [error], {id(error)}
    while queue:
        current = queue.pop(0)
        if isinstance(current, OSError) and not isinstance(current, PoolError):
            module = type(current).__module__
            if not module.startswith(("requests", "urllib3")):
                return current
        inner = (current.__cause__, current.__context__, getattr(current, "reason", None))
        for item in (*inner, *current.args):
            if isinstance(item, BaseException) and id(item) not in seen:
                seen.add(id(item))
                queue.append(item)
    return error


def failure_kind(cause: BaseException) -> str:
    """Return the kind of a failure for the log, such as ``"connection refused"``."""
    if isinstance(cause, TimeoutError):
        return "deadline passed"
    if isinstance(cause, socket.gaierror):
        return "name not resolved"
    if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError):
        return "TLS failed"
    if isinstance(cause, ConnectionRefusedError):
        return "connection refused"
    if isinstance(cause, (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError)):
        return "connection lost"
    return "connection failed"
