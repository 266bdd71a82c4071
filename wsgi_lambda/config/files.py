"""Load a JSON, TOML or YAML file.

No message repeats the content of a file, because it may be a secret.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from wsgi_lambda.config.json_like import not_json_like
from wsgi_lambda.errors import ConfigError, Problem

# Gets the text and the path of a file, returns its documents.
_Parse = Callable[[str, str], list[Any]]


def load_document(path: str, prepare: Callable[[str], str] = str) -> Any:
    """Return the content of the JSON, TOML or YAML file ``path``.

    ``prepare`` may change its text before it is parsed. Raises `ConfigError`
    with one line that names the file and the cause.
    """
    documents = load_documents(path, prepare)
    if len(documents) > 1:
        del documents  # crash reporters show local variables
        raise cannot_load(path, "contains several YAML documents")
    return documents[0] if documents else None


def load_documents(path: str, prepare: Callable[[str], str] = str) -> list[Any]:
    """Return the documents of a file: a YAML file may contain several."""
    parse = _PARSERS.get(Path(path).suffix.lower())
    if parse is None:
        expected = "module:attribute, module:factory() or a .json, .toml, .yaml or .yml file"
        hint = f"; for a Python file, write {Path(path).stem}:WSGI_LAMBDA"
        raise cannot_load(path, f"must be {expected}{hint if path.endswith('.py') else ''}")
    documents = _parsed(path, parse, prepare)
    if isinstance(documents, ConfigError):
        raise documents
    return documents


def _parsed(path: str, parse: _Parse, prepare: Callable[[str], str]) -> list[Any] | ConfigError:
    """Return the documents of a file, or the error.

    The frames of the parsers, and the messages of their exceptions, contain the
    text of the file. So the error has neither a traceback nor a cause.
    """
    try:
        text = _read(path)
        documents = parse(prepare(text), path)
        wrong = not_json_like(documents, len(text))
    except RecursionError:
        wrong = "nested too deeply"
    except ConfigError as error:
        error.__cause__ = error.__context__ = None
        return error.with_traceback(None)
    return cannot_load(path, wrong) if wrong else documents


def cannot_load(source: str, cause: str) -> ConfigError:
    return ConfigError([Problem(source, cause, "cannot_load")])


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8-sig")  # Windows editors write a BOM
    except OSError as error:
        raise cannot_load(path, error.strerror or type(error).__name__) from error
    except UnicodeDecodeError as error:
        raise cannot_load(path, f"invalid UTF-8 at byte {error.start}") from error
    except ValueError as error:  # NUL or a lone surrogate
        raise cannot_load(repr(path), "invalid file name") from error


def _parse_json(text: str, path: str) -> list[Any]:
    try:
        return [json.loads(text, object_pairs_hook=partial(_without_duplicates, path))]
    except json.JSONDecodeError as error:
        raise cannot_load(path, f"invalid JSON: {error.msg} (line {error.lineno})") from error
    except ConfigError:
        raise
    except ValueError as error:  # an integer of more than 4300 digits
        raise cannot_load(path, "invalid JSON") from error


def _without_duplicates(path: str, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object, or reject a duplicate name: one of its values would be lost."""
    found = dict(pairs)
    if len(found) < len(pairs):
        duplicate = _duplicate(name for name, _ in pairs)
        raise cannot_load(path, f"duplicate name {duplicate!r} in one object")
    return found


def _duplicate(names: Iterable[Any]) -> Any:
    """Return the first name that occurs a second time, or None."""
    seen = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def _parse_toml(text: str, path: str) -> list[Any]:
    import tomllib  # few apps need it

    try:
        return [tomllib.loads(text)]
    except ValueError as error:
        # The text before the place may quote the file.
        place = re.search(r"\(at [^()]*\)$", str(error))
        raise cannot_load(path, f"invalid TOML {place[0] if place else ''}".rstrip()) from error


def _parse_yaml(text: str, path: str) -> list[Any]:
    try:
        import yaml
    except ImportError as error:
        cause = "YAML requires PyYAML: pip install '.[yaml]' in the checkout"
        raise cannot_load(path, cause) from error

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        # A date is a string, as in Kong.
        yaml_implicit_resolvers: ClassVar = {
            first: [each for each in resolvers if not each[0].endswith(":timestamp")]
            for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

        def compose_mapping_node(self, anchor: Any) -> Any:
            # Not when it is constructed: a merge (<<) may have changed the mapping by then.
            node = super().compose_mapping_node(anchor)
            keys = [key for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
            name = _duplicate((key.tag, key.value) for key in keys if key.value != "<<")
            if name is not None:
                where = f"the mapping at line {node.start_mark.line + 1}"
                raise cannot_load(path, f"duplicate name {name[1]!r} in {where}")
            return node

    try:
        return list(yaml.load_all(text, Loader))
    except ConfigError:
        raise
    except yaml.MarkedYAMLError as error:
        line = f" (line {error.problem_mark.line + 1})" if error.problem_mark else ""
        raise cannot_load(path, f"invalid YAML{line}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise cannot_load(path, "invalid YAML") from error


_PARSERS: dict[str, _Parse] = {
    ".json": _parse_json,
    ".toml": _parse_toml,
    ".yaml": _parse_yaml,
    ".yml": _parse_yaml,
}
