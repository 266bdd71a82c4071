"""Parse JSON strictly: reject NaN and Infinity, which Python's parser accepts.

They are not JSON (RFC 8259, 6). Other parsers need not accept them, but Python
would write them out again.
"""

from __future__ import annotations

import json
from codecs import getincrementaldecoder
from typing import Any

#: More than this is parsed by `json_pieces`; `json` keeps the interpreter up to 25 ms for less.
LARGE = 64 * 1024  # bytes


def loads(data: bytes) -> Any:
    """Parse ``data``: JSON in UTF-8, UTF-16 or UTF-32, with or without a byte order mark.

    Raises ValueError for anything else, and RecursionError for nesting deeper
    than the parser's limit.
    """
    return DECODER.decode(text_of(data))


def text_of(data: bytes) -> str:
    """Decode JSON in UTF-8, UTF-16 or UTF-32; raises ValueError for anything else.

    Block by block, so that other threads can run: a lone surrogate takes as long as
    hundreds of other characters.
    """
    encoding = json.detect_encoding(data)
    if len(data) <= LARGE:
        return data.decode(encoding, "surrogatepass")
    decoder = getincrementaldecoder(encoding)("surrogatepass")
    starts = range(0, len(data), LARGE)
    blocks = [decoder.decode(data[start : start + LARGE]) for start in starts]
    return "".join([*blocks, decoder.decode(b"", final=True)])


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


# Made once: json.loads() with an option makes a new decoder for each call.
DECODER = json.JSONDecoder(parse_constant=_reject_constant)
