"""Load a handler, with the errors of AWS's Python runtime.

The import system does the work, so a module is loaded once, a failed load leaves
nothing behind, and the reloaders of Flask, Django and gunicorn watch the file.
"""

from __future__ import annotations

import os
import sys
import zlib
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module, invalidate_caches
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from typing import Any

from wsgi_lambda.local_runtime.encoding import Fault

Handler = Callable[[Any, Any], Any]


def load_from_module(module: str, function: str) -> Handler:
    """Return a function of a module, which is imported from `sys.path`.

    ``module`` is written as in Lambda's notation: ``"src/app"`` and ``"src.app"``
    are the same module. The current directory is searched first. Raises `Fault`,
    or whatever the module raises.
    """
    if module.split(".")[0] in sys.builtin_module_names:
        text = f"Cannot use built-in module {module} as a handler module"
        raise Fault("Runtime.BuiltInModuleConflict", text)
    folder = os.getcwd()
    _search_first(folder)
    # The folders of handler files may be in front of it.
    sys.path.insert(0, folder)
    try:
        return _load(module.replace("/", "."), module, function)
    finally:
        with suppress(ValueError):  # the module has changed the path
            sys.path.remove(folder)


def load_from_file(path: str, function: str) -> Handler:
    """Return a function of the Python file ``path``, which must be absolute.

    The module's name is unique, so two files of the same name do not collide. The
    folder of the file is put at the front of `sys.path`, for the modules next to it.
    Raises `Fault`, or whatever the file raises.
    """
    shown = path.removesuffix(".py")
    if not os.path.isfile(path):
        text = f"Unable to import module '{shown}': No such file: '{path}'"
        raise Fault("Runtime.ImportModuleError", text)
    _search_first(os.path.dirname(path))
    return _load(_HANDLER_FILES.name_of(path), shown, function)


def _load(name: str, shown: str, function: str) -> Handler:
    # A file that was created a moment ago is not in the caches of the import system.
    invalidate_caches()
    try:
        module = import_module(name)
    except ImportError as error:
        text = f"Unable to import module '{shown}': {error}"
        raise Fault("Runtime.ImportModuleError", text) from error
    except SyntaxError as error:
        text = f"Syntax error in module '{shown}': {error}"
        place = f'  File "{error.filename}" Line {error.lineno}\n    {error.text}'
        raise Fault("Runtime.UserCodeSyntaxError", text, [place]) from error
    try:
        found: Handler = getattr(module, function)
    except AttributeError as error:
        text = f"Handler '{function}' missing on module '{shown}'"
        raise Fault("Runtime.HandlerNotFound", text) from error
    return found


def _search_first(folder: str) -> None:
    if folder not in sys.path:
        sys.path.insert(0, folder)


class _HandlerFiles(MetaPathFinder):
    """Finds the modules of handler files for the import system."""

    def __init__(self) -> None:
        self._paths: dict[str, str] = {}

    def name_of(self, path: str) -> str:
        """Return the name of the module of a file: ``"app-1c291ca3"``."""
        stem = os.path.basename(path).removesuffix(".py").replace(".", "_")
        name = f"{stem}-{zlib.crc32(os.fsencode(path)):08x}"
        self._paths[name] = path
        if self not in sys.meta_path:
            sys.meta_path.append(self)
        return name

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        """Return the file of a module that has one."""
        path = self._paths.get(name)
        return spec_from_file_location(name, path) if path else None


_HANDLER_FILES = _HandlerFiles()
