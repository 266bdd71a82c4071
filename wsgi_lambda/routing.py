"""Find the route that owns a request."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

from wsgi_lambda.options import Match, Route
from wsgi_lambda.options.headers import HeaderCondition

#: The key of an environ under which a framework puts a callable that returns the user.
PRINCIPAL = "wsgi_lambda.principal"


class HasRoute(Protocol):
    """Anything with a route, as a backend has; None owns no request."""

    @property
    def route(self) -> Route | None: ...


Item = TypeVar("Item", bound=HasRoute)


class _Node(Generic[Item]):
    """The routes of one path, and the nodes one segment below it."""

    __slots__ = ("below", "exact", "parameter", "prefix", "rest")

    def __init__(self) -> None:
        self.below: dict[str, _Node[Item]] = {}
        self.parameter: _Node[Item] | None = None
        #: Routes whose path ends here with ``{name+}``, as a whole, or as a prefix.
        self.rest: list[tuple[Match, Item]] = []
        self.exact: list[tuple[Match, Item]] = []
        self.prefix: list[tuple[Match, Item]] = []

    def add(self, route: Route, item: Item) -> None:
        """Add an item below this node; the order of calls decides between equals."""
        node = self
        for segment in route.path.segments:
            if segment.is_rest:
                node.rest.append((route.match, item))
                return
            if segment.is_parameter:
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                # PATH_INFO contains UTF-8 bytes as latin-1 characters (PEP 3333).
                literal = segment.text.encode().decode("latin-1")
                node = node.below.setdefault(literal, _Node())
        (node.exact if route.is_exact else node.prefix).append((route.match, item))

    def find(self, parts: list[str], at: int, environ: WSGIEnvironment) -> Item | None:
        """Return the first item for the path of ``parts``, of which ``at`` have been matched.

        A literal comes before a parameter, a parameter before a rest, and a rest
        before the prefix that ends here.
        """
        if at < len(parts):
            part = parts[at]
            node = self.below.get(part)
            found = node.find(parts, at + 1, environ) if node is not None else None
            if found is None and self.parameter is not None and part:
                found = self.parameter.find(parts, at + 1, environ)
            if found is None and self.rest and "/".join(parts[at:]).removesuffix("/"):
                found = _first(self.rest, environ)
            if found is not None:
                return found
        # One trailing slash is ignored.
        if self.exact and (at == len(parts) or parts[at:] == [""]):
            found = _first(self.exact, environ)
            if found is not None:
                return found
        return _first(self.prefix, environ) if self.prefix else None

    def find_all(self, parts: list[str], at: int, found: list[Item]) -> None:
        """Append every item for the path of ``parts`` to ``found``, in the order of `find`."""
        if at < len(parts):
            part = parts[at]
            if part in self.below:
                self.below[part].find_all(parts, at + 1, found)
            if self.parameter is not None and part:
                self.parameter.find_all(parts, at + 1, found)
            if self.rest and "/".join(parts[at:]).removesuffix("/"):
                found += [item for _, item in self.rest]
        if self.exact and (at == len(parts) or parts[at:] == [""]):
            found += [item for _, item in self.exact]
        if self.prefix:
            found += [item for _, item in self.prefix]

    def items(self) -> Iterator[Item]:
        """Yield all items in order of precedence."""
        for node in self.below.values():
            yield from node.items()
        if self.parameter is not None:
            yield from self.parameter.items()
        for routes in (self.rest, self.exact, self.prefix):
            yield from (item for _, item in routes)


class RouteTable(Generic[Item]):
    """Anything that has a route, ordered by precedence.

    A prefix ends at a segment: ``/pay`` owns ``/pay/7`` but not ``/payments``.
    Kong matches both; a middleware that did so would hide pages of the app.
    Paths are compared segment by segment: a literal comes before ``{name}``,
    ``{name}`` before ``{name+}``, and that before a prefix that has ended. Under
    one path, exact routes come first, then those with `consumers`, then those
    with `headers`, then the order of the configuration decides. A path with NUL
    belongs to ``for_nul``. ``principal`` returns who is asking, which `consumers`
    are compared with; without it that is REMOTE_USER.
    """

    def __init__(
        self,
        items: Iterable[Item],
        *,
        for_nul: Item | None = None,
        principal: Callable[[WSGIEnvironment], str | None] | None = None,
    ) -> None:
        routed = [(item.route, item) for item in items if item.route is not None]
        self._for_nul = for_nul
        self._principal = principal
        self._root: _Node[Item] = _Node()
        for route, item in sorted(routed, key=lambda pair: pair[0].precedence):
            self._root.add(route, item)
        #: All items, in order of precedence.
        self.items = tuple(self._root.items())
        #: Whether a route may own a path whatever its first segment is.
        self._is_open = bool(
            self._root.parameter or self._root.rest or self._root.exact or self._root.prefix
        )
        #: The first segments of the other routes.
        self._first = self._root.below
        self._depth = max((len(route.path.segments) for route, _ in routed), default=0)

    def find(self, environ: WSGIEnvironment) -> Item | None:
        """Return the item whose route owns ``environ``, or None if the wrapped app does.

        Paths are compared as they are in PATH_INFO: percent-decoded once by the
        server, as Flask and Django see them. The cost does not depend on the
        number of routes or the length of the path: one look-up for the first
        segment, and only if it matches, one or two for each segment of a route.
        """
        path = environ.get("PATH_INFO", "")
        if "\0" in path and self._for_nul is not None:
            return self._for_nul
        parts = path.split("/", 2)
        if len(parts) > 1 and parts[1] and not parts[0]:
            first = parts[1]
        else:
            # Flask treats "//pay" and "pay" as "/pay": they must not bypass the route.
            first = path.lstrip("/").partition("/")[0]
        if first in self._first or self._is_open:
            if self._principal is not None and PRINCIPAL not in environ:
                environ = {**environ, PRINCIPAL: partial(self._principal, environ)}
            # A part beyond the deepest route is not split further.
            return self._root.find(path.lstrip("/").split("/", self._depth + 1), 0, environ)
        return None

    def find_all(self, path: str) -> list[Item]:
        """Return every item whose path matches ``path`` (PATH_INFO), whatever its conditions."""
        found: list[Item] = []
        parts = path.lstrip("/").split("/", self._depth + 1)
        if parts[0] in self._first or self._is_open:
            self._root.find_all(parts, 0, found)
        return found


def _first(routes: list[tuple[Match, Item]], environ: WSGIEnvironment) -> Item | None:
    for match, item in routes:
        if _matches(match, environ):
            return item
    return None


def _matches(match: Match, environ: WSGIEnvironment) -> bool:
    if match.methods and environ["REQUEST_METHOD"].upper() not in match.methods:
        return False
    if match.consumers and _consumer(environ) not in match.consumers:
        return False
    if match.headers and not all(_header_matches(each, environ) for each in match.headers):
        return False
    return not match.hosts or _host_matches(match.hosts, environ)


def _header_matches(condition: HeaderCondition, environ: WSGIEnvironment) -> bool:
    value = environ.get(condition.key)
    return value is not None and _text(value).strip().lower() in condition.values


def _consumer(environ: WSGIEnvironment) -> str:
    principal = environ.get(PRINCIPAL)
    if principal is not None:
        user = principal()
        # As text: user models may have numbers for names.
        return "" if user is None else str(user)
    return _text(environ.get("REMOTE_USER") or "")


def _text(value: str) -> str:
    """Return the text of a WSGI string: UTF-8 bytes as latin-1 characters (PEP 3333)."""
    if value.isascii():
        return value
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:  # set by a middleware as text, or in latin-1
        return value


def _server_name(environ: WSGIEnvironment) -> str:
    """Return SERVER_NAME as it would be in a Host header: an IPv6 address in brackets."""
    name: str = environ["SERVER_NAME"]
    return f"[{name}]" if ":" in name and not name.startswith("[") else name


def _host_matches(patterns: tuple[str, ...], environ: WSGIEnvironment) -> bool:
    """Return whether the Host header matches a name, `*.name` or `name.*`, and the port if given.

    A request without a Host header (HTTP/1.0) has the server's own name. A Host header
    without a port has the default port of the scheme, as in Kong.
    """
    host = (environ.get("HTTP_HOST") or _server_name(environ)).lower()
    name, port = re.fullmatch(r"(.*?)\.?(:\d*)?", host, re.DOTALL).groups()  # type: ignore[union-attr]
    if port in (None, ":"):
        port = ":443" if environ.get("wsgi.url_scheme") == "https" else ":80"
    for pattern in patterns:
        pattern_name, pattern_port = re.fullmatch(r"(.*?)(:\d+)?", pattern).groups()  # type: ignore[union-attr]
        if pattern_port is not None and pattern_port != port:
            continue
        if pattern_name.startswith("*."):
            if name.endswith(pattern_name[1:]) and len(name) > len(pattern_name) - 1:
                return True
        elif pattern_name.endswith(".*"):
            if name.startswith(pattern_name[:-1]):
                return True
        elif name == pattern_name:
            return True
    return False
