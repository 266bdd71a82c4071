"""Count the connections to one server, without a lock that the count must wait for."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterable
from typing import Any


class OpenConnections:
    """The connections that are open. One that is closed or forgotten leaves by itself.

    ::

        idle, in_use = connections.counts(pool.kept())
    """

    def __init__(self) -> None:
        #: Connections opened so far, after the TLS handshake.
        self.opened = 0
        self._lock = threading.Lock()
        self._connections: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()

    def add(self, connection: Any) -> None:
        """Count a connection that has just been opened, perhaps not for the first time."""
        with self._lock:
            self.opened += 1
            self._connections[id(connection)] = connection

    def counts(self, kept: Iterable[Any]) -> tuple[int, int]:
        """Return how many are idle, because they are in ``kept``, and how many are in use."""
        idle_ids = set(map(id, kept))
        opened = [each for ref in self._connections.valuerefs() if (each := ref()) is not None]
        idle = [id(each) in idle_ids for each in opened if each.sock is not None]
        return idle.count(True), idle.count(False)
