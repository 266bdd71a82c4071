"""Parse the `headers` condition of a route."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from wsgi_lambda.header_syntax import is_token, is_value
from wsgi_lambda.options.parsers import mismatch, strings

#: Before a regular expression in Kong's `headers`.
#: https://developer.konghq.com/gateway/entities/route/
_REGEX = "~*"


class HeaderCondition(NamedTuple):
    """One header that a request must have, with one of ``values`` (in lower case)."""

    name: str
    values: frozenset[str]

    @property
    def key(self) -> str:
        """The key of the header in a WSGI environ: ``"HTTP_X_TIER"``."""
        key = self.name.upper().replace("-", "_")
        return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


def conditions(value: object) -> tuple[HeaderCondition, ...]:
    """Parse a mapping of names to lists: ``{"X-Tier": ["gold", "silver"]}``."""
    if not isinstance(value, Mapping):
        raise mismatch("a mapping of header names to lists of values", value)
    if not value:
        raise ValueError("must name at least one header")
    found: dict[str, HeaderCondition] = {}
    for name, values in value.items():
        condition = HeaderCondition(_name(name), _values(values))
        if condition.name in found:
            raise ValueError("must not contain a header name twice (names are case-insensitive)")
        found[condition.name] = condition
    return tuple(found.values())


def _name(name: object) -> str:
    if not isinstance(name, str) or not is_token(name):
        raise ValueError("must contain only valid header names")
    if name.lower() == "host":
        raise ValueError("must not contain Host; use the option hosts")
    return name.lower()


def _values(values: object) -> frozenset[str]:
    if not isinstance(values, (list, tuple, set, frozenset)):
        raise ValueError("must have a list of values for each header name, as in {'X-A': ['1']}")
    found = strings(values)
    if any(item.startswith(_REGEX) for item in found):
        raise ValueError("must not contain regular expressions (~*); list the values")
    if not all(item == item.strip() and is_value(item) for item in found):
        raise ValueError("must contain only values that a header can have")
    return frozenset(item.lower() for item in found)
