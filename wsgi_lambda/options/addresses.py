"""Parse the addresses of servers: hosts, URLs, proxies, and the CA bundles that verify them."""

from __future__ import annotations

import ipaddress
import os
import re
import ssl
from typing import NamedTuple
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from wsgi_lambda.options.parsers import filled_in, fits, mismatch, string, strings

_HOST = r"(?!-)[a-zA-Z0-9-_]+(?:\.[a-zA-Z0-9-_]+)*\.?"
_HOST_PATTERN = (
    r"(?:\*\.[a-z0-9-_]+(?:\.[a-z0-9-_]+)*"
    r"|[a-z0-9-_]+(?:\.[a-z0-9-_]+)*(?:\.\*)?"
    r"|\[[0-9a-f:.]+\])(?::\d{1,5})?"
)


def hosts(value: object) -> tuple[str, ...]:
    """Parse patterns of the Host header into lower case: ``("shop.test", "*.eu.test:8443")``."""
    found = tuple(host.lower() for host in strings(value))
    if not all(fits(_HOST_PATTERN, each) for each in found):
        raise ValueError("must contain only host names, `*.name` or `name.*`")
    return found


def host(value: object) -> str:
    """Parse a host name or an IP address; an IPv6 address loses its brackets: ``"::1"``."""
    name = filled_in(value)
    bare = name[1:-1] if name.startswith("[") and name.endswith("]") else name
    try:
        if "%" not in bare:  # a zone would have to be escaped in the URL
            return str(ipaddress.ip_address(bare))
    except ValueError:
        if fits(_HOST, name):
            return name.lower()
    raise ValueError("must be a host name or an IP address, without scheme, port or path")


class ServerURL(NamedTuple):
    """The parts of a server's URL; port 0 is the scheme's default port."""

    scheme: str
    host: str
    port: int


def endpoint_url(value: object, *schemes: str) -> ServerURL:
    """Parse the URL of a server, without user name, path, query or fragment.

    ``"http://[::1]:4566"`` becomes ``ServerURL("http", "::1", 4566)``.
    ``schemes`` are http and https if none is given.
    """
    wanted = schemes or ("http", "https")
    given = printable(value)
    try:
        parts = urlsplit(given)
        port = parts.port
    except ValueError as error:
        raise ValueError("is not a valid URL of a server") from error
    if parts.scheme not in wanted:
        starts = " or ".join(f"{scheme}://" for scheme in wanted)
        raise ValueError(f"must be a URL that begins with {starts}")
    if parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("must be a URL without user name, path, query or fragment")
    try:
        return ServerURL(parts.scheme, host(parts.hostname or ""), port or 0)
    except ValueError as error:
        raise ValueError("is not a valid URL of a server") from error


def printable(value: object) -> str:
    """Parse a string without white space and control characters, which `urlsplit` removes."""
    given = string(value)
    if not given.isprintable() or any(map(str.isspace, given)):
        raise ValueError("must not contain control characters or white space")
    return given


def proxy_url(value: object) -> str:
    """Parse the URL of a forward proxy; its scheme must be http, as in Kong.

    It may contain a percent-encoded user name and password, so it is a secret.
    """
    given = printable(value)
    user, at, server = given.rpartition("@")
    if at and not re.fullmatch(r"http://[^\s@/?#]+", user):
        raise ValueError("contains a user name or password that is not percent-encoded")
    endpoint_url(f"http://{server}" if at else given, "http")
    return given


def sts_endpoint_url(value: object) -> str:
    endpoint_url(value)
    return string(value)


class CABundle:
    """A CA bundle: its path, and a TLS context with the certificates that it contained.

    Raises OSError (`ssl.SSLError` among others) if they cannot be read, and ValueError
    if there are none.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        # OpenSSL reads a line at a time. As a text, certifi's bundle takes 0.7 MB meanwhile.
        self._context = ssl.create_default_context(cafile=path)
        if not self._context.cert_store_stats()["x509"]:
            raise ValueError("no certificates")

    def __repr__(self) -> str:
        return f"CABundle({self.path!r})"

    def tls_context(self) -> ssl.SSLContext:
        """Return the TLS context that trusts the certificates, the same for all connections."""
        # Until the first request, gevent may replace the class by one that only has
        # other methods (gunicorn --preload).
        if type(self._context) is not ssl.SSLContext:
            self._context.__class__ = ssl.SSLContext
        return self._context


#: By path and what the system knows of the file, so that each is parsed once.
_BUNDLES: WeakValueDictionary[tuple[str, int, int, int], CABundle] = WeakValueDictionary()


def tls_verify(value: object) -> bool | CABundle:
    """Parse a boolean or the path of a CA bundle (PEM)."""
    if isinstance(value, bool):
        return value
    if not isinstance(value, (str, os.PathLike)) or not value:
        raise mismatch("true, false or the path of a CA bundle", value)
    return read_ca_bundle(os.fspath(value))


def read_ca_bundle(path: str) -> CABundle:
    """Read a bundle now, so that an unreadable file is found at start-up.

    Raises ValueError without the path.
    """
    try:
        file = os.stat(path)
        key = (path, file.st_ino, file.st_size, file.st_ctime_ns)
        bundle = _BUNDLES.get(key) or CABundle(path)
    except (ssl.SSLError, ValueError) as error:
        raise ValueError(
            "cannot be read as a CA bundle (no certificates, or invalid PEM)"
        ) from error
    except OSError as error:
        raise ValueError(f"cannot be read as a CA bundle ({error.strerror})") from error
    _BUNDLES[key] = bundle
    return bundle
