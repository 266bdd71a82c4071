"""The rules for headers that come from Lambda or a function.

Nothing that passes here can change the framing of the HTTP answer.
"""

from __future__ import annotations

import re

#: Names and values as WSGI has them: text that stands for latin-1 bytes.
Headers = list[tuple[str, str]]

# RFC 9110, 5.6.2.
TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# A Content-Length (RFC 9110, 8.6): digits alone; int() would also take "+5", "-1", "1_000" and "٣".
LENGTH = re.compile(r"[0-9]{1,19}")
_VISIBLE = re.compile(r"[!-~]+")
# Control characters but for the tab (RFC 9110, 5.5), C1 ones of latin-1 too.
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
#: Between two hops only (RFC 9110, 7.6.1, and the older list of RFC 2616).
HOP_BY_HOP = frozenset(
    (
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "trailers",
        "transfer-encoding",
        "upgrade",
    )
)


def is_token(name: str) -> bool:
    """Tell a token of HTTP, which a header's name and a method must be."""
    return TOKEN.fullmatch(name) is not None


def is_visible(value: str) -> bool:
    """Tell visible ASCII without blanks, as all AWS credentials are.

    A key ends up in a header's value, or beside one: a line end in it, as a
    file read without strip() leaves it, would break the request or forge one.
    """
    return _VISIBLE.fullmatch(value) is not None


def is_value(value: str) -> bool:
    """Tell whether a value is free of control characters and can be encoded."""
    if is_plain(value):
        return True
    if _CONTROL.search(value):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:  # half a surrogate pair
        return False
    return True


def is_plain(value: str) -> bool:
    """Tell what nearly all values are: visible ASCII and blanks."""
    return value.isascii() and value.isprintable()
