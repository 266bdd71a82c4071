"""Find references to the environment in Kong's file: decK's templates and Kong's vaults.

A reference becomes an expression. It is never looked up, so no secret gets
from the environment into a file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# decK fills in its templates before it parses the YAML, so a template may be
# invalid YAML. Before parsing, each one is replaced by its name in brackets
# that no file contains.
_TEMPLATE = re.compile(
    r"""\$\{\{\s*env\s+\\?["'`]?(\w+)\\?["'`]?\s*(?:\|\s*(toInt|toBool|toFloat)\s*)?\}\}"""
)
_MARK = re.compile(r"⟪(\w+)(?:\|(\w+))?⟫")
_VAULT = re.compile(r"\{vault://([^/{}]+)/([^{}]+)\}")
_SHELL_PLACEHOLDER = re.compile(r"\$\{\w+\}")


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
    """Replace each ``${{ env "DECK_…" }}`` in the text of a file, so that YAML and JSON parse."""
    return _TEMPLATE.sub(
        lambda match: f"⟪{match[1]}{'|' + match[2] if match[2] else ''}⟫",
        text,
    )


def has_variable(value: object) -> bool:
    """Return whether ``value``, as written in the file, refers to a variable or a vault."""
    return isinstance(value, str) and bool(_MARK.search(value) or _VAULT.search(value))


def has_shell_placeholder(value: object) -> bool:
    """Return whether ``value`` contains ``${NAME}``, which Kong and decK do not replace."""
    if isinstance(value, Mapping):
        return any(map(has_shell_placeholder, value.values()))
    if isinstance(value, list):
        return any(map(has_shell_placeholder, value))
    return isinstance(value, str) and bool(_SHELL_PLACEHOLDER.search(value))


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
    parts = tuple(_parts(value))
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
