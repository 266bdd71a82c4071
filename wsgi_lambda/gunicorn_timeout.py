"""What the web server around us is set to, where that decides whether an answer arrives."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from types import FrameType

from wsgi_lambda.options import Route

log = logging.getLogger("wsgi_lambda")


def warn_of_short_timeout(routes: Iterable[Route]) -> None:
    """Warn where gunicorn would kill a worker that waits for a function.

    A sync worker, gunicorn's default, must end a request within `--timeout`
    (30 s); the other kinds only must show that they live. Without gunicorn, or
    where the app is made elsewhere than on its way up, nothing is said.
    https://docs.gunicorn.org/en/stable/settings.html#timeout
    """
    limit = _sync_worker_timeout()
    longest = max(routes, key=lambda route: route.target.timeout, default=None)
    if limit and longest and longest.target.timeout > limit:
        log.warning(
            "gunicorn kills a sync worker after %g s, in the middle of a request; the route %s may "
            "wait for %g s. Use --threads, or a --timeout above that",
            limit,
            longest.path,
            longest.target.timeout,
        )


def _sync_worker_timeout() -> float:
    """Return gunicorn's `--timeout`, seconds; 0 where there is none that matters.

    An app is imported by the worker, or with `--preload` by the master: one of
    them, with the settings, is among our callers.
    """
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        owner = frame.f_locals.get("self")
        settings = getattr(owner, "cfg", None)
        if settings is not None and type(owner).__module__.startswith("gunicorn."):
            is_sync = getattr(settings, "worker_class_str", "") == "sync"
            return float(settings.timeout) if is_sync else 0.0
        frame = frame.f_back
    return 0.0
