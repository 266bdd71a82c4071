"""Track one attempt at a request: its deadline, and how far it got."""

from __future__ import annotations

import time
from collections.abc import Callable

import urllib3


class Attempt(urllib3.Timeout):
    """One attempt at a request: its deadline, and how far it got.

    urllib3's own timeout starts again with each read, so a server that sends one
    byte per second never exceeds it. This timeout is a point in time
    (`time.monotonic`), checked before each wait. It does not limit the look-up
    of the host name, which blocks in the system's resolver.
    """

    def __init__(self, deadline: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._deadline = deadline
        self._clock = clock
        self._seconds = deadline - clock()
        self.opened = False  # connected, so the server may have received bytes
        self.reused = False  # the connection had been used before
        self.received = False  # at least one byte of the response arrived
        self.lacking = 0  # bytes that its reads yielded less than reads usually do

    def remaining(self) -> float:
        """Return the seconds until the deadline; raises TimeoutError if it has passed."""
        left = self._deadline - self._clock()
        if left <= 0:
            raise TimeoutError("the deadline passed")
        return left

    def restart(self, seconds: float | None = None) -> None:
        """Start the time again: ``seconds`` from now, by default as many as at first.

        A stream bounds each silence, not its whole.
        """
        self._deadline = self._clock() + (self._seconds if seconds is None else seconds)
