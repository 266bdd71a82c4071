"""Find the route that owns a request."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

from wsgi_lambda.options import Match, Route


class HasRoute(Protocol):
    """Anything with a route, such as a backend; without a route it owns no request."""

    @property
    def route(self) -> Route | None: ...


Item = TypeVar("Item", bound=HasRoute)


class RouteTable(Generic[Item]):
    """A table of items that have a route, ordered by precedence.

    A path ends at a segment: ``/pay`` owns ``/pay/7`` but not ``/payments``.
    Kong matches both; a middleware that did so would hide pages of the app.
    The longest path comes first. Under one path, routes with `consumers` come
    before those without, and then the order of the configuration decides. The
    item ``for_nul``, if given, owns each path with a NUL character.
    """

    def __init__(self, items: Iterable[Item], *, for_nul: Item | None = None) -> None:
        routed = [(item.route, item) for item in items if item.route is not None]
        ordered = sorted(
            ((_as_path_info(route.path), route.match, item) for route, item in routed),
            key=lambda row: (-len(row[0]), not row[1].consumers),
        )
        #: All items, in order of precedence.
        self.items = tuple(item for *_, item in ordered)
        self._for_nul = for_nul
        self._by_path: dict[str, list[tuple[Match, Item]]] = {}
        #: The number of segments of the longest path, by its first segment.
        self._depths: dict[str, int] = {}
        for path, match, item in ordered:
            self._by_path.setdefault(path, []).append((match, item))
            if path:
                first = path[1:].partition("/")[0]
                self._depths[first] = max(path.count("/"), self._depths.get(first, 0))
        #: Items with the path "/", which may own any request.
        self._everywhere = self._by_path.get("", ())

    def find(self, environ: WSGIEnvironment) -> Item | None:
        """Return the item whose route owns ``environ``, or None if the wrapped app does.

        Paths are compared as they are in PATH_INFO: percent-decoded once by the
        server, as Flask and Django see them. The cost does not depend on the
        number of routes or the length of the path: one look-up for the first
        segment, and only if it matches, one for each segment of a route.
        """
        path = environ.get("PATH_INFO", "")
        if "\0" in path and self._for_nul is not None:
            return self._for_nul
        before, _, rest = path.partition("/")
        if before or rest.startswith("/"):
            # Flask treats "//pay" and "pay" as "/pay": they must not bypass the route.
            rest = path.lstrip("/")
            path = f"/{rest}"
        depth = self._depths.get(rest.partition("/")[0])
        if depth is not None:
            prefix = "/".join(path.split("/", depth + 1)[: depth + 1])
            while prefix:
                for match, item in self._by_path.get(prefix, ()):
                    if _matches(match, environ):
                        return item
                prefix = prefix.rpartition("/")[0]
        for match, item in self._everywhere:
            if _matches(match, environ):
                return item
        return None


def _as_path_info(path: str) -> str:
    """Return a configured path as in PATH_INFO: UTF-8 bytes as latin-1 characters (PEP 3333)."""
    return path.rstrip("/").encode().decode("latin-1")


def _matches(match: Match, environ: WSGIEnvironment) -> bool:
    if match.methods and environ["REQUEST_METHOD"].upper() not in match.methods:
        return False
    if match.consumers and environ.get("REMOTE_USER") not in match.consumers:
        return False
    return not match.hosts or _host_matches(match.hosts, environ)


def _server_name(environ: WSGIEnvironment) -> str:
    """Return SERVER_NAME as it would be in a Host header: an IPv6 address in brackets."""
    name: str = environ["SERVER_NAME"]
    return f"[{name}]" if ":" in name and not name.startswith("[") else name


def _host_matches(patterns: tuple[str, ...], environ: WSGIEnvironment) -> bool:
    """Return whether the Host header matches a name, `*.name` or `name.*`, and the port if given.

    A request without a Host header (HTTP/1.0) has the server's own name.
    """
    host = (environ.get("HTTP_HOST") or _server_name(environ)).lower()
    name, port = re.fullmatch(r"(.*?)\.?(:\d*)?", host, re.DOTALL).groups()  # type: ignore[union-attr]
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
