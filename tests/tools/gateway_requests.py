"""The requests of the gateway corpus, and the request that an app should see for each.

The latter is computed from the former, without code of the package.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from urllib.parse import unquote_to_bytes

ROUTE = "/shop"
MOUNT = "/eu"


class Served(Enum):
    """How the route is served."""

    PLAIN = "plain"
    STRIPPED = "with strip_path"
    MOUNTED = "mounted under SCRIPT_NAME"
    MOUNTED_AND_STRIPPED = "mounted under SCRIPT_NAME, with strip_path"
    BEHIND_PROXY = "behind a proxy and ProxyFix"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A request of a client; target and headers are latin-1 strings, as in WSGI.

    A proxy in front removes `MOUNT` from the target, sends its own `Host`, and
    reports both in `X-Forwarded-*`.
    """

    name: str
    method: str = "GET"
    target: str = ROUTE
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    served: Served = Served.PLAIN


def as_latin_1(text: str) -> str:
    """Return the UTF-8 bytes of ``text`` as a latin-1 string, for WSGI and `send`."""
    return text.encode().decode("latin-1")


FORM = b"a=1&a=2&name=caf%C3%A9+au+lait&empty="
JSON = '{"name": "Zoë 東京 😀", "n": 12345678901234567890, "none": null}'.encode()
EVERY_BYTE = bytes(range(256))
MULTIPART = b"".join(
    [
        b'--limit\r\nContent-Disposition: form-data; name="title"\r\n\r\nA photo\r\n',
        b'--limit\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n',
        b"Content-Type: image/png\r\n\r\n\x89PNG\r\n\x1a\n" + EVERY_BYTE + b"\r\n--limit--\r\n",
    ]
)
TRACE_ID = "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1"


def typed(media_type: str, *others: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    return (("Content-Type", media_type), *others)


CORPUS = (
    Sent(name="only a path"),
    # Queries.
    Sent(name="repeated query arguments", target="/shop?b=2&a=1&a=3&b=4&c=5"),
    Sent(name="flags, empty arguments", target="/shop?flag&empty=&=nameless&&flag"),
    Sent(name="escapes and plus in a query", target="/shop?q=a%20b+c%2B&u=%E2%82%AC&%26=%3D"),
    Sent(name="brackets and marks in a query", target="/shop?a[]=1&a[]=2&to=/x?y;z:,@!$'()*~"),
    Sent(name="bad escapes in a query", target="/shop?a=%zz&b=100%&c=%u20ac"),
    Sent(name="query bytes that are invalid UTF-8", target="/shop?q=%ff%fe&r=1"),
    Sent(name="raw UTF-8 in a query", target=as_latin_1("/shop?q=東京&é=1")),
    Sent(name="a question mark alone", target="/shop?"),
    # Headers.
    Sent(
        name="repeated headers",
        headers=(("Accept", "text/html"), ("X-Tag", "a"), ("Accept", "*/*;q=0.1"), ("X-Tag", "b")),
    ),
    Sent(name="cookies", headers=(("Cookie", 'session=a1b2==; theme="dark"; empty='),)),
    Sent(name="cookies, oddly spaced", headers=(("Cookie", "a=1;b=2;  c=3;"),)),
    Sent(name="a header in UTF-8", headers=(("X-City", as_latin_1("東京")),)),
    Sent(name="a header in latin-1", headers=(("X-City", "Zürich"),)),
    Sent(
        name="headers of a browser",
        headers=(
            ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101"),
            ("Accept-Language", "de-CH, de;q=0.9"),
            ("Authorization", "Basic YTpi"),
            ("If-None-Match", 'W/"1", "2"'),
            ("Referer", "http://shop.test/?a=1,2"),
        ),
    ),
    Sent(
        name="hop-by-hop headers",
        headers=(("TE", "trailers"), ("Keep-Alive", "5"), ("X-Hop", "1"), ("Connection", "X-Hop")),
    ),
    Sent(name="a trace", headers=(("X-Amzn-Trace-Id", TRACE_ID),)),
    Sent(name="a host with its port", headers=(("Host", "shop.test:8080"),)),
    Sent(name="a host that is an IPv6 address", headers=(("Host", "[2001:db8::1]:8080"),)),
    # Bodies.
    Sent(name="JSON", method="POST", headers=typed("application/json"), body=JSON),
    Sent(name="a JSON-like type", method="POST", headers=typed("application/ld+json"), body=JSON),
    Sent(
        name="a form",
        method="POST",
        headers=typed("application/x-www-form-urlencoded"),
        body=FORM,
    ),
    Sent(
        name="multipart with a binary file",
        method="POST",
        headers=typed("multipart/form-data; boundary=limit"),
        body=MULTIPART,
    ),
    Sent(
        name="bytes that are invalid UTF-8",
        method="POST",
        headers=typed("application/octet-stream"),
        body=EVERY_BYTE,
    ),
    Sent(
        name="text that is invalid UTF-8",
        method="POST",
        headers=typed("text/plain; charset=iso-8859-1"),
        body=b"Z\xfcrich",
    ),
    Sent(
        name="text with controls and a BOM",
        method="POST",
        headers=typed("text/plain"),
        body="\ufeff\0\t\r\n\x7f\u2028\\\"'</script>\n".encode(),
    ),
    Sent(
        name="a gzip body",
        method="POST",
        headers=typed("application/json", ("Content-Encoding", "gzip")),
        body=gzip.compress(JSON, mtime=0),
    ),
    Sent(
        name="XML",
        method="POST",
        headers=typed("application/soap+xml; charset=utf-8"),
        body="<a b='ü'/>".encode(),
    ),
    Sent(name="a body without a type", method="POST", body=b"a=1"),
    Sent(
        name="a type with a comma",
        method="POST",
        headers=typed('multipart/form-data; boundary="li,mit"'),
        body=MULTIPART.replace(b"--limit", b"--li,mit"),
    ),
    Sent(name="an empty body", method="POST", headers=typed("text/plain", ("Content-Length", "0"))),
    Sent(
        name="100 kB of bytes",
        method="PUT",
        headers=typed("image/jpeg"),
        body=EVERY_BYTE * 400,
    ),
    # Paths.
    Sent(name="escapes in a path", target="/shop/a%20b%2Fc%3Fd%23e%2bf?q=1"),
    Sent(name="an escaped percent in a path", target="/shop/100%25/%2541/%252F"),
    Sent(name="bad escapes in a path", target="/shop/100%/%zz/%"),
    Sent(name="an escaped route", target="/%73ho%70/a"),
    Sent(name="a Unicode path, escaped", target="/shop/caf%C3%A9/%E6%9D%B1%E4%BA%AC/%F0%9F%98%80"),
    Sent(name="a Unicode path, raw", target=as_latin_1("/shop/café/東京")),
    Sent(name="path bytes that are invalid UTF-8", target="/shop/%ff%C3"),
    Sent(name="empty segments", target="/shop//a///b"),
    Sent(name="a trailing slash", target="/shop/"),
    Sent(name="dots", target="/shop/./a/../b/..%2fc"),
    Sent(name="marks in a path", target="/shop/a;v=1,2/@:+$&'()*!~-_."),
    # Methods.
    Sent(name="HEAD", method="HEAD", target="/shop/a?b=1"),
    Sent(name="PUT", method="PUT", headers=typed("text/plain"), body=b"new"),
    Sent(name="PATCH", method="PATCH", headers=typed("application/json"), body=b"[]"),
    Sent(name="DELETE with a body", method="DELETE", headers=typed("text/plain"), body=b"old"),
    Sent(name="GET with a body", headers=typed("application/json"), body=b'{"query": {}}'),
    Sent(
        name="OPTIONS, a preflight",
        method="OPTIONS",
        headers=(("Origin", "http://other.test"), ("Access-Control-Request-Method", "PUT")),
    ),
    Sent(name="TRACE", method="TRACE"),
    # Ways of serving the route.
    Sent(
        name="mounted under SCRIPT_NAME",
        method="POST",
        target="/eu/shop/a?b=1",
        headers=typed("application/json"),
        body=JSON,
        served=Served.MOUNTED,
    ),
    Sent(
        name="mounted, with escapes",
        target="/%65u/shop//caf%C3%A9%2F?b",
        served=Served.MOUNTED,
    ),
    Sent(name="behind ProxyFix", target="/eu/shop/a?b=1", served=Served.BEHIND_PROXY),
    Sent(
        name="behind ProxyFix, with escapes",
        method="POST",
        target="/eu/shop/caf%C3%A9/%2F/",
        headers=(("Cookie", "a=1; b=2"),),
        body=EVERY_BYTE,
        served=Served.BEHIND_PROXY,
    ),
    Sent(name="strip_path", target="/shop/a%2Fb//c/?d=1", served=Served.STRIPPED),
    Sent(name="strip_path of the whole path", target="/shop", served=Served.STRIPPED),
    Sent(
        name="mounted, with strip_path",
        target="/eu/%73hop/caf%C3%A9%2F",
        served=Served.MOUNTED_AND_STRIPPED,
    ),
    Sent(
        name="mounted, strip_path of the whole",
        target="/eu/shop?a=1",
        served=Served.MOUNTED_AND_STRIPPED,
    ),
)


#: Headers of the proxy for a client that requested https://shop.test:8443.
PROXIED = {
    "Host": "10.0.0.5:8000",
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "shop.test:8443",
    "X-Forwarded-Prefix": MOUNT,
}
HOP_BY_HOP = {"connection", "keep-alive", "te"}
NEW_TRACE = "a new one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A request as an app sees it; strings are latin-1, as in WSGI.

    ``path`` is decoded and begins with the mount. Header names are lower case.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


def as_sent(sent: Sent) -> Seen:
    """Return the request that an app should see behind a gateway that changes nothing."""
    path, _, query = sent.target.partition("?")
    path = unquote_to_bytes(path.encode("latin-1")).decode("latin-1")
    if sent.served in (Served.STRIPPED, Served.MOUNTED_AND_STRIPPED):
        mount, _, rest = path.partition(ROUTE)
        path = mount + (rest or "/")
    return Seen(
        method=sent.method,
        path=path,
        query=query,
        headers=headers_as_sent(sent),
        body=sent.body,
    )


def headers_as_sent(sent: Sent) -> dict[str, str]:
    headers = {
        "host": "shop.test",
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-proto": "http",
        "x-forwarded-port": "80",
        "x-amzn-trace-id": NEW_TRACE,
    }
    if sent.body:
        headers["content-length"] = str(len(sent.body))
    if sent.served is Served.BEHIND_PROXY:
        headers |= {name.lower(): value for name, value in PROXIED.items()}
        headers |= {"host": "shop.test:8443", "x-forwarded-port": "8443"}
    repeated: dict[str, list[str]] = {}
    for name, value in sent.headers:
        repeated.setdefault(name.lower(), []).append(value)
    named = {value.lower() for value in repeated.get("connection", ())}
    headers |= {name: ",".join(values) for name, values in repeated.items()}
    return {name: value for name, value in headers.items() if name not in HOP_BY_HOP | named}
