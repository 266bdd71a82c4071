"""Which headers may be passed on to the client, and how they are written.

No header that passes here can change the framing of the HTTP response.
"""

from __future__ import annotations

from collections.abc import Iterable

from wsgi_lambda.header_syntax import HOP_BY_HOP, Headers, is_plain, is_token, is_value

JSON_TYPE = ("Content-Type", "application/json")

# The server frames the response; PEP 3333 forbids applications to send hop-by-hop
# headers. `Status` sets the status under CGI; the others make nginx, Apache, lighttpd or
# Perlbal send a file, or another URL, instead of the response.
_FOR_THE_SERVER = HOP_BY_HOP | {
    "content-length",
    "status",
    "x-lighttpd-send-file",
    "x-reproxy-url",
    "x-sendfile",
}
# https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_ignore_headers
_FOR_NGINX = "x-accel-"
# Most headers of Lambda's replies are these, which pass.
# https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
_OF_LAMBDA = frozenset(
    (
        "content-type",
        "x-amz-executed-version",
        "x-amzn-remapped-content-length",
        "x-amzn-requestid",
        "x-amzn-trace-id",
    )
)
_HARMLESS_FOR_NGINX = frozenset(("x-accel-buffering", "x-accel-expires"))


def to_wire(value: str) -> str:
    """Return ``value`` as WSGI wants it: latin-1 unchanged, else UTF-8 bytes as latin-1.

    A tab becomes a space, which means the same in a header (RFC 9110, 5.6.3):
    PEP 3333's validator rejects tabs.
    """
    value = value.replace("\t", " ")
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode().decode("latin-1")
    return value


def end_to_end(
    headers: Iterable[tuple[str, str]], *, dropped: frozenset[str] = frozenset()
) -> Headers:
    """Return the headers that may be passed on: no framing, no hop-by-hop, none malformed.

    Headers that `Connection` names belong to this hop, too. Headers that command
    the server in front are left out. ``dropped`` are further names, in lower case.
    """
    named = [(name.lower(), name, value) for name, value in headers]
    options = [value for lower, _, value in named if lower == "connection"]
    if options:
        dropped |= {other.strip().lower() for other in ",".join(options).split(",")}
    return [
        (name, value if is_plain(value) else to_wire(value))
        for lower, name, value in named
        if lower not in dropped
        and (lower in _OF_LAMBDA or _may_pass(lower))
        and (is_plain(value) or is_value(value))
    ]


def _may_pass(lower: str) -> bool:
    if lower in _FOR_THE_SERVER or not is_token(lower):
        return False
    return not lower.startswith(_FOR_NGINX) or lower in _HARMLESS_FOR_NGINX


def without(headers: Headers, others: Iterable[tuple[str, str]]) -> Headers:
    """Return ``headers`` without those that ``others`` name (case-insensitive)."""
    names = {name.lower() for name, _ in others}
    return [(name, value) for name, value in headers if name.lower() not in names]
