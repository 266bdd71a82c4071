"""The parts that both formats of API Gateway share: path, headers, context."""

from __future__ import annotations

import re
import time
import uuid
from socket import AF_INET, AF_INET6, inet_pton
from typing import Any, NamedTuple
from urllib.parse import quote, unquote_to_bytes

from wsgi_lambda.event.arguments import split_arguments
from wsgi_lambda.event.resource import STAGE
from wsgi_lambda.header_syntax import HOP_BY_HOP
from wsgi_lambda.options import EventOptions, Route
from wsgi_lambda.request import PATH_SAFE, Request, decode, encode
from wsgi_lambda.trace import HEADER as TRACE_HEADER

#: Placeholders for what only a real gateway has.
ACCOUNT_ID = "000000000000"
API_ID = "wsgi-lambda"

#: A peer on a unix socket does not have an address.
LOCAL_ADDRESS = "127.0.0.1"

# RFC 9112, 3.2.2: the form of a target that a client sends to a proxy.
_ABSOLUTE_FORM = re.compile(r"[a-z][a-z0-9+.-]*://[^/?]*", re.IGNORECASE)
_ENCODED_SLASH = re.compile(rb"%2f", re.IGNORECASE)
_ENCODED_BYTE = re.compile(r"%[0-9A-Fa-f]{2}|.", re.DOTALL)
# Every visible character: existing escapes stay.
_RAW_SAFE = "".join(map(chr, range(0x21, 0x7F)))
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


class Path(NamedTuple):
    """A path twice: percent-encoded as the client wrote it, and decoded except for `%25`."""

    encoded: str
    decoded: str


def path_of(request: Request, route: Route) -> Path:
    """Return SCRIPT_NAME and PATH_INFO, as `strip_path` and `add_path` change them.

    The client's own escapes are kept (`%2F` is not a slash) if the server's raw
    target names this path; after a rewrite the path is quoted again.
    """
    mount, path = encode(request.environ.get("SCRIPT_NAME", "")), encode(request.path_info)
    encoded = _encoded(request, mount, path)
    if route.event.strip_path:
        own = _matched_length(path, route)
        # Measured in decoded bytes: the client may have escaped any byte.
        units = _ENCODED_BYTE.findall(encoded)
        encoded = "".join(units[: len(mount)] + units[len(mount) + own :])
        path = path[own:]
    added = route.event.add_path or ""
    if not path and not added:
        encoded = f"{encoded}/"
    encoded = quote(added, safe=PATH_SAFE) + encoded
    # A percent sign stays escaped, as in HTTP APIs: Mangum decodes this path again.
    decoded = b"%25".join(map(unquote_to_bytes, encoded.split("%25")))
    return Path(encoded, decode(decoded.decode("latin-1")))


def _matched_length(path: bytes, route: Route) -> int:
    """Return how many bytes of PATH_INFO the route's own path has matched."""
    if route.is_exact:
        return len(path)
    own = route.path.prefix_length
    # Further slashes that the client sent in front belong to it.
    return own and own + len(path) - len(path.lstrip(b"/")) - 1


def _encoded(request: Request, mount: bytes, path: bytes) -> str:
    raw = _raw_path(request)
    named = _with_slashes(unquote_to_bytes(raw))
    if named == _with_slashes(mount + path):
        return raw
    # A proxy in front removed the mount and sent it as X-Forwarded-Prefix.
    if named == _with_slashes(path):
        return quote(mount, safe=PATH_SAFE) + raw
    return quote(mount + path, safe=PATH_SAFE)


def _with_slashes(path: bytes) -> bytes:
    """Return ``path`` for a comparison: some servers leave an escaped slash in PATH_INFO.

    cheroot does, and Apache with `AllowEncodedSlashes NoDecode`.
    """
    return _ENCODED_SLASH.sub(b"/", path) if b"%" in path else path


def _raw_path(request: Request) -> str:
    target = request.raw_target
    if not target.startswith("/"):
        absolute = _ABSOLUTE_FORM.match(target)
        target = target[absolute.end() :] if absolute else target
    return quote(encode(target.partition("?")[0]), safe=_RAW_SAFE)


def raw_query(request: Request) -> str:
    """Return the raw query in ASCII, as adapters expect: other bytes are percent-encoded."""
    return quote(request.query, safe=_RAW_SAFE)


def headers_of(request: Request) -> dict[str, str]:
    """Return the headers by lower-case name, as a gateway between client and function sends them.

    Hop-by-hop headers are left out; `x-forwarded-*` describe the client that
    ProxyFix, or the socket, reports; `x-amzn-trace-id` is always present.
    """
    given = request.headers
    hop = {name.strip().lower() for name in given.get("connection", "").split(",")}
    headers = {
        name: value for name, value in given.items() if name not in HOP_BY_HOP and name not in hop
    }
    headers["host"] = _host(request)
    headers["x-forwarded-for"] = _forwarded_for(request)
    headers["x-forwarded-proto"] = request.environ["wsgi.url_scheme"]
    headers["x-forwarded-port"] = _port(request) or _default_port(request)
    headers[TRACE_HEADER] = request.trace
    return headers


def source_ip(request: Request) -> str:
    """Return REMOTE_ADDR if it is an IP address, without brackets and port, else 127.0.0.1.

    A peer on a unix socket has no IP address: gunicorn leaves REMOTE_ADDR empty,
    and waitress sets it to `localhost`.
    """
    return _address(request.environ.get("REMOTE_ADDR") or "") or LOCAL_ADDRESS


def _address(text: str) -> str:
    """Return the IP address in ``text``, "" if there is none: `[::1]:80` contains `::1`."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    # A zone (`fe80::1%eth0`) has a meaning on this machine only.
    text = text.partition("%")[0]
    # Much faster than the module ipaddress, which accepts the same text.
    try:
        inet_pton(AF_INET6 if ":" in text else AF_INET, text)
    except (OSError, ValueError):  # the latter for NUL and lone surrogates
        return ""
    return text


def _forwarded_for(request: Request) -> str:
    """Return the addresses on the way here, the last of them that of `source_ip`.

    If ProxyFix took REMOTE_ADDR from the list, the list still contains it. Otherwise
    only the last address is compared, or a client could hide its own by naming it
    first; with `x_for=0`, ProxyFix takes other headers only.
    """
    address = source_ip(request)
    addresses = [
        part.strip() for part in request.headers.get("x-forwarded-for", "").split(",") if part
    ]
    before = request.environ.get("werkzeug.proxy_fix.orig", {}).get("REMOTE_ADDR")
    is_from_list = before is not None and before != request.environ.get("REMOTE_ADDR")
    ours = addresses if is_from_list else addresses[-1:]
    is_named = address in map(_address, ours)
    return ", ".join(addresses if is_named else [*addresses, address])


def _port(request: Request) -> str:
    """Return SERVER_PORT, "" if it is not a number: a unix socket has no port.

    waitress puts the path of the socket there.
    """
    port = str(request.environ.get("SERVER_PORT", ""))
    return port if port.isascii() and port.isdigit() else ""


def _default_port(request: Request) -> str:
    return "443" if request.environ["wsgi.url_scheme"] == "https" else "80"


def _host(request: Request) -> str:
    """Return the Host header; an HTTP/1.0 request may have none, so else SERVER_NAME and port."""
    host = request.headers.get("host")
    if host:
        return host
    # On a unix socket, gunicorn puts its path there.
    name: str = request.environ.get("SERVER_NAME", "")
    name = "localhost" if not name or "/" in name else name
    name = f"[{name}]" if ":" in name and not name.startswith("[") else name
    port = _port(request)
    return f"{name}:{port}" if port and port != _default_port(request) else name


def domain_name(request: Request) -> str:
    """Return the host without its port; an IPv6 address keeps its brackets."""
    host = _host(request)
    return re.sub(r":\d*\Z", "", host) if host.startswith("[") or host.count(":") == 1 else host


def context_of(request: Request) -> dict[str, Any]:
    """Return the part of `requestContext` that both formats share."""
    domain = domain_name(request)
    return {
        "accountId": ACCOUNT_ID,
        "apiId": API_ID,
        "domainName": domain,
        "domainPrefix": domain.partition(".")[0],
        "requestId": str(uuid.uuid4()),
        "stage": STAGE,
    }


def principal(request: Request) -> dict[str, str] | None:
    """Return the authorizer: who is asking, or None if nobody is known."""
    user = request.principal
    return {"principalId": user} if user else None


def query_values(request: Request, options: EventOptions) -> dict[str, list[str]]:
    """Return the query's values by name, decoded; `?flag` is an empty string.

    Raises what `split_arguments` raises.
    """
    found: dict[str, list[str]] = {}
    for name, value in split_arguments(request.query, options):
        found.setdefault(name, []).append(value or "")
    return found


def log_time(seconds: float) -> str:
    """Return a time as in `12/Mar/2020:19:03:58 +0000`, in English whatever the locale."""
    at = time.gmtime(seconds)
    return f"{at.tm_mday:02}/{_MONTHS[at.tm_mon - 1]}/{time.strftime('%Y:%H:%M:%S', at)} +0000"
