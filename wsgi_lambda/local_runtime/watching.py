"""Let the reloaders of Flask, Django and gunicorn notice every change of a loaded file.

They look at the files of `sys.modules` about once a second, and remember the time of a
file when they first see it. A handler is loaded by its first invocation: a change between
that and their next look would never be noticed. So each invocation compares the times
with those of the load, and touches a file that the reloaders watch, too. They restart
the server; without a reloader nothing happens.
"""

from __future__ import annotations

import os
import sys
import tempfile
import weakref
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from importlib.util import spec_from_file_location
from types import ModuleType
from typing import TypeVar

#: Folders of libraries, whose files do not change while a server runs.
_LIBRARIES = ("site-packages", "dist-packages")

T = TypeVar("T")


class LoadedFiles:
    """The files that handlers have loaded, and their times then."""

    def __init__(self) -> None:
        self._times: dict[str, float] = {}

    def load(self, load: Callable[[], T]) -> T:
        """Return the result of ``load``; remember the files of the modules that it imports."""
        before = set(sys.modules)
        try:
            return load()
        finally:
            for name in set(sys.modules) - before:
                file = getattr(sys.modules.get(name), "__file__", None)
                if isinstance(file, str) and not any(each in file for each in _LIBRARIES):
                    self._times[file] = _time_of(file)

    def report_changes(self) -> None:
        """Touch a file that reloaders watch if a loaded file has changed.

        A file that has vanished does not count as changed: an editor may be replacing it.
        """
        for file, loaded in list(self._times.items()):
            if _time_of(file) not in (loaded, 0.0):
                # A reloader that has not seen this file yet notices the next call. Without a
                # folder for temporary files it stays as it would be without us.
                with suppress(OSError):
                    os.utime(self._touched)
                return

    @cached_property
    def _touched(self) -> str:
        """Make the file that is touched, and a module for it."""
        handle, path = tempfile.mkstemp(prefix="wsgi_lambda-", suffix=".py")
        os.close(handle)
        name = f"changes of handlers, {path}"
        module = ModuleType(name)
        module.__file__, module.__spec__ = path, spec_from_file_location(name, path)
        sys.modules[name] = module
        weakref.finalize(self, _remove, name, path, os.getpid())
        return path


def _time_of(file: str) -> float:
    """Return the time of the last change, 0.0 for a missing file."""
    try:
        return os.stat(file).st_mtime
    except OSError:
        return 0.0


def _remove(name: str, path: str, pid: int) -> None:
    sys.modules.pop(name, None)
    if os.getpid() == pid:  # a child leaves the file to its parent
        with suppress(OSError):
            os.unlink(path)
