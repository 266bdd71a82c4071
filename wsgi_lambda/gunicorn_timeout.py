"""Warn if gunicorn would kill a worker before a function may respond."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from types import FrameType
from typing import Any

from wsgi_lambda.options import Route

log = logging.getLogger("wsgi_lambda")


def warn_of_short_timeout(routes: Iterable[Route]) -> None:
    """Log a warning if gunicorn's timeout may kill the worker of a route.

    A sync worker, gunicorn's default, must finish a request within `--timeout`
    (30 s). Workers of other classes only have to send a heartbeat. It is reported for
    each route that streams, because a stream has no limit, and for the longest
    `timeout` of the others. Nothing is logged without gunicorn, or if gunicorn does
    not import the app while it starts.
    https://docs.gunicorn.org/en/stable/settings.html#timeout
    """
    limit = _sync_worker_timeout()
    if not limit:
        return
    others = []
    for route in routes:
        if route.target.invoke_mode == "BUFFERED":
            others.append(route)
            continue
        log.warning(
            "gunicorn kills a sync worker after %g s, even during a stream, and the route %s "
            "streams its response. Use --threads, or --timeout 0",
            limit,
            route.label,
        )
    longest = max(others, key=lambda route: route.target.timeout, default=None)
    if longest and longest.target.timeout > limit:
        log.warning(
            "gunicorn kills a sync worker after %g s, even during a request, but the route %s may "
            "wait for %g s. Use --threads, or a longer --timeout",
            limit,
            longest.label,
            longest.target.timeout,
        )


def _sync_worker_timeout() -> float:
    """Return the `--timeout` of gunicorn's sync workers in seconds, or 0 if there is none."""
    settings = gunicorn_settings()
    if settings is None or getattr(settings, "worker_class_str", "") != "sync":
        return 0.0
    return float(settings.timeout)


def gunicorn_settings() -> Any:
    """Return the settings of the gunicorn that imports the app, None without one.

    gunicorn imports the app in a worker, or with `--preload` in the arbiter. Both
    have gunicorn's settings, and one of them is on the call stack.
    """
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        owner = frame.f_locals.get("self")
        settings = getattr(owner, "cfg", None)
        if settings is not None and type(owner).__module__.startswith("gunicorn."):
            return settings
        frame = frame.f_back
    return None
