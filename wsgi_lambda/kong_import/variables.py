"""Find references to the environment in Kong's file: templates and Kong's vaults.

A reference becomes an expression. It is never looked up, so no secret gets
from the environment into a file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

# decK and envsubst fill in their templates before the YAML is parsed, so a
# template may be invalid YAML. Before parsing, each one is replaced by its name
# in brackets that no file contains.
_TEMPLATE = re.compile(
    r"""\$\{\{\s*env\s+\\?["'`]?(\w+)\\?["'`]?\s*(?:\|\s*(toInt|toBool|toFloat)\s*)?\}\}"""
)
_MARK = re.compile(r"⟪(\w+)(?:\|(\w+))?⟫")
_VAULT = re.compile(r"\{vault://([^/{}]+)/([^{}]+)\}")
_IN_BRACES = re.compile(r"\$\{([A-Za-z_]\w*)\}")
# $NAME, but not :$LATEST, which is a version of a function.
_WHOLE = re.compile(r"\$(?!LATEST$)([A-Za-z_]\w*)")
_IN_STRING = re.compile(r"\$(?!LATEST\b)([A-Z_][A-Z0-9_]*)\b")

#: Placeholders of other template tools, by the form that a message shows.
_FOREIGN = {
    "{{ … }}": re.compile(r"\$?\{\{.*?\}\}"),
    "%env(…)%": re.compile(r"%env\([^()]*\)%"),
    "${…}": re.compile(r"\$\{[^{}]*\}"),
    "$(…)": re.compile(r"\$\([\w.]+\)"),
    "#{…}": re.compile(r"#\{[^{}]*\}"),
}
_FOREIGN_MARK = re.compile(r"⟪!(\d)⟫")
_IN_ANGLES = re.compile(r"<[^<>]+>")


@dataclass(frozen=True, slots=True)
class Variable:
    """A reference to an environment variable.

    With a ``key``, the variable contains a JSON object, and the value is the
    one under that key. ``convert`` is `toInt`, `toBool` or `toFloat`, as in
    decK, or "".
    """

    name: str
    key: str = ""
    convert: str = ""

    def __str__(self) -> str:
        return f"the environment variable {self.name}"


@dataclass(frozen=True, slots=True)
class Joined:
    """A string made of strings and variables: ``Joined(("a-", Variable("DECK_X")))``."""

    parts: tuple[str | Variable, ...]

    def __str__(self) -> str:
        return " and ".join(str(part) for part in self.parts if isinstance(part, Variable))


class UnknownVault(ValueError):
    """A vault reference that is not to a variable of the environment."""


def mark_templates(text: str) -> str:
    """Replace each template in the text of a file by a mark, so that YAML and JSON parse.

    Templates are ``${{ env "DECK_…" }}``, ``${NAME}``, and those of other tools,
    such as ``{{ .X }}``.
    """
    text = _TEMPLATE.sub(
        lambda match: f"⟪{match[1]}{'|' + match[2] if match[2] else ''}⟫",
        text,
    )
    text = _IN_BRACES.sub(r"⟪\1⟫", text)
    for number, pattern in enumerate(_FOREIGN.values()):
        text = pattern.sub(f"⟪!{number}⟫", text)
    return text


def has_variable(value: object) -> bool:
    """Return whether ``value``, as written in the file, refers to a variable or a vault."""
    return isinstance(value, str) and bool(_MARK.search(_marked(value)) or _VAULT.search(value))


def foreign_template(value: object) -> str:
    """Return the form of a placeholder in ``value`` that is not known here, or "".

    ``"{{ … }}"``. The value is not repeated: it may be a secret.
    """
    if isinstance(value, (Mapping, list)):
        items = value.values() if isinstance(value, Mapping) else value
        return next(filter(None, map(foreign_template, items)), "")
    if not isinstance(value, str):
        return ""
    mark = _FOREIGN_MARK.search(value)
    if mark is not None:
        return [*_FOREIGN][int(mark[1])]
    value = _marked(value)
    found = (form for form, pattern in _FOREIGN.items() if pattern.search(value))
    return next(found, "<…>" if _IN_ANGLES.fullmatch(value) else "")


class Foreign(NamedTuple):
    """The form of a placeholder, and its line: ``("{{ … }}", 5)``."""

    form: str
    line: int


def first_foreign(text: str) -> Foreign | None:
    """Return the first placeholder of another template tool in the text of a file."""
    text = _IN_BRACES.sub("", _TEMPLATE.sub("", text))
    found = [
        Foreign(form, text.count("\n", 0, match.start()) + 1)
        for form, pattern in _FOREIGN.items()
        for match in [pattern.search(text)]
        if match is not None
    ]
    return min(found, key=lambda foreign: foreign.line, default=None)


def _marked(value: str) -> str:
    """Return ``value`` with ``${NAME}`` and ``$NAME`` as marks."""
    value = _IN_BRACES.sub(r"⟪\1⟫", value)
    whole = _WHOLE.fullmatch(value)
    return f"⟪{whole[1]}⟫" if whole else _IN_STRING.sub(r"⟪\1⟫", value)


def read_value(value: Any, vaults: Mapping[str, str] | None = None) -> Any:
    """Return ``value`` with each reference in it as a `Variable` or `Joined`.

    ``vaults`` maps the prefix of each vault of the environment to the prefix of
    its variables' names. Raises `UnknownVault` for any other vault. Without
    ``vaults`` vault references stay strings: Kong resolves them in plugins only.
    """
    if isinstance(value, Mapping):
        return {name: read_value(item, vaults) for name, item in value.items()}
    if isinstance(value, list):
        return [read_value(item, vaults) for item in value]
    if not isinstance(value, str):
        # Kong writes some whole numbers as 60000.0.
        return int(value) if isinstance(value, float) and value.is_integer() else value
    if vaults is not None and _VAULT.search(value):
        return _from_vault(value, vaults)
    parts = tuple(_parts(_marked(value)))
    if not any(isinstance(part, Variable) for part in parts):
        return value
    return parts[0] if len(parts) == 1 else Joined(parts)


def _parts(value: str) -> list[str | Variable]:
    parts: list[str | Variable] = []
    end = 0
    for mark in _MARK.finditer(value):
        if mark.start() > end:
            parts.append(value[end : mark.start()])
        parts.append(Variable(mark[1], convert=mark[2] or ""))
        end = mark.end()
    return parts + [value[end:]] * (end < len(value))


def _from_vault(value: str, vaults: Mapping[str, str]) -> Variable:
    """Return the variable of ``{vault://env/my-secret/key}``: ``key`` of the JSON in MY_SECRET.

    https://developer.konghq.com/gateway/entities/vault/
    """
    reference = _VAULT.fullmatch(value)
    if reference is None or reference[1] not in vaults or set("?#⟪") & set(reference[2]):
        raise UnknownVault
    secret, _, key = reference[2].partition("/")
    name = (vaults[reference[1]] + secret).upper().replace("-", "_")
    if not re.fullmatch(r"\w+", name) or "/" in key:
        raise UnknownVault
    return Variable(name, key=key)
