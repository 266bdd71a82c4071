"""Credentials that are looked up when first asked for, kept, and renewed before they expire."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from wsgi_lambda.after_fork import reset_after_fork
from wsgi_lambda.credentials import Credentials
from wsgi_lambda.errors import CredentialsError, DeadlinePassed

log = logging.getLogger("wsgi_lambda")

#: How long before they expire credentials are renewed, while requests go on
#: with them: botocore's own figure, of a short life no more than this share.
ADVANCE = 15 * 60  # seconds
ADVANCE_SHARE = 0.25
#: Credentials with no more than this left are not used.
LAST_MOMENT = 10  # seconds
LAST_SHARE = 0.1
#: Credentials that do not expire are looked up again: a file may have changed.
STATIC_LIFE = 5 * 60  # seconds
#: A look-up that failed, or brought the same again, is not repeated sooner.
PAUSE = 30  # seconds


@dataclass(frozen=True, slots=True)
class Found:
    """Credentials, where they come from, and for how many seconds they are good (inf: for ever)."""

    credentials: Credentials
    origin: str
    life: float = math.inf


@dataclass(frozen=True, slots=True)
class _Kept:
    """What was found, and until when (seconds since 1970) it needs no renewal, and can be used."""

    found: Found
    fresh_until: float
    good_until: float


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
        self, look_up: Callable[[], Found], *, clock: Callable[[], float] = time.time
    ) -> None:
        self._look_up = look_up
        self._clock = clock
        reset_after_fork(self._begin)

    def _begin(self) -> None:
        self._kept: _Kept | None = None
        self._running: _LookUp | None = None
        self._not_before = 0.0
        self._lock = threading.Lock()

    def get(self, deadline: float) -> Found:
        """Return the credentials; ``deadline`` is a time of `time.monotonic`.

        Raises `CredentialsError` where none are found, `DeadlinePassed`.
        """
        kept = self._kept
        if kept is None:
            return self._wait(self._start(), deadline)
        now = self._clock()
        if now < kept.fresh_until:
            return kept.found
        if now >= kept.good_until:
            return self._wait(self._start(), deadline)
        if now >= self._not_before:
            self._start()
        return kept.found

    def renew(self, stale: Credentials, deadline: float) -> Found:
        """Return credentials that are newer than ``stale``, which AWS refused.

        They are the same where a look-up a moment ago brought no others.
        Raises what `get` raises.
        """
        kept = self._kept
        if kept is None:
            return self._wait(self._start(), deadline)
        if kept.found.credentials != stale or self._clock() < self._not_before:
            return kept.found
        return self._wait(self._start(), deadline)

    def _start(self) -> _LookUp:
        """Return the look-up that is on its way, a new one if there is none."""
        with self._lock:
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
        except Exception as error:  # noqa: BLE001 - or those who wait would never know
            look_up.failure = f"the look-up raised {type(error).__name__}"
        with self._lock:
            self._settle(look_up)
            self._running = None
        look_up.done.set()

    def _settle(self, look_up: _LookUp) -> None:
        now, before = self._clock(), self._kept
        if look_up.found is not None:
            self._kept = _keep(look_up.found, now)
            is_new = before is None or before.found.credentials != look_up.found.credentials
            self._not_before = 0.0 if is_new else now + PAUSE
        elif before is not None:
            self._not_before = now + PAUSE
            log.warning("credentials could not be renewed: %s", look_up.failure)

    def _wait(self, look_up: _LookUp, deadline: float) -> Found:
        if not look_up.done.wait(max(0.0, deadline - time.monotonic())):
            raise DeadlinePassed(detail="credentials were still being looked up")
        if look_up.found is None:
            raise CredentialsError(detail=look_up.failure)
        return look_up.found


def _keep(found: Found, now: float) -> _Kept:
    if math.isinf(found.life):
        return _Kept(found, now + STATIC_LIFE, math.inf)
    expires = now + found.life
    advance = min(ADVANCE, found.life * ADVANCE_SHARE)
    last_moment = min(LAST_MOMENT, found.life * LAST_SHARE)
    return _Kept(found, expires - advance, expires - last_moment)


def _start_thread(run: Callable[[_LookUp], None], look_up: _LookUp) -> None:
    try:
        threading.Thread(target=run, args=(look_up,), name="wsgi_lambda", daemon=True).start()
    except RuntimeError as error:
        raise CredentialsError(detail=f"no thread for the look-up: {error}") from error
