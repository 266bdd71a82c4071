"""Parse JSON strictly: NaN and Infinity, which Python's parser accepts, are rejected.

They are not JSON (RFC 8259, 6), and no other parser has to accept what Python
would write for them.
"""

from __future__ import annotations

import json
from typing import Any


def loads(data: bytes) -> Any:
    """Return the value of ``data``: JSON in UTF-8, UTF-16 or UTF-32, with or without a BOM.

    Raises ValueError for anything else, and RecursionError for nesting beyond
    the parser's limit.
    """
    return _DECODER.decode(data.decode(json.detect_encoding(data), "surrogatepass"))


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


# json.loads with an option makes a new decoder at each call.
_DECODER = json.JSONDecoder(parse_constant=_reject_constant)
