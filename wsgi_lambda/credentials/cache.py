"""Credentials that are looked up when first asked for, kept, and renewed before they expire."""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING

from wsgi_lambda.credentials import Credentials
from wsgi_lambda.errors import CredentialsError, DeadlinePassed

if TYPE_CHECKING:
    from wsgi_lambda.credentials.chain import Found

log = logging.getLogger("wsgi_lambda")

#: How long before they expire credentials are renewed, while requests go on
#: with them; botocore's own figure, too.
ADVANCE = 15 * 60  # seconds
#: Credentials with no more than this left are not used.
LAST_MOMENT = 10  # seconds
#: A renewal that failed, or brought the same again, is not repeated sooner.
PAUSE = 30  # seconds


class _LookUp:
    """One look-up on its way, for which any number of requests may wait."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.found: Found | None = None
        self.failure = ""


class CredentialCache:
    """One set of credentials for all threads of a process, looked up by one thread at a time.

    ``look_up`` returns what it found or raises `CredentialsError`; it is called
    at the first request, and again when the credentials are about to expire.
    A request waits for it only where there is nothing else to sign with, and
    not beyond its deadline. Nothing crosses a fork.
    """

    def __init__(
        self, look_up: Callable[[], Found], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._look_up = look_up
        self._clock = clock
        self._after_fork()
        forget = weakref.WeakMethod(self._after_fork)
        os.register_at_fork(after_in_child=lambda: (forget() or _nothing)())

    def _after_fork(self) -> None:
        self._found: Found | None = None
        self._running: _LookUp | None = None
        self._not_before = 0.0
        self._lock = threading.Lock()

    def get(self, deadline: float) -> Found:
        """Return the credentials; ``deadline`` is a time of the clock.

        Raises `CredentialsError` where none are found, `DeadlinePassed`.
        """
        found = self._found
        if found is None:
            return self._wait(self._start(), deadline)
        if not found.expire_within(ADVANCE):
            return found
        if found.expire_within(LAST_MOMENT):
            return self._wait(self._start(), deadline)
        if self._clock() >= self._not_before:
            self._start()
        return found

    def renew(self, stale: Credentials, deadline: float) -> Found:
        """Return credentials that are newer than ``stale``, which AWS refused.

        Raises what `get` raises.
        """
        found = self._found
        if found is not None and found.credentials != stale:
            return found
        return self._wait(self._start(), deadline)

    def _start(self) -> _LookUp:
        """Return the look-up that is on its way, a new one if there is none."""
        with self._lock:
            if self._running is None:
                look_up = _LookUp()
                _start_thread(self._run, look_up)
                self._running = look_up
                self._not_before = self._clock() + PAUSE
            return self._running

    def _run(self, look_up: _LookUp) -> None:
        try:
            look_up.found = self._found = self._look_up()
        except CredentialsError as error:
            look_up.failure = error.detail
        except Exception as error:  # noqa: BLE001 - or those who wait would never know
            look_up.failure = f"the look-up raised {type(error).__name__}"
        if look_up.failure and self._found is not None:
            log.warning("credentials could not be renewed: %s", look_up.failure)
        with self._lock:
            self._running = None
        look_up.done.set()

    def _wait(self, look_up: _LookUp, deadline: float) -> Found:
        if not look_up.done.wait(max(0.0, deadline - self._clock())):
            raise DeadlinePassed(detail="credentials were still being looked up")
        if look_up.found is None:
            raise CredentialsError(detail=look_up.failure)
        return look_up.found


def _start_thread(run: Callable[[_LookUp], None], look_up: _LookUp) -> None:
    try:
        threading.Thread(target=run, args=(look_up,), name="wsgi_lambda", daemon=True).start()
    except RuntimeError as error:
        raise CredentialsError(detail=f"no thread for the look-up: {error}") from error


def _nothing() -> None:
    """Stand in for a cache that is gone when a process forks."""
