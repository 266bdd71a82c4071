"""Reset the state that a forked child must not inherit: sockets, locks, counters.

A child shares its parent's sockets, and a lock that another thread held during
the fork would stay locked.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable


def reset_after_fork(reset: Callable[[], None]) -> None:
    """Call ``reset``, a bound method, now and in each forked child.

    The registration does not keep the object alive.
    """
    reset()
    method = weakref.WeakMethod(reset)
    os.register_at_fork(after_in_child=lambda: (method() or _nothing)())


def _nothing() -> None:
    """Replace the method of an object that no longer exists."""
