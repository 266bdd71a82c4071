"""Run uvicorn as the ASGI server of the tests."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def uvicorn(folder: Path, source: str) -> Iterator[tuple[str, int]]:
    """Serve the ``app`` of a module, and yield the address; SIGTERM must stop it."""
    (folder / "lambda_site.py").write_text(source)
    inherited = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    project = str(Path(__file__).parents[2])
    environ = {**inherited, "HOME": str(folder), "PYTHONPATH": project, "TMPDIR": str(folder)}
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        command = [sys.executable, "-m", "uvicorn", "lambda_site:app", "--lifespan", "off"]
        process = subprocess.Popen(
            [*command, "--fd", str(listener.fileno())],
            cwd=folder,
            env=environ,
            pass_fds=[listener.fileno()],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        address = listener.getsockname()
    try:
        yield address
    finally:
        process.terminate()
        output, _ = process.communicate(timeout=20)
        print(output)
    assert "Traceback" not in output
