"""Check the names and values of headers (RFC 9110).

A header that passes these checks cannot change the framing of an HTTP message.
"""

from __future__ import annotations

import re

#: Names and values as in WSGI: strings of latin-1 characters, one for each byte.
Headers = list[tuple[str, str]]

# RFC 9110, 5.6.2.
TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]++")
# A Content-Length (RFC 9110, 8.6): digits only. int() also accepts "+5", "-1", "1_000" and "٣".
LENGTH = re.compile(r"[0-9]{1,19}")
_VISIBLE = re.compile(r"[!-~]++")
# Control characters except the tab (RFC 9110, 5.5), including latin-1's C1 controls.
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
#: Headers that apply to one connection only (RFC 9110, 7.6.1, and RFC 2616, 13.5.1).
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
    """Return whether ``name`` is an HTTP token, as header names and methods must be."""
    return TOKEN.fullmatch(name) is not None


def is_visible(value: str) -> bool:
    """Return whether ``value`` is visible ASCII without spaces, as all AWS credentials are.

    A key becomes part of a header. A line break in it, such as one left over from
    a file, would break the request or forge a header.
    """
    return _VISIBLE.fullmatch(value) is not None


def is_value(value: str) -> bool:
    """Return whether ``value`` can be a header's value: encodable, no control characters."""
    if is_plain(value):
        return True
    if _CONTROL.search(value):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:  # an unpaired surrogate
        return False
    return True


def is_plain(value: str) -> bool:
    """Return whether ``value`` is visible ASCII and spaces, like nearly all values."""
    return value.isascii() and value.isprintable()
