"""What a child process must not inherit: sockets, locks that another thread held, counts."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable


def reset_after_fork(forget: Callable[[], None]) -> None:
    """Call ``forget``, a bound method, now and in every child process that is forked.

    It ends with its object: nothing is kept alive by this.
    """
    forget()
    method = weakref.WeakMethod(forget)
    os.register_at_fork(after_in_child=lambda: (method() or _nothing)())


def _nothing() -> None:
    """Stand in for an object that is gone when a process forks."""
