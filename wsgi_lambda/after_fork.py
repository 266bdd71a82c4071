"""Reset the state that a forked child must not inherit: sockets, locks, counters.

A child shares its parent's sockets, and a lock that another thread held during
the fork would stay locked.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from types import MethodType
from typing import Any, cast

# Objects in the order of their registration, each with its method.
_resets: weakref.WeakKeyDictionary[object, Callable[[Any], None]] = weakref.WeakKeyDictionary()


def reset_after_fork(reset: Callable[[], None]) -> None:
    """Call ``reset``, a bound method, now and in each forked child; one method for each object.

    The registration does not keep the object alive, and ends with it.
    """
    reset()
    method = cast(MethodType, reset)
    _resets[method.__self__] = method.__func__


def _reset_all() -> None:  # pragma: no cover - only a child runs it
    for owner, reset in list(_resets.items()):
        reset(owner)


# Once for the process: a hook of Python's can never be removed.
os.register_at_fork(after_in_child=_reset_all)
