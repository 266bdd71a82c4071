"""Let the reloaders of Django and gunicorn watch the files of handlers before those run.

They look at the files of `sys.modules` once a second, and remember the time of a file
when they first see it. A handler is loaded by its first invocation, so a change between
that and their next look would never be noticed.
"""

from __future__ import annotations

import os
import sys
from glob import escape, glob
from importlib.machinery import PathFinder
from importlib.util import spec_from_file_location
from types import ModuleType

_NAME = "file of a handler: "


def watch(path: str) -> None:
    """Add an empty module to `sys.modules` for each Python file in the folder of ``path``.

    Files that have a module are left out. Nothing is loaded.
    """
    known = {vars(each).get("__file__") for each in _modules()}
    for file in glob(os.path.join(escape(os.path.dirname(path)), "*.py")):
        if file not in known:
            name = _NAME + file
            module = ModuleType(name)
            module.__file__, module.__spec__ = file, spec_from_file_location(name, file)
            sys.modules[name] = module


def find_file(module: str) -> str | None:
    """Return the file of a module, ``"src/app"`` or ``"src.app"``, without loading anything.

    The current directory is searched first. None if there is no such file.
    """
    places, found, name = [os.getcwd(), *sys.path], None, ""
    for part in module.replace("/", ".").split("."):
        name = f"{name}.{part}" if name else part
        found = PathFinder.find_spec(name, places)
        if found is None:
            return None
        places = list(found.submodule_search_locations or ())
    return found.origin if found is not None and found.has_location else None


def _modules() -> list[ModuleType]:
    return [each for each in list(sys.modules.values()) if isinstance(each, ModuleType)]
