"""Where a configuration comes from: a mapping, ``module:attribute``, or a JSON, TOML or YAML file.

Reads, and does not judge: what a configuration must be is said in
`configuration`. No message repeats what a file holds, as that may be a secret.
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

#: The key under which a file, or an app's configuration, may hold the setting.
KEY = "WSGI_LAMBDA"

_ATTRIBUTE = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*:[^\W\d]\w*(?:\.[^\W\d]\w*)*")


def load_setting(source: Any) -> Any:
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
    """Return what the JSON, TOML or YAML file ``path`` holds; ``prepare`` sees its text first.

    Raises `ConfigError`.
    """
    parse = _PARSERS.get(Path(path).suffix.lower())
    if parse is None:
        raise _fault(path, "neither module:attribute nor a .json, .toml, .yaml or .yml file")
    try:
        return parse(prepare(Path(path).read_text(encoding="utf-8")), path)
    except OSError as error:
        raise _fault(path, error.strerror or type(error).__name__) from error
    except UnicodeDecodeError as error:
        raise _fault(path, f"no UTF-8 at byte {error.start}") from error
    except RecursionError as error:
        raise _fault(path, "nested too deeply") from error


def load_attribute(name: str) -> Any:
    """Return the object that ``module:attribute`` names; raises `ConfigError`."""
    module, _, attributes = name.partition(":")
    found = _import(module, name)
    for attribute in attributes.split("."):
        if not hasattr(found, attribute):
            raise _fault(name, f"there is no attribute {attribute!r}")
        found = getattr(found, attribute)
    return found


def _search_current_directory() -> None:
    # `python -m` has it there; the console script has not. A file, too, may
    # name modules: `authorize` is one.
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())


def _import(module: str, name: str) -> Any:
    try:
        return importlib.import_module(module)
    except ConfigError:
        raise
    except ImportError as error:
        raise _fault(name, f"cannot be imported: {error.msg}") from error
    except SyntaxError as error:
        raise _fault(name, f"{error.msg} ({error.filename}, line {error.lineno})") from error
    except Exception as error:
        raise _fault(name, _raised(error)) from error


def _raised(error: Exception) -> str:
    """Say what was raised and where, without what it says: that may quote a secret."""
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
        raise _fault(path, f"no JSON: {error.msg} (line {error.lineno})") from error


def _without_duplicates(path: str, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; of a name that stands in it twice, one value would be lost."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _fault(path, f"{twice!r} stands twice in one object")
    return found


def _parse_toml(text: str, path: str) -> Any:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # What stands before the place may quote the file.
        place = re.search(r"\(at [^()]*\)$", str(error))
        raise _fault(path, f"no TOML {place[0] if place else ''}".rstrip()) from error


def _parse_yaml(text: str, path: str) -> Any:
    try:
        import yaml
    except ImportError as error:
        raise _fault(path, "YAML needs PyYAML: pip install 'wsgi-lambda[yaml]'") from error

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            names = [key.value for key, _ in node.value if key.tag.endswith(":str")]
            if len(set(names)) < len(names):
                line = node.start_mark.line + 1
                raise _fault(path, f"a name stands twice in the mapping at line {line}")
            return super().construct_mapping(node, deep)

    try:
        return yaml.load(text, Loader)  # noqa: S506 - a SafeLoader
    except ConfigError:
        raise
    except yaml.MarkedYAMLError as error:
        line = f" (line {error.problem_mark.line + 1})" if error.problem_mark else ""
        raise _fault(path, f"no YAML{line}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise _fault(path, "no YAML") from error


_PARSERS: dict[str, Callable[[str, str], Any]] = {
    ".json": _parse_json,
    ".toml": _parse_toml,
    ".yaml": _parse_yaml,
    ".yml": _parse_yaml,
}


def _fault(source: str, cause: str) -> ConfigError:
    return ConfigError([Problem(source, cause, "cannot_load")])
