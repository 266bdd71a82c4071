"""Load the configuration that a name leads to: a file, or a Python object by its module.

No message repeats a value or the text of a foreign exception, because either may
be a secret.
"""

from __future__ import annotations

import difflib
import dis
import errno
import importlib
import inspect
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from wsgi_lambda.config.files import cannot_load, load_document
from wsgi_lambda.config.found_in import KEY, configuration_of, layers, of_middleware
from wsgi_lambda.errors import ConfigError, Problem
from wsgi_lambda.options.parsers import type_in_words

_NAME = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
_OBJECT = rf"(?P<module>{_NAME}):(?P<attribute>{_NAME})(?P<call>\(\))?"

_UNUSED = (
    "is used neither by a LambdaMiddleware around the app nor by LambdaFunctions in it: the app "
    "gets all requests"
)
#: The key of `wsgi_lambda.flask` in the `extensions` of a Flask app.
_EXTENSION = "wsgi_lambda"

_PACKAGE = os.path.join(os.path.dirname(os.path.dirname(__file__)), "")
_STANDARD_LIBRARY = os.path.join(os.path.dirname(os.__file__), "")
_INSTALLED = r"[\\/](?:site|dist)-packages[\\/]"
_DJANGO_SETTINGS = os.path.join("django", "conf", "__init__.py")
# Not every OSError: the numbers of SSLError are those of OpenSSL.
_FILE_ERRORS = (FileNotFoundError, NotADirectoryError, PermissionError)
_RAISE = dis.opmap["RAISE_VARARGS"]


def load_named(name: str, on_unused: Callable[[str], None]) -> Any:
    """Return the configuration that ``name`` leads to; see `sources.load_configuration`."""
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
        place, kind = f"{KEY} " if wrapped else "", type_in_words(found)
        del document, found  # crash reporters show local variables
        raise cannot_load(name, f"{place}must be a mapping, not {kind}")
    return found


def _is_unused(app: Any) -> bool:
    """Return whether ``app`` is a Flask app in whose configuration no part of ours looks."""
    extensions = getattr(app, "extensions", None)
    is_app = isinstance(extensions, Mapping) and _EXTENSION not in extensions
    return is_app and all(of_middleware(layer) is None for layer in layers(app))


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
    """Return the cause of ``error`` and the line of the app, without text that may be a secret.

    ``"raised ValueError (/srv/shop/app.py, line 3)"``.
    """
    frames = traceback.extract_tb(error.__traceback__)
    innermost, where = frames[-1].filename, _place(frames)
    if isinstance(error, KeyError) and innermost in ("<frozen os>", os.__file__):
        return f"the environment variable {error.args[0]} is not set {where}"
    # Exactly this type: a subclass may put something else into `name`.
    if type(error) is AttributeError and re.fullmatch(r"[A-Z][A-Z0-9_]*", str(error.name)):
        is_setting = innermost.endswith(_DJANGO_SETTINGS)
        owner = "settings" if is_setting else type(error.obj).__name__
        return f"{owner} has no {error.name} {where}"
    message = _message(error)
    return f"raised {type(error).__name__}{message and ': '}{message} {where}"


def _message(error: BaseException) -> str:
    """Return the message of ``error`` in one line if it cannot contain a secret, otherwise ""."""
    if _is_ours(error.__traceback__):
        return " ".join(str(error).splitlines())
    if isinstance(error, _FILE_ERRORS) and error.errno and error.errno in errno.errorcode:
        return os.strerror(error.errno)  # `strerror` and `filename` may be any text
    return ""


def _is_ours(trace: TracebackType | None) -> bool:
    """Return whether a ``raise`` of this package raised the exception with this traceback.

    The innermost frame is not enough: functions in C have no frame, and their messages
    quote values, as that of ``int("hunter2")`` does.
    """
    steps = []
    while trace is not None:
        steps.append((trace.tb_frame.f_code, trace.tb_lasti))
        trace = trace.tb_next
    code, instruction = steps[-1]
    return code.co_filename.startswith(_PACKAGE) and code.co_code[instruction] == _RAISE


def _place(frames: traceback.StackSummary) -> str:
    """Return the innermost line of the app's own code, otherwise that of a library."""
    # The first frame is one of this file, so a frame is always left.
    outside = [frame for frame in frames if not _is_standard(frame.filename)]
    own = [
        frame
        for frame in outside
        if not re.search(_INSTALLED, frame.filename) and not frame.filename.startswith(_PACKAGE)
    ]
    innermost = (own or outside)[-1]
    return f"({innermost.filename}, line {innermost.lineno})"


def _is_standard(file: str) -> bool:
    """Return whether ``file`` is a module of Python itself, or generated code (``<string>``)."""
    is_below = file.startswith(_STANDARD_LIBRARY) and not re.search(_INSTALLED, file)
    return is_below or file.startswith("<")


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
