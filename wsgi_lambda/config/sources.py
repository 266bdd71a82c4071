"""Load a configuration without validating it; see `config.read_routes`.

It is a mapping, a file, or a Python object that is or contains one: a mapping,
a Flask app, a `LambdaMiddleware`, or an app inside other WSGI middleware. No
message repeats a value or the text of a foreign exception, because either may
be a secret.
"""

from __future__ import annotations

import importlib
import inspect
import os
import re
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from wsgi_lambda.config.files import cannot_load, load_document
from wsgi_lambda.errors import ConfigError, Problem

#: The key of the configuration in a file, or in the `config` of a Flask app.
KEY = "WSGI_LAMBDA"

_NAME = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
_OBJECT = rf"(?P<module>{_NAME}):(?P<attribute>{_NAME})(?P<call>\(\))?"

#: The attributes in which Flask, Werkzeug's and WhiteNoise's middleware keep the app they wrap.
_WRAPPED = ("wsgi_app", "app", "application")
_MOST_LAYERS = 20


def load_configuration(source: Any) -> Any:
    """Return the configuration that ``source`` is, contains or names.

    A string or `os.PathLike` names it: the path of a .json, .toml, .yaml or .yml
    file, ``"module:attribute"``, or ``"module:factory()"``, which is called
    without arguments. Module and attribute may contain dots. A file may contain
    the configuration itself or under the key ``WSGI_LAMBDA``.

    An object without a configuration is returned unchanged, for `read_routes` to
    reject. Raises `ConfigError` with one line if a name leads to none.
    """
    if not isinstance(source, (str, os.PathLike)):
        found = configuration_of(source)
        return source if found is None else found
    name = os.fsdecode(source)
    parts = re.fullmatch(_OBJECT, name)
    if parts is None:
        document = load_document(name)
        return document.get(KEY, document) if isinstance(document, Mapping) else document
    with _one_line_errors(name):
        named = _import_object(name, parts)
        found = configuration_of(named)
    if found is None:
        raise _not_found(name, named)
    return found


def configuration_of(found: Any) -> Any:
    """Return the configuration that ``found`` is or contains, or None.

    That of the outermost `LambdaMiddleware` counts, which its attribute `configuration`
    shows; without one, that of the app, whose server may use another one.
    """
    if isinstance(found, Mapping):
        return found.get(KEY, found)
    of_app = None
    for _ in range(_MOST_LAYERS):
        configuration = getattr(found, "configuration", None)
        if isinstance(configuration, Mapping):
            return configuration
        config = getattr(found, "config", None)
        if of_app is None and isinstance(config, Mapping):
            of_app = config.get(KEY)
        found = next((getattr(found, name) for name in _WRAPPED if hasattr(found, name)), None)
    return of_app


def search_current_directory(source: str) -> None:
    """Let the modules that ``source`` names be imported from the current directory.

    For the command line only: a console script does not have it on its path. A file
    elsewhere names nothing in it, and it may contain modules named like libraries.
    """
    here = os.getcwd()
    if re.fullmatch(_OBJECT, source) is None:
        file = os.path.realpath(source)
        if not file.startswith(os.path.join(os.path.realpath(here), "")):
            return
    if here not in sys.path:
        sys.path.insert(0, here)


def _import_object(name: str, parts: re.Match[str]) -> Any:
    found: Any = importlib.import_module(parts["module"])
    for attribute in parts["attribute"].split("."):
        if not hasattr(found, attribute):
            raise cannot_load(name, f"no attribute {attribute!r}")
        found = getattr(found, attribute)
    return _call(name, found) if parts["call"] else found


def _call(name: str, factory: Any) -> Any:
    if not callable(factory):
        raise cannot_load(name, "is not callable")
    try:
        inspect.signature(factory).bind()
    except TypeError as error:
        raise cannot_load(name, "requires arguments, but is called without any") from error
    return factory()


@contextmanager
def _one_line_errors(name: str) -> Iterator[None]:
    """Turn every exception of foreign code into a `ConfigError` with one line."""
    try:
        yield
    except ConfigError:
        raise
    except ImportError as error:
        raise cannot_load(name, f"cannot be imported: {error.msg}") from error
    except SyntaxError as error:
        raise cannot_load(name, f"{error.msg} ({error.filename}, line {error.lineno})") from error
    except Exception as error:
        raise cannot_load(name, _raised(error)) from error


def _raised(error: Exception) -> str:
    """Return the type and the line of ``error``, without its message: it may quote a secret."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename not in ("<frozen os>", os.__file__)]
    where = f"({own[-1].filename}, line {own[-1].lineno})"
    if isinstance(error, KeyError) and len(own) < len(frames):
        return f"the environment variable {error.args[0]} is not set {where}"
    return f"raised {type(error).__name__} {where}"


def _not_found(name: str, named: object) -> ConfigError:
    text = (
        f"no {KEY} configuration found in {name}: looked for a mapping, app.config['{KEY}'] and a "
        "LambdaMiddleware"
    )
    hint = ""
    if inspect.isfunction(named):
        hint = f"; to call the function, write {name}()"
    elif type(named).__module__.startswith("django."):
        hint = "; for functions in a Django project: manage.py lambda_check"
    return ConfigError([Problem("", text + hint, "cannot_load")])
