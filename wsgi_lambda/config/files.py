"""Load a configuration without validating it; see `config.read_routes`.

It comes from a mapping, from ``module:attribute``, or from a JSON, TOML or YAML
file. No message repeats the content of a file, because it may be a secret.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import sys
import tomllib
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from wsgi_lambda.errors import ConfigError, Problem

#: The key of the configuration in a file, or in the `config` of a Flask app.
KEY = "WSGI_LAMBDA"

_ATTRIBUTE = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*:[^\W\d]\w*(?:\.[^\W\d]\w*)*")


def load_configuration(source: Any) -> Any:
    """Return the configuration that ``source`` is, or names.

    ``source`` is the configuration itself, ``module:attribute`` (both may have
    dots, the current directory is searched first), or the path of a .json,
    .toml, .yaml or .yml file. Of a mapping with the key ``WSGI_LAMBDA``, and of
    an app whose ``config`` has that key, it is the value there. Raises
    `ConfigError` with one line that names the source and the cause.
    """
    if isinstance(source, (str, os.PathLike)):
        _search_current_directory()
        name = os.fspath(source)
        source = load_attribute(name) if _ATTRIBUTE.fullmatch(name) else load_document(name)
    source = _of_app(source)
    return source[KEY] if isinstance(source, Mapping) and KEY in source else source


def load_document(path: str, prepare: Callable[[str], str] = str) -> Any:
    """Return the content of the JSON, TOML or YAML file ``path``.

    ``prepare`` may change its text before it is parsed. Raises `ConfigError`.
    """
    parse = _PARSERS.get(Path(path).suffix.lower())
    if parse is None:
        raise _cannot_load(path, "must be module:attribute or a .json, .toml, .yaml or .yml file")
    try:
        return parse(prepare(Path(path).read_text(encoding="utf-8")), path)
    except OSError as error:
        raise _cannot_load(path, error.strerror or type(error).__name__) from error
    except UnicodeDecodeError as error:
        raise _cannot_load(path, f"invalid UTF-8 at byte {error.start}") from error
    except RecursionError as error:
        raise _cannot_load(path, "nested too deeply") from error


def load_attribute(name: str) -> Any:
    """Return the object that ``module:attribute`` names; raises `ConfigError`."""
    module, _, attributes = name.partition(":")
    found = _import(module, name)
    for attribute in attributes.split("."):
        if not hasattr(found, attribute):
            raise _cannot_load(name, f"no attribute {attribute!r}")
        found = getattr(found, attribute)
    return found


def _search_current_directory() -> None:
    # `python -m` does this, a console script does not. A file may name modules,
    # too (`authorize`).
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())


def _import(module: str, name: str) -> Any:
    try:
        return importlib.import_module(module)
    except ConfigError:
        raise
    except ImportError as error:
        raise _cannot_load(name, f"cannot be imported: {error.msg}") from error
    except SyntaxError as error:
        raise _cannot_load(name, f"{error.msg} ({error.filename}, line {error.lineno})") from error
    except Exception as error:
        raise _cannot_load(name, _raised(error)) from error


def _raised(error: Exception) -> str:
    """Return the type and the line of ``error``, without its message: it may quote a secret."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename not in ("<frozen os>", os.__file__)]
    where = f"({own[-1].filename}, line {own[-1].lineno})"
    if isinstance(error, KeyError) and len(own) < len(frames):
        return f"the environment variable {error.args[0]} is not set {where}"
    return f"raised {type(error).__name__} {where}"


def _of_app(found: Any) -> Any:
    config = None if isinstance(found, Mapping) else getattr(found, "config", None)
    return config if isinstance(config, Mapping) and KEY in config else found


def _parse_json(text: str, path: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=partial(_without_duplicates, path))
    except json.JSONDecodeError as error:
        raise _cannot_load(path, f"invalid JSON: {error.msg} (line {error.lineno})") from error


def _without_duplicates(path: str, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object, or reject a duplicate name: one of its values would be lost."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        duplicate = next(name for name in names if names.count(name) > 1)
        raise _cannot_load(path, f"duplicate name {duplicate!r} in one object")
    return found


def _parse_toml(text: str, path: str) -> Any:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # The text before the place may quote the file.
        place = re.search(r"\(at [^()]*\)$", str(error))
        raise _cannot_load(path, f"invalid TOML {place[0] if place else ''}".rstrip()) from error


def _parse_yaml(text: str, path: str) -> Any:
    try:
        import yaml
    except ImportError as error:
        cause = "YAML requires PyYAML: pip install '.[yaml]' in the checkout"
        raise _cannot_load(path, cause) from error

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            names = [key.value for key, _ in node.value if key.tag.endswith(":str")]
            if len(set(names)) < len(names):
                line = node.start_mark.line + 1
                raise _cannot_load(path, f"duplicate name in the mapping at line {line}")
            return super().construct_mapping(node, deep)

    try:
        return yaml.load(text, Loader)  # noqa: S506 - a SafeLoader
    except ConfigError:
        raise
    except yaml.MarkedYAMLError as error:
        line = f" (line {error.problem_mark.line + 1})" if error.problem_mark else ""
        raise _cannot_load(path, f"invalid YAML{line}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise _cannot_load(path, "invalid YAML") from error


_PARSERS: dict[str, Callable[[str, str], Any]] = {
    ".json": _parse_json,
    ".toml": _parse_toml,
    ".yaml": _parse_yaml,
    ".yml": _parse_yaml,
}


def _cannot_load(source: str, cause: str) -> ConfigError:
    return ConfigError([Problem(source, cause, "cannot_load")])
