"""Reset the state that a forked child must not inherit: sockets, locks, counters.

A child shares its parent's sockets, and a lock that another thread held during
the fork would stay locked.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable

# In the order of their registration; the values are not used.
_resets: dict[weakref.WeakMethod[Callable[[], None]], None] = {}


def reset_after_fork(reset: Callable[[], None]) -> None:
    """Call ``reset``, a bound method, now and in each forked child.

    The registration does not keep the object alive, and ends with it.
    """
    reset()
    _resets[weakref.WeakMethod(reset, _forget)] = None


def _forget(method: weakref.WeakMethod[Callable[[], None]]) -> None:
    _resets.pop(method, None)


def _reset_all() -> None:
    for method in list(_resets):
        reset = method()
        if reset is not None:
            reset()


# Once for the process: a hook of Python's can never be removed.
os.register_at_fork(after_in_child=_reset_all)
