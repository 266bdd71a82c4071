"""Cache the credentials of a look-up, and renew them before they expire."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from wsgi_lambda.after_fork import reset_after_fork
from wsgi_lambda.credentials import Credentials
from wsgi_lambda.errors import CredentialsError, DeadlinePassed
from wsgi_lambda.printable import printable

log = logging.getLogger("wsgi_lambda")

#: Credentials are renewed this long before they expire, while requests still
#: use them. The 15 minutes are botocore's; a short lifetime gets a quarter.
ADVANCE = 15 * 60  # seconds
ADVANCE_SHARE = 0.25  # of the lifetime
#: Credentials that expire sooner than this are not used: the request takes time.
LAST_MOMENT = 10  # seconds
LAST_SHARE = 0.1  # of the lifetime
#: Credentials without an expiry are looked up again: a file may have changed.
STATIC_LIFETIME = 5 * 60  # seconds
#: The pause after a look-up that failed or returned the same credentials.
PAUSE = 30  # seconds


class Found(NamedTuple):
    """Credentials, their origin in words, and their lifetime in seconds (inf: no expiry)."""

    credentials: Credentials
    origin: str
    lifetime: float = math.inf


class _Cached(NamedTuple):
    """The result of a look-up: fresh, then due for renewal, then expired (seconds since 1970)."""

    found: Found
    fresh_until: float
    usable_until: float


class _LookUp:
    """A look-up in progress, or ended with ``found``; any number of requests may wait for it."""

    def __init__(self, found: Found | None = None) -> None:
        self.done = threading.Event()
        self.found = found
        self.failure = ""
        if found is not None:
            self.done.set()


def log_found(found: Found) -> None:
    """Log the origin of new credentials, and nothing that helps to use them."""
    key = found.credentials.access_key
    end = "no expiry" if math.isinf(found.lifetime) else f"for {found.lifetime:.0f} s"
    # A key of eight characters or fewer is not one of AWS's.
    shown = f"…{key[-4:]}" if len(key) > 8 else "…"
    log.info("credentials: %s, key %s, %s", printable(found.origin), shown, end)


class CredentialCache:
    """One set of credentials for all threads of a process.

    ``look_up`` returns `Found` or raises `CredentialsError`. It runs in a thread
    of its own, one at a time: at the first request, and again when the
    credentials are about to expire. A request waits for it only if there are no
    usable credentials, and never beyond its deadline. A forked child starts
    with an empty cache.
    """

    def __init__(
        self,
        look_up: Callable[[], Found],
        *,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look_up = look_up
        self._clock = clock
        # For pauses: a clock that is set back would make them last for hours.
        self._timer = timer
        reset_after_fork(self._reset)

    def _reset(self) -> None:
        self._cached: _Cached | None = None
        self._running: _LookUp | None = None
        self._paused_until = -math.inf
        self._lock = threading.Lock()

    def get(self, deadline: float) -> Found:
        """Return the credentials; ``deadline`` is a time of `time.monotonic`.

        Raises `CredentialsError` if the look-up fails, or `DeadlinePassed`.
        """
        cached = self._cached
        if cached is None:
            return self._wait(self._start(cached), deadline)
        now = self._clock()
        if now < cached.fresh_until:
            return cached.found
        if now >= cached.usable_until:
            return self._wait(self._start(cached), deadline)
        if self._timer() >= self._paused_until:
            self._start(cached)
        return cached.found

    def renew(self, stale: Credentials, deadline: float) -> Found:
        """Return newer credentials than ``stale``, which AWS refused.

        Returns the same ones if a recent look-up returned nothing newer.
        Raises like `get`.
        """
        cached = self._cached
        if cached is None:
            return self._wait(self._start(cached), deadline)
        if cached.found.credentials != stale or self._timer() < self._paused_until:
            return cached.found
        return self._wait(self._start(cached), deadline)

    def _start(self, seen: _Cached | None) -> _LookUp:
        """Return the look-up in progress, or start one.

        ``seen`` is what the cache contained before: if another look-up has ended since
        then, its result is returned.
        """
        with self._lock:
            if self._cached is not None and self._cached is not seen:
                return _LookUp(self._cached.found)
            if self._running is None:
                look_up = _LookUp()
                _start_thread(self._run, look_up)
                self._running = look_up
            return self._running

    def _run(self, look_up: _LookUp) -> None:
        try:
            look_up.found = self._look_up()
        except CredentialsError as error:
            look_up.failure = error.detail
        except Exception as error:  # noqa: BLE001 - the waiting requests must get an error, too
            look_up.failure = f"the look-up raised {type(error).__name__}"
        with self._lock:
            is_new = self._store(look_up)
            self._running = None
        look_up.done.set()
        if is_new and look_up.found is not None:
            log_found(look_up.found)

    def _store(self, look_up: _LookUp) -> bool:
        """Keep the result; return whether it has other credentials than before."""
        now, before = self._clock(), self._cached
        if look_up.found is not None:
            self._cached = _cached(look_up.found, now)
            is_new = before is None or before.found.credentials != look_up.found.credentials
            self._paused_until = -math.inf if is_new else self._timer() + PAUSE
            return is_new
        if before is not None:
            self._paused_until = self._timer() + PAUSE
            log.warning("credentials could not be renewed: %s", look_up.failure)
        return False

    def _wait(self, look_up: _LookUp, deadline: float) -> Found:
        if not look_up.done.wait(max(0.0, deadline - time.monotonic())):
            raise DeadlinePassed(detail="credentials were still being looked up")
        if look_up.found is None:
            raise CredentialsError(detail=look_up.failure)
        return look_up.found


def _cached(found: Found, now: float) -> _Cached:
    if math.isinf(found.lifetime):
        return _Cached(found, now + STATIC_LIFETIME, math.inf)
    expires = now + found.lifetime
    advance = min(ADVANCE, found.lifetime * ADVANCE_SHARE)
    last_moment = min(LAST_MOMENT, found.lifetime * LAST_SHARE)
    return _Cached(found, expires - advance, expires - last_moment)


def _start_thread(run: Callable[[_LookUp], None], look_up: _LookUp) -> None:
    try:
        threading.Thread(target=run, args=(look_up,), name="wsgi_lambda", daemon=True).start()
    except RuntimeError as error:
        raise CredentialsError(detail=f"cannot start a thread for the look-up: {error}") from error
