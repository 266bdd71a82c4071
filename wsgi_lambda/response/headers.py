"""Decide which headers may be passed on to the client, and how they are written."""

from __future__ import annotations

from collections.abc import Iterable

from wsgi_lambda.header_syntax import HOP_BY_HOP, Headers, is_plain, is_token, is_value

# These are the server's to say; PEP 3333 forbids an application to send those
# above. `Status` is a header to CGI alone, and would set the status there.
_CONNECTION_ONLY = HOP_BY_HOP | {"content-length", "status"}


def to_wire(value: str) -> str:
    """Return ``value`` as WSGI wants it: latin-1 as it is, else UTF-8 bytes in disguise.

    A tab becomes a blank, its equal in a header (RFC 9110, 5.6.3); PEP 3333's
    validator takes none.
    """
    if is_plain(value):
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
