"""Write a configuration as Python, with variables as expressions, or as JSON without them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from wsgi_lambda.kong_import.notes import json_text
from wsgi_lambda.kong_import.variables import Joined, Variable
from wsgi_lambda.printable import printable

_INDENT = "    "


class NamedRoute(dict[str, Any]):
    """The options of a route, with the name of its Kong route for a comment."""

    def __init__(self, options: Mapping[str, Any], *, name: str) -> None:
        super().__init__(options)
        self.name = name


#: Replaces a value that is left out.
OMITTED = object()


def as_python(configuration: Mapping[str, Any]) -> str:
    """Return the text of a module that defines ``configuration`` as WSGI_LAMBDA."""
    body = f"WSGI_LAMBDA = {_python(configuration, '')}\n"
    used = list(_variables(configuration))
    imports = ["import json\n"] * any(variable.key for variable in used)
    return "".join([*imports, "import os\n\n" if used else "", body])


def as_json(configuration: Mapping[str, Any]) -> str:
    """Return ``configuration`` as JSON of printable lines; it must not contain variables."""
    return json_text(configuration) + "\n"


def without_variables(
    value: Any,
    replace: Callable[[str, str, Variable | Joined], Any],
    place: str = "",
    name: str = "",
) -> Any:
    """Return ``value`` with each variable replaced by ``replace(place, name, variable)``.

    ``place`` is the one in a `ConfigError`, ``name`` the option's name. If
    ``replace`` returns `OMITTED`, the option or list item is left out.
    """
    if isinstance(value, Mapping):
        items = {
            key: without_variables(item, replace, _below(place, key), str(key))
            for key, item in value.items()
        }
        return {key: item for key, item in items.items() if item is not OMITTED}
    if isinstance(value, list):
        numbered = [
            without_variables(item, replace, f"{place}[{number}]", name)
            for number, item in enumerate(value)
        ]
        return [item for item in numbered if item is not OMITTED]
    return replace(place, name, value) if isinstance(value, (Variable, Joined)) else value


def _below(place: str, key: object) -> str:
    """Return the place of ``key`` as a `ConfigError` writes it: ``routes['/a'].timeout``."""
    if isinstance(key, str) and key.startswith("/"):
        return f"{place}[{key!r}]"
    return f"{place}.{key}".removeprefix(".")


def _python(value: Any, indent: str) -> str:
    if isinstance(value, (Variable, Joined)):
        return _expression(value)
    deeper = indent + _INDENT
    if isinstance(value, Mapping) and value:
        lines = [f"{deeper}{_python(k, '')}: {_python(v, deeper)},\n" for k, v in value.items()]
        commented = [_comment(item, deeper) for item in value.values()]
        pairs = zip(commented, lines, strict=True)
        return "".join(["{\n", *[comment + line for comment, line in pairs], indent, "}"])
    if isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        items = [f"{_comment(i, deeper)}{deeper}{_python(i, deeper)},\n" for i in value]
        return "".join(["[\n", *items, indent, "]"])
    if isinstance(value, list):
        return f"[{', '.join(_python(item, deeper) for item in value)}]"
    # JSON's quotes and escapes are valid in Python.
    return (
        printable(json.dumps(value, ensure_ascii=False)) if isinstance(value, str) else repr(value)
    )


def _comment(value: Any, indent: str) -> str:
    """Return the line with the name of a route, "" for none."""
    name = value.name if isinstance(value, NamedRoute) else ""
    return f"{indent}# {printable(name)}\n" if name else ""


def _expression(value: Variable | Joined) -> str:
    if isinstance(value, Joined):
        return " + ".join(
            _expression(part) if isinstance(part, Variable) else _python(part, "")
            for part in value.parts
        )
    text = f'os.environ["{value.name}"]'
    if value.key:
        return f"json.loads({text})[{_python(value.key, '')}]"
    conversions = {
        "toInt": f"int({text})",
        "toFloat": f"float({text})",
        "toBool": f'{text} in ("1", "t", "T", "true", "TRUE", "True")',
    }
    return conversions.get(value.convert, text)


def _variables(value: Any) -> Iterator[Variable]:
    """Yield every variable in ``value``."""
    if isinstance(value, Variable):
        yield value
    elif isinstance(value, (Mapping, list, Joined)):
        parts = value.parts if isinstance(value, Joined) else value
        for item in parts.values() if isinstance(parts, Mapping) else parts:
            yield from _variables(item)
