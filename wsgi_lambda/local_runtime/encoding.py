"""Decode events and encode results with simplejson, as AWS's Python runtime does from 3.12 on.

The standard `json` module differs: it rejects Decimals and bytes, and a named
tuple becomes an array instead of an object.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import simplejson


class Fault(Exception):
    """An error that AWS's runtime raises itself: ``Fault("Runtime.MarshalError", "Unable …")``."""

    def __init__(self, error_type: str, message: str, stack_trace: Sequence[str] = ()) -> None:
        self.error_type = error_type
        self.message = message
        self.stack_trace = list(stack_trace)
        super().__init__(message)


def decode(payload: bytes) -> Any:
    """Return the event; each call returns new objects. Raises `Fault`."""
    try:
        return simplejson.loads(payload)
    except Exception as error:
        raise Fault("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}") from error


def encode(result: object) -> bytes | str:
    """Return the result of a handler as JSON; ``bytes`` are returned unchanged.

    Raises `Fault` for values without JSON.
    """
    if isinstance(result, bytes):
        return result
    try:
        text: str = _ENCODER.encode(result)
    except Exception as error:
        raise Fault("Runtime.MarshalError", f"Unable to marshal response: {error}") from error
    return text


def to_json(error: dict[str, Any], *, is_compact: bool = False) -> bytes:
    """Return an error of a function as JSON in UTF-8."""
    text: str = (_COMPACT if is_compact else _ENCODER).encode(error)
    return text.encode()


def _other(value: object) -> Any:
    if not isinstance(value, Decimal):
        return _PLAIN.default(value)  # raises the TypeError that AWS's runtime shows
    # simplejson would write -NaN, which no parser accepts.
    return math.nan if value.is_nan() else simplejson.RawJSON(str(value))


def _encoder(separators: tuple[str, str]) -> simplejson.JSONEncoder:
    return simplejson.JSONEncoder(
        use_decimal=False,
        ensure_ascii=False,
        allow_nan=True,
        default=_other,
        separators=separators,
    )


_PLAIN = simplejson.JSONEncoder()
_ENCODER, _COMPACT = _encoder((", ", ": ")), _encoder((",", ":"))
