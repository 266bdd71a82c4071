"""Parse the observers of a configuration."""

from __future__ import annotations

import os
from difflib import get_close_matches
from importlib.util import find_spec
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction

from wsgi_lambda.options import parsers

_METHODS = ("began", "replied", "ended")

# Observers of our own: the library that each needs, and its class. Nothing of them is
# imported unless the configuration names them.
_OWN = {
    "otel": ("opentelemetry", "wsgi_lambda.observe.opentelemetry:OpenTelemetry"),
    "prometheus": ("prometheus_client", "wsgi_lambda.observe.prometheus:Prometheus"),
}


#: The variable of prometheus_client's multiprocess mode.
_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"

_EXPECTED = (
    "must be an object with a method began, replied or ended, the import path of one "
    "(package.module:name), otel or prometheus"
)


def observers(value: object) -> tuple[object, ...]:
    """Parse a list of observers: objects, import paths, and the names of our own."""
    if not isinstance(value, (list, tuple)):
        raise parsers.mismatch("a list", value)
    found = []
    for number, given in enumerate(value):
        try:
            found.append(_observer(given))
        except ValueError as error:
            raise ValueError(f"item {number} {error}") from error
    return tuple(found)


def _observer(given: object) -> object:
    if isinstance(given, str):
        given = _imported(given)
    if isinstance(given, type):
        raise ValueError("is a class; give an instance, or the import path of the class")
    if not _has_methods(given):
        raise ValueError(_EXPECTED)
    for name in _METHODS:
        if _only_begins(getattr(given, name, None)):
            raise ValueError(f"has a method {name} that a call only begins (async, or with yield)")
    return given


def _check_directory() -> None:
    """Raise ValueError if prometheus_client could not write its files (multiprocess mode)."""
    directory = os.environ.get(_DIRECTORY)
    if directory is not None and not os.path.isdir(directory):
        raise ValueError(f"needs {_DIRECTORY} to be a directory that exists, not {directory!r}")


def _only_begins(method: object) -> bool:
    """Return whether a call of ``method`` runs nothing of it."""
    return iscoroutinefunction(method) or isgeneratorfunction(method) or isasyncgenfunction(method)


def _has_methods(given: object) -> bool:
    return any(callable(getattr(given, name, None)) for name in _METHODS)


def _imported(name: str) -> object:
    """Return the object that ``name`` stands for; a class or function is called."""
    library, path = _OWN.get(name, ("", name))
    if ":" not in path:
        near = get_close_matches(path.lower(), _OWN, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"{_EXPECTED}{hint}")
    if library and find_spec(library) is None:
        raise ValueError(f"needs {library}: pip install '.[{name}]' in the checkout")
    if name == "prometheus":
        _check_directory()
    found = parsers.imported(path)
    if not callable(found) or (_has_methods(found) and not isinstance(found, type)):
        return found
    try:
        made: object = found()
    except Exception as error:
        raise ValueError(f"cannot be called without arguments: {type(error).__name__}") from error
    return made
