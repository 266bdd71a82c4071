"""A view of a WSGI environ as text, parsed on demand.

PEP 3333 puts bytes into strings, decoded as latin-1; everything here returns
real text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

from wsgi_lambda.delivery import Delivery
from wsgi_lambda.request_body import KnownBody, RequestBody
from wsgi_lambda.trace import HEADER as TRACE_HEADER
from wsgi_lambda.trace import new_trace, trace_in, trace_of

#: What may stand in a path unescaped: pchar and "/" of RFC 3986.
PATH_SAFE = "/!$&'()*+,;=:@~"


# The trace headers that an observer may replace, and their keys in the environ.
_TRACE_KEYS = (
    (TRACE_HEADER, "HTTP_X_AMZN_TRACE_ID"),
    ("traceparent", "HTTP_TRACEPARENT"),
    ("tracestate", "HTTP_TRACESTATE"),
    ("baggage", "HTTP_BAGGAGE"),
)


class FrameworkValues(NamedTuple):
    """What a framework has found out about a request that it passes on from a view."""

    #: Returns the name of the user, or None; called only if it is needed. None: REMOTE_USER.
    principal: Callable[[], str | None] | None = None
    #: The values that the view's url captured; None for a configured route.
    path_parameters: Mapping[str, str] | None = None
    #: The view's url as in ``"/pay/{order_id}"``, "" if a regular expression matched it.
    template: str = ""


NO_FRAMEWORK = FrameworkValues()


class Request:
    """One request: its parts as text, its body as bytes.

    ``body`` is given by a framework that has read ``wsgi.input`` already; by
    default the body is read from there when it is needed::

        Request(environ)
        Request(environ, body=request.get_data(), framework=FrameworkValues(template="/pay"))
    """

    def __init__(
        self,
        environ: WSGIEnvironment,
        *,
        body: bytes | None = None,
        framework: FrameworkValues = NO_FRAMEWORK,
    ) -> None:
        self.environ = environ
        self.framework = framework
        if body is None:
            self.body: RequestBody | KnownBody = RequestBody(environ)
        else:
            self.body = KnownBody(body, environ.get("CONTENT_LENGTH", ""))
        self.delivery = Delivery()
        # functools.cached_property takes a lock, which costs more than the values.
        self._media_type: str | None = None
        #: Trace headers that take precedence over the client's.
        self.propagated: Mapping[str, str] = {}
        self._trace: str | None = None

    @property
    def method(self) -> str:
        return decode(self.environ["REQUEST_METHOD"])

    @property
    def query(self) -> bytes:
        """The raw query, without its question mark."""
        return encode(self.environ.get("QUERY_STRING", ""))

    @property
    def raw_target(self) -> str:
        """The target as the client sent it, in latin-1; "" if the server does not provide it."""
        raw: str = self.environ.get("REQUEST_URI") or self.environ.get("RAW_URI") or ""
        return raw

    @property
    def target(self) -> str:
        """The target as the client sent it, or quoted again if the server does not provide it."""
        if self.raw_target:
            return decode(self.raw_target)
        path = self.environ.get("SCRIPT_NAME", "") + self.environ.get("PATH_INFO", "")
        quoted = quote(encode(path), safe=PATH_SAFE)
        query = self.environ.get("QUERY_STRING", "")
        return decode(f"{quoted}?{query}" if query else quoted)

    @cached_property
    def headers(self) -> dict[str, str]:
        """The values by lower-case name; the server has joined repeated headers with commas."""
        found = {
            name[5:].replace("_", "-").lower(): decode(value)
            for name, value in self.environ.items()
            if name.startswith("HTTP_")
        }
        for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            if self.environ.get(name):
                found[name.replace("_", "-").lower()] = decode(self.environ[name])
        if self.propagated:
            found.update(self.propagated)
            if TRACE_HEADER in found:
                found[TRACE_HEADER] = self.trace
        return found

    def header(self, name: str) -> str:
        """Return the value of one header, "" if it is missing."""
        return decode(self.environ.get(f"HTTP_{name.upper().replace('-', '_')}", ""))

    @property
    def content_type(self) -> str:
        """The Content-Type with its parameters, unchanged."""
        return decode(self.environ.get("CONTENT_TYPE", ""))

    @property
    def media_type(self) -> str:
        """The Content-Type without parameters, in lower case."""
        if self._media_type is None:
            # RFC 9110, 5.6.3: no other blanks. A framework that reads the same body sees
            # another type if one of Unicode's surrounds it.
            given = self.environ.get("CONTENT_TYPE", "")
            self._media_type = decode(given.partition(";")[0].strip(" \t")).lower()
        return self._media_type

    @property
    def path_info(self) -> str:
        """The decoded path below the mount, in latin-1 (PEP 3333)."""
        path: str = self.environ.get("PATH_INFO", "")
        return path

    @property
    def principal(self) -> str:
        """Who is asking: the user of the framework, else REMOTE_USER; "" if nobody is known."""
        if self.framework.principal is not None:
            user = self.framework.principal()
            # As text: user models may have numbers for names.
            return "" if user is None else str(user)
        return decode(self.environ.get("REMOTE_USER") or "")

    @property
    def trace_headers(self) -> dict[str, str]:
        """The trace headers of the client, by their lower-case names."""
        environ = self.environ
        return {name: decode(environ[key]) for name, key in _TRACE_KEYS if environ.get(key)}

    def propagate(self, headers: Mapping[str, str]) -> None:
        """Let these trace headers take precedence over the client's."""
        self.propagated = headers
        self._trace = trace_in(headers) or None

    @property
    def trace(self) -> str:
        """The trace as `Root=…;Parent=…;Sampled=…`: propagated or the client's, else a new root."""
        if self._trace is None:
            get = self.environ.get
            amazon, w3c = get("HTTP_X_AMZN_TRACE_ID", ""), get("HTTP_TRACEPARENT", "")
            self._trace = trace_of(decode(amazon), decode(w3c)) or new_trace()
        return self._trace


class NoRequest:
    """Stands for the request of an invocation that the app makes itself."""

    method = path_info = ""

    def __init__(self) -> None:
        self.delivery = Delivery()
        self.propagated: Mapping[str, str] = {}
        self._trace: str | None = None

    @property
    def trace_headers(self) -> dict[str, str]:
        """Empty, because no client sent a request."""
        return {}

    def propagate(self, headers: Mapping[str, str]) -> None:
        """Send these trace headers to the function."""
        self.propagated = headers
        self._trace = trace_in(headers) or None

    @property
    def trace(self) -> str:
        """The trace as `Root=…;Parent=…;Sampled=…`: propagated, else a new root."""
        if self._trace is None:
            self._trace = new_trace()
        return self._trace


def decode(text: str) -> str:
    """Return the text of a WSGI string: decoded as UTF-8 if it is valid UTF-8, else as latin-1."""
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text


def encode(text: str) -> bytes:
    """Return the bytes of a WSGI string."""
    return text.encode("latin-1")
