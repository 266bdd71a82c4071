"""Write modules of handlers, and forget those that were imported."""

from __future__ import annotations

import sys
from pathlib import Path


def write_module(folder: Path, name: str, source: str) -> Path:
    """Write ``src/app`` as ``src/app.py`` below ``folder``."""
    path = folder / f"{name}.py"
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(source, encoding="utf-8")
    return path


def forget(folder: Path, before: set[str]) -> None:
    """Remove the modules of ``folder`` that were not there ``before``."""
    for name in set(sys.modules) - before:
        module = sys.modules[name]
        # A folder without __init__.py is a module with paths and no file.
        places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
        if any(str(folder) in str(place) for place in places):
            del sys.modules[name]
