"""Find out why an exchange failed."""

from __future__ import annotations

import socket
import ssl

import urllib3

#: What urllib3 raises while an answer's body is read.
PoolError = urllib3.exceptions.HTTPError


def root_cause(error: BaseException) -> BaseException:
    """Return the system's error (of the socket, TLS or the resolver) that ``error`` stems from.

    requests and urllib3 wrap it up to four times, as cause, context, reason or
    argument. Where there is none, ``error`` itself.
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
    """Name a failure for the log: what to look at first."""
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
