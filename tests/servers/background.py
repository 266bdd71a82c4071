"""Run a server of the standard library in a thread."""

from __future__ import annotations

import threading
from socketserver import BaseServer
from typing import Self


class InBackground:
    """A server that listens from the start of a ``with`` block to its end."""

    _server: BaseServer

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
