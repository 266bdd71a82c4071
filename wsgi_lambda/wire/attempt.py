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

    opened = False  # connected, so the server may have received bytes
    reused = False  # the connection had been used before
    last_byte = 0.0  # when the last bytes of the response arrived, 0.0 before the first
    lacking = 0  # bytes that its reads yielded less than reads usually do

    def __init__(self, deadline: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        # Each invocation makes an Attempt, and urllib3's constructor takes a microsecond.
        self._deadline = deadline
        self._clock = clock

    def remaining(self) -> float:
        """Return the seconds until the deadline; raises TimeoutError if it has passed."""
        left = self._deadline - self._clock()
        if left <= 0:
            raise TimeoutError("the deadline passed")
        return left

    def restart(self, seconds: float) -> None:
        """Let the deadline be ``seconds`` from now: a stream bounds each silence, not its whole."""
        self._deadline = self._clock() + seconds


# What urllib3's constructor sets: its own limits, all of them off.
for _name, _value in vars(urllib3.Timeout()).items():
    setattr(Attempt, _name, _value)
