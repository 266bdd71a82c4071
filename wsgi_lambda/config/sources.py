"""Load a configuration without validating it; see `config.read_routes`.

It is a mapping, a file, or a Python object that is or contains one: a mapping,
a Flask app, a `LambdaMiddleware`, or an app inside other WSGI middleware. No
message repeats a value or the text of a foreign exception, because either may
be a secret.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from wsgi_lambda.config.found_in import configuration_of


def _ignore(message: str) -> None:
    """Do nothing with a warning."""


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
    # Only a configuration with a name pays for this import.
    from wsgi_lambda.config.named import load_named

    return load_named(os.fsdecode(source), on_unused)
