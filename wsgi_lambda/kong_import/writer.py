"""A setting as text: Python with the variables as expressions, or JSON without them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from wsgi_lambda.kong_import.variables import Joined, Variable

_INDENT = "    "

#: In the place of a value: there is none.
OMITTED = object()


def as_python(setting: Mapping[str, Any]) -> str:
    """Return a module that holds ``setting`` as WSGI_LAMBDA."""
    body = f"WSGI_LAMBDA = {_python(setting, '')}\n"
    used = list(_variables(setting))
    imports = ["import json\n"] * any(variable.key for variable in used)
    return "".join([*imports, "import os\n\n" if used else "", body])


def as_json(setting: Mapping[str, Any]) -> str:
    """Return ``setting``, which must not hold variables, as JSON."""
    return json.dumps(setting, indent=2, ensure_ascii=False) + "\n"


def without_variables(
    value: Any,
    instead: Callable[[str, str, Variable | Joined], Any],
    place: str = "",
    name: str = "",
) -> Any:
    """Return ``value`` with ``instead(place, name, variable)`` in the place of each variable.

    ``name`` is the option's. `OMITTED` leaves the option, or the item of a list, out.
    """
    if isinstance(value, Mapping):
        items = {
            key: without_variables(item, instead, _below(place, key), str(key))
            for key, item in value.items()
        }
        return {key: item for key, item in items.items() if item is not OMITTED}
    if isinstance(value, list):
        numbered = [
            without_variables(item, instead, f"{place}[{number}]", name)
            for number, item in enumerate(value)
        ]
        return [item for item in numbered if item is not OMITTED]
    return instead(place, name, value) if isinstance(value, (Variable, Joined)) else value


def _below(place: str, key: object) -> str:
    """Name what is under ``key`` as a `ConfigError` does."""
    if isinstance(key, str) and key.startswith("/"):
        return f"{place}[{key!r}]"
    return f"{place}.{key}".removeprefix(".")


def _python(value: Any, indent: str) -> str:
    if isinstance(value, (Variable, Joined)):
        return _expression(value)
    deeper = indent + _INDENT
    if isinstance(value, Mapping) and value:
        lines = [f"{deeper}{_python(k, '')}: {_python(v, deeper)},\n" for k, v in value.items()]
        return "".join(["{\n", *lines, indent, "}"])
    if isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        return "".join(["[\n", *[f"{deeper}{_python(i, deeper)},\n" for i in value], indent, "]"])
    if isinstance(value, list):
        return f"[{', '.join(_python(item, deeper) for item in value)}]"
    # JSON's quotes and escapes are Python's, too.
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


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
