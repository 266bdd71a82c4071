"""Run a `credential_process` within bounds: its time, and the length of its output."""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from typing import Any

#: The default of the AWS SDK for Go. A request waits no longer than its own `timeout`.
LONGEST_RUN = 60  # seconds
#: The default of the AWS SDK for Java is 64,000 bytes.
LONGEST_OUTPUT = 64 * 1024  # bytes

_PIECE = 32 * 1024  # bytes per read
_MOST_READ = 16 * 1024 * 1024  # bytes, messages included
_GLANCE = 0.05  # seconds: how often a process is asked whether it has ended


class BoundedProcess(subprocess.Popen[bytes]):
    """A process whose `communicate` has limits, and ends when the process does.

    A child of the process may keep the output open. ``stdout`` and ``stderr`` must be
    pipes. Of the messages the first 64 KiB are kept.
    """

    def communicate(self, *_: Any, **__: Any) -> tuple[bytes, bytes]:
        """Return the output and the messages of the process.

        Raises TimeoutError after 60 s and ValueError for more than 64 KiB of output or 16 MiB
        of messages; the process is killed then. No error repeats the output: it may be a key.
        """
        parts: dict[str, bytearray] = {"output": bytearray(), "messages": bytearray()}
        pipes = [pipe for pipe in (self.stdout, self.stderr) if pipe]
        try:
            with selectors.DefaultSelector() as selector:
                for pipe, name in zip(pipes, parts, strict=True):
                    selector.register(pipe, selectors.EVENT_READ, parts[name])
                self._collect(selector, parts["output"])
        finally:
            self.kill()  # has no effect if it has ended
            self.wait()
            for pipe in pipes:
                pipe.close()
        return bytes(parts["output"]), bytes(parts["messages"])

    def _collect(self, selector: selectors.BaseSelector, output: bytearray) -> None:
        """Read until the process has ended and nothing more is there."""
        end, total = time.monotonic() + LONGEST_RUN, 0
        while True:
            has_ended = self.poll() is not None
            ready = selector.select(0 if has_ended else _GLANCE)
            if has_ended and not ready:
                return
            for key, _ in ready:
                if not (piece := os.read(key.fd, _PIECE)):
                    selector.unregister(key.fileobj)
                elif len(key.data) <= LONGEST_OUTPUT:
                    key.data.extend(piece)
                total += len(piece)
            if len(output) > LONGEST_OUTPUT or total > _MOST_READ:
                raise ValueError("the credential_process wrote too much")
            if time.monotonic() >= end:
                raise TimeoutError(f"the credential_process did not end within {LONGEST_RUN} s")
