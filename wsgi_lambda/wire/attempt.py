"""One try at a request: its deadline, and how far it came."""

from __future__ import annotations

import time
from collections.abc import Callable

import urllib3


class Attempt(urllib3.Timeout):
    """One try at a request: when it must have ended, and how far it came.

    urllib3's own timeouts start anew with every read, so that a peer which
    sends a byte a second is never late. This one is a point in time, asked
    before every single wait. It does not bound the look-up of a host name,
    which the system's resolver does.
    """

    def __init__(self, deadline: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._deadline = deadline
        self._clock = clock
        self.opened = False  # a connection stood, so that bytes may have left
        self.reused = False  # it had served before
        self.received = False  # a byte of an answer came

    def remaining(self) -> float:
        """Return the seconds left; raise TimeoutError if there are none."""
        left = self._deadline - self._clock()
        if left <= 0:
            raise TimeoutError("the deadline passed")
        return left

    def restart(self, seconds: float) -> None:
        """Set the deadline to ``seconds`` from now: a stream bounds each silence, not its whole."""
        self._deadline = self._clock() + seconds

    def clone(self) -> Attempt:
        # urllib3 clones a timeout for each request; this one is made for one.
        return self

    def start_connect(self) -> float:
        return self._clock()

    @property
    def connect_timeout(self) -> float:
        return self.remaining()

    @property
    def read_timeout(self) -> float:
        return self.remaining()
