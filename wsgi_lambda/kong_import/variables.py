"""Values that Kong's file does not hold but names: decK's templates and Kong's vaults.

Such a value stays an expression. It is never looked up, so no secret gets
from the environment into a file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# decK fills its templates in before anything reads the YAML, so they may
# stand where their quotes and braces are no YAML. Until then a name in marks
# that nobody uses stands for them.
_TEMPLATE = re.compile(
    r"""\$\{\{\s*env\s+\\?["'`]?(\w+)\\?["'`]?\s*(?:\|\s*(toInt|toBool|toFloat)\s*)?\}\}"""
)
_MARK = re.compile(r"⟪(\w+)(?:\|(\w+))?⟫")
_VAULT = re.compile(r"\{vault://([^/{}]+)/([^{}]+)\}")


@dataclass(frozen=True, slots=True)
class Variable:
    """The value of an environment variable, ``key`` of the JSON object that it holds, or a number.

    ``convert`` is `toInt`, `toBool` or `toFloat`, as in decK, or "".
    """

    name: str
    key: str = ""
    convert: str = ""

    def __str__(self) -> str:
        return f"environment variable {self.name}"


@dataclass(frozen=True, slots=True)
class Joined:
    """A text that is put together from texts and variables."""

    parts: tuple[str | Variable, ...]

    def __str__(self) -> str:
        return " and ".join(str(part) for part in self.parts if isinstance(part, Variable))


class UnknownVault(ValueError):
    """A reference to a vault that is not the environment."""


def mark_templates(text: str) -> str:
    """Return the text of a file with its ``${{ env "DECK_…" }}`` as marks that any format holds."""
    return _TEMPLATE.sub(
        lambda found: f"⟪{found[1]}{'|' + found[2] if found[2] else ''}⟫",
        text,
    )


def has_variable(value: object) -> bool:
    """Tell whether ``value``, as it stands in the file, names something from outside."""
    return isinstance(value, str) and bool(_MARK.search(value) or _VAULT.search(value))


def read_value(value: Any, vaults: Mapping[str, str] | None = None) -> Any:
    """Return ``value`` with all that is named in it as `Variable` or `Joined`.

    ``vaults`` maps each prefix that stands for the environment to what Kong
    puts before the names. Raises `UnknownVault` for any other vault. Without
    ``vaults`` none is looked for: Kong has them in plugins alone.
    """
    if isinstance(value, Mapping):
        return {name: read_value(item, vaults) for name, item in value.items()}
    if isinstance(value, list):
        return [read_value(item, vaults) for item in value]
    if not isinstance(value, str):
        # Kong's numbers may be written 60000.0.
        return int(value) if isinstance(value, float) and value.is_integer() else value
    if vaults is not None and _VAULT.search(value):
        return _from_vault(value, vaults)
    parts = tuple(_parts(value))
    if not any(isinstance(part, Variable) for part in parts):
        return value
    return parts[0] if len(parts) == 1 else Joined(parts)


def _parts(value: str) -> list[str | Variable]:
    found: list[str | Variable] = []
    end = 0
    for mark in _MARK.finditer(value):
        if mark.start() > end:
            found.append(value[end : mark.start()])
        found.append(Variable(mark[1], convert=mark[2] or ""))
        end = mark.end()
    return found + [value[end:]] * (end < len(value))


def _from_vault(value: str, vaults: Mapping[str, str]) -> Variable:
    """Read ``{vault://env/my-secret/key}``: MY_SECRET holds a JSON object with ``key``.

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
