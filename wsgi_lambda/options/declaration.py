"""Declare the options of a step: name, default, parser, type and meaning, in one place.

`docs/options.md` is written from these declarations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, NoReturn, Self, dataclass_transform

from wsgi_lambda.options import addresses, aws_names, parsers

#: Parsers of options that may be secret; their values are left out of every repr.
SECRET_PARSERS = (
    parsers.secret,
    aws_names.external_id,
    addresses.proxy_url,
    aws_names.client_context,
)


class Option(NamedTuple):
    """The declaration of an option; see `option` for its parts."""

    parse: Callable[[object], Any]
    default: Any
    type_name: str
    doc: str
    default_doc: str


@dataclass_transform(kw_only_default=True, frozen_default=True)
class _GroupType(type):
    """Turns the declarations of a class into its `options`, and each into a slot."""

    options: Mapping[str, Option]

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> _GroupType:
        options = {key: value for key, value in namespace.items() if isinstance(value, Option)}
        rest = {key: value for key, value in namespace.items() if key not in options}
        group = super().__new__(cls, name, bases, {**rest, "__slots__": tuple(options)})
        group.options = options
        return group


class OptionGroup(metaclass=_GroupType):
    """The parsed values of one step's options; those that are left out have their defaults.

    A group is a frozen dataclass in miniature: groups with equal values are equal. Real
    ones would take a quarter of the package's import time. The repr leaves out
    values that may be secret.
    """

    def __init__(self, **values: Any) -> None:
        unknown = values.keys() - type(self).options.keys()
        if unknown:
            raise TypeError(f"{type(self).__name__} has no options {sorted(unknown)}")
        for name, declared in type(self).options.items():
            object.__setattr__(self, name, values.get(name, declared.default))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def values(self) -> dict[str, Any]:
        """Return all values by their names: ``{"exact": False, "methods": frozenset(), …}``."""
        return {name: getattr(self, name) for name in type(self).options}

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some other values."""
        return type(self)(**{**self.values(), **changes})

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.values() == other.values()

    def __hash__(self) -> int:
        return hash(tuple(self.values().values()))

    def __repr__(self) -> str:
        shown = (
            f"{name}={getattr(self, name)!r}"
            for name, declared in type(self).options.items()
            if declared.parse not in SECRET_PARSERS
        )
        return f"{type(self).__name__}({', '.join(shown)})"


def option(
    parse: Callable[[object], Any],
    default: Any = None,
    *,
    type_name: str,
    doc: str,
    default_doc: str = "none",
) -> Any:
    """Declare an option as an attribute of an `OptionGroup`.

    ``default`` is the parsed value (seconds), ``default_doc`` its text in the
    documentation (milliseconds). ``doc`` is Markdown on one line; ¹ means that
    the option requires botocore.
    """
    return Option(parse, default, type_name, doc, default_doc)


def flag(default: bool, *, doc: str) -> Any:
    """Declare a boolean option."""
    return option(
        parsers.boolean, default, type_name="boolean", doc=doc, default_doc=str(default).lower()
    )


def choice(*choices: str, doc: str) -> Any:
    """Declare an option with a fixed set of strings; the first one is the default."""
    quoted = [f"`{each}`" for each in choices]
    return option(
        parsers.one_of(*choices),
        choices[0],
        type_name=", ".join(quoted),
        doc=doc,
        default_doc=quoted[0],
    )
