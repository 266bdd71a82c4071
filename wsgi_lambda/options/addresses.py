"""Parse where a server is: hosts, URLs, proxies, CA bundles."""

from __future__ import annotations

import ipaddress
import os
import re
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from wsgi_lambda.options.parsers import fits, text, texts, type_in_words

_HOST = r"(?!-)[a-zA-Z0-9-_]+(?:\.[a-zA-Z0-9-_]+)*\.?"
_HOST_PATTERN = (
    r"(?:\*\.[a-z0-9-_]+(?:\.[a-z0-9-_]+)*"
    r"|[a-z0-9-_]+(?:\.[a-z0-9-_]+)*(?:\.\*)?"
    r"|\[[0-9a-f:.]+\])(?::\d{1,5})?"
)


def hosts(value: object) -> tuple[str, ...]:
    found = tuple(host.lower() for host in texts(value))
    if not all(fits(_HOST_PATTERN, each) for each in found):
        raise ValueError("holds a text that is no host name, `*.name` or `name.*`")
    return found


def host(value: object) -> str:
    """A name or an address; brackets of an IPv6 address are optional."""
    name = text(value)
    bare = name[1:-1] if name.startswith("[") and name.endswith("]") else name
    try:
        if "%" not in bare:  # a zone would have to be escaped in the URL
            return str(ipaddress.ip_address(bare))
    except ValueError:
        if fits(_HOST, name):
            return name.lower()
    raise ValueError("must be a host name or address alone, without scheme, port or path")


@dataclass(frozen=True, slots=True)
class ServerURL:
    """The parts of a URL that leads to a server; port 0 is the scheme's own."""

    scheme: str
    host: str
    port: int


def endpoint_url(value: object, *schemes: str) -> ServerURL:
    """Return the parts of a URL of one of ``schemes`` (http, https) that names a server alone."""
    wanted = schemes or ("http", "https")
    given = text(value)
    try:
        parts = urlsplit(given)
        port = parts.port
    except ValueError as error:
        raise ValueError("is no URL of a server") from error
    if parts.scheme not in wanted:
        raise ValueError(f"must be a URL that begins with {' or '.join(wanted)}")
    if parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("must be a URL of a server alone, without user, path or query")
    try:
        return ServerURL(parts.scheme, host(parts.hostname or ""), port or 0)
    except ValueError as error:
        raise ValueError("is no URL of a server") from error


def proxy_url(value: object) -> str:
    """The only kind of proxy that Kong takes: plain HTTP to it, CONNECT through it.

    Name and password may stand in it, percent-encoded; it is shown nowhere.
    """
    given = text(value)
    user, at, server = given.rpartition("@")
    if at and not re.fullmatch(r"http://[^\s@/?#]+", user):
        raise ValueError("has a user that is not percent-encoded")
    endpoint_url(f"http://{server}" if at else given, "http")
    return given


def sts_endpoint_url(value: object) -> str:
    endpoint_url(value)
    return text(value)


def tls_verify(value: object) -> bool | str:
    """A bundle is read here, so that a wrong path is found at start-up."""
    if isinstance(value, bool):
        return value
    if not isinstance(value, (str, os.PathLike)) or not value:
        raise ValueError(
            f"must be true, false or the path of a CA bundle, not {type_in_words(value)}"
        )
    path = os.fspath(value)
    try:
        ssl.create_default_context(cafile=path)
    except OSError as error:
        raise ValueError(
            f"no CA bundle could be read there ({error.strerror or 'bad PEM'})"
        ) from error
    return path
