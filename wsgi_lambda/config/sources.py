"""Load a configuration without validating it; see `config.read_routes`.

It is a mapping, a file, or a Python object that is or contains one: a mapping,
a Flask app, a `LambdaMiddleware`, or an app inside other WSGI middleware. No
message repeats a value or the text of a foreign exception, because either may
be a secret.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from wsgi_lambda.config.files import cannot_load, load_document
from wsgi_lambda.errors import ConfigError, Problem
from wsgi_lambda.options.parsers import type_in_words

#: The key of the configuration in a file, or in the `config` of a Flask app.
KEY = "WSGI_LAMBDA"

_NAME = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
_OBJECT = rf"(?P<module>{_NAME}):(?P<attribute>{_NAME})(?P<call>\(\))?"

#: The attributes in which Flask, Werkzeug's and WhiteNoise's middleware keep the app they wrap.
_WRAPPED = ("wsgi_app", "app", "application")
_MOST_LAYERS = 20


_UNUSED = (
    "is used neither by a LambdaMiddleware around the app nor by LambdaFunctions in it: the app "
    "gets all requests"
)


def _ignore(message: str) -> None:
    """Do nothing with a warning."""


#: The key of `wsgi_lambda.flask` in the `extensions` of a Flask app.
_EXTENSION = "wsgi_lambda"


def load_configuration(source: Any, *, on_unused: Callable[[str], None] = _ignore) -> Any:
    """Return the configuration that ``source`` is, contains or names.

    A string or `os.PathLike` names it: the path of a .json, .toml, .yaml or .yml
    file, ``"module:attribute"``, or ``"module:factory()"``, which is called
    without arguments. Module and attribute may contain dots. A file may contain
    the configuration itself or under the key ``WSGI_LAMBDA``.

    ``on_unused`` gets a warning if a Flask app has a configuration that nothing uses.
    An object without a configuration is returned unchanged, for `read_routes` to
    reject; a file must contain a mapping. Raises `ConfigError` with one line if a name
    leads to none.
    """
    if not isinstance(source, (str, os.PathLike)):
        found = configuration_of(source)
        return source if found is None else found
    name = os.fsdecode(source)
    parts = re.fullmatch(_OBJECT, name)
    if parts is None:
        return _of_document(name, load_document(name))
    with _one_line_errors(name):
        named = _import_object(name, parts)
        found = configuration_of(named)
    if found is None:
        raise _not_found(name, named)
    if _is_unused(named):
        on_unused(f"{name}: app.config['{KEY}'] {_UNUSED}")
    return found


def _of_document(name: str, document: object) -> Any:
    """Return the configuration in the document of a file."""
    if document is None:
        raise cannot_load(name, "is empty")
    wrapped = isinstance(document, Mapping) and KEY in document
    found = document[KEY] if wrapped else document  # type: ignore[index]
    if not isinstance(found, Mapping):
        # A string, too: it would be taken for the name of another file or module.
        place = f"{KEY} " if wrapped else ""
        raise cannot_load(name, f"{place}must be a mapping, not {type_in_words(found)}")
    return found


def configuration_of(found: Any) -> Any:
    """Return the configuration that ``found`` is or contains, or None.

    That of the outermost `LambdaMiddleware` counts, which its attribute `configuration`
    shows; without one, that of the app, whose server may use another one.
    """
    if isinstance(found, Mapping):
        return found.get(KEY, found)
    of_app = None
    for layer in _layers(found):
        configuration = _of_middleware(layer)
        if configuration is not None:
            return configuration
        config = getattr(layer, "config", None)
        if of_app is None and isinstance(config, Mapping):
            of_app = config.get(KEY)
    return of_app


def _layers(found: Any) -> Iterator[Any]:
    """Yield an app and the apps that it wraps."""
    for _ in range(_MOST_LAYERS):
        yield found
        found = next((getattr(found, name) for name in _WRAPPED if hasattr(found, name)), None)


def _of_middleware(layer: Any) -> Mapping[str, Any] | None:
    configuration = getattr(layer, "configuration", None)
    return configuration if isinstance(configuration, Mapping) else None


def _is_unused(app: Any) -> bool:
    """Return whether ``app`` is a Flask app in whose configuration no part of ours looks."""
    extensions = getattr(app, "extensions", None)
    is_app = isinstance(extensions, Mapping) and _EXTENSION not in extensions
    return is_app and all(_of_middleware(layer) is None for layer in _layers(app))


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
            raise cannot_load(name, f"no attribute {attribute!r}{_near(attribute, found)}")
        found = getattr(found, attribute)
    return _call(name, found) if parts["call"] else found


def _near(name: str, found: object) -> str:
    near = difflib.get_close_matches(name, dir(found), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


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
    except (
        Exception,
        SystemExit,
    ) as error:  # sys.exit(0) would pass for a check that found nothing
        raise cannot_load(name, _raised(error)) from error


def _raised(error: BaseException) -> str:
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
        hint = (
            f"; settings.{KEY} needs a LambdaMiddleware around the application, or functions in "
            "the project: manage.py lambda_check"
        )
    return ConfigError([Problem("", text + hint, "cannot_load")])
