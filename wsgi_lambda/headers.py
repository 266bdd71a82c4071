"""The rules for headers that come from Lambda or a function.

Nothing that passes here can change the framing of the HTTP answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

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
# These are the server's to say; PEP 3333 forbids an application to send those
# above. `Status` is a header to CGI alone, and would set the status there.
_CONNECTION_ONLY = HOP_BY_HOP | {"content-length", "status"}


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
    if _is_plain(value):
        return True
    if _CONTROL.search(value):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:  # half a surrogate pair
        return False
    return True


def _is_plain(value: str) -> bool:
    """Tell what nearly all values are: visible ASCII and blanks."""
    return value.isascii() and value.isprintable()


def to_wire(value: str) -> str:
    """Return ``value`` as WSGI wants it: latin-1 as it is, else UTF-8 bytes in disguise.

    A tab becomes a blank, its equal in a header (RFC 9110, 5.6.3); PEP 3333's
    validator takes none.
    """
    if _is_plain(value):
        return value
    value = value.replace("\t", " ")
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode().decode("latin-1")
    return value


def end_to_end(headers: Iterable[tuple[str, str]], *, but: frozenset[str] = frozenset()) -> Headers:
    """Return what may be passed on: no framing, nothing of one hop, nothing malformed.

    A header that `Connection` names is one of this hop, too; ``but`` are more
    names, in lower case, that stay behind.
    """
    named = [(name.lower(), name, value) for name, value in headers]
    this_hop = {
        other.strip().lower()
        for lower, _, value in named
        if lower == "connection"
        for other in value.split(",")
    }
    left_behind = _CONNECTION_ONLY | but | this_hop
    return [
        (name, to_wire(value))
        for lower, name, value in named
        if lower not in left_behind and is_token(name) and is_value(value)
    ]


def without(headers: Headers, others: Iterable[tuple[str, str]]) -> Headers:
    """Return ``headers`` without those that ``others`` name, compared without case."""
    names = {name.lower() for name, _ in others}
    return [(name, value) for name, value in headers if name.lower() not in names]
