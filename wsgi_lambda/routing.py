"""Step 1: which route owns this request."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

from wsgi_lambda.options import Match, Route


class HasRoute(Protocol):
    """Whatever is found for a request: a backend, a route's name, a test's value."""

    @property
    def route(self) -> Route: ...


Item = TypeVar("Item", bound=HasRoute)


class RouteTable(Generic[Item]):
    """Items ordered so that the first one whose route matches a request is the right one.

    A path ends at a segment: ``/pay`` owns ``/pay/7`` but not ``/payments``.
    Kong matches both; a middleware that did so would hide pages of the app.
    The longest path comes first; under one path a route for named consumers
    comes before one for all, then the order of the configuration holds.
    """

    def __init__(self, items: Iterable[Item]) -> None:
        ordered = sorted(
            ((_as_path_info(item.route.path), item) for item in items),
            key=lambda pair: (-len(pair[0]), not pair[1].route.match.consumers),
        )
        #: All items, in the order of matching.
        self.items = tuple(item for _, item in ordered)
        self._by_path = {
            path: tuple((item.route.match, item) for other, item in ordered if other == path)
            for path, _ in ordered
        }
        #: The number of segments of the longest route, by its first segment.
        self._depths: dict[str, int] = {}
        for path, _ in ordered:
            if path:
                first = path[1:].partition("/")[0]
                self._depths[first] = max(path.count("/"), self._depths.get(first, 0))
        #: Items with the path "/", which may own any request.
        self._everywhere = self._by_path.get("", ())

    def find(self, environ: WSGIEnvironment) -> Item | None:
        """Return the item whose route owns ``environ``, or None if the wrapped app does.

        Paths are compared as PATH_INFO holds them (decoded once by the server,
        as Flask and Django see them). One that does not match costs a look-up of
        its first segment, one that may match a look-up for each segment that a
        route has, however many routes there are and however long the path is.
        """
        path = environ.get("PATH_INFO", "")
        before, _, rest = path.partition("/")
        if before or rest.startswith("/"):
            # To Flask "//pay" and "pay" are "/pay": nobody shall pass by the route so.
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
    """Return a configured path as the bytes-in-a-str that PEP 3333 puts into PATH_INFO."""
    return path.rstrip("/").encode().decode("latin-1")


def _matches(match: Match, environ: WSGIEnvironment) -> bool:
    if match.methods and environ["REQUEST_METHOD"].upper() not in match.methods:
        return False
    if match.consumers and environ.get("REMOTE_USER") not in match.consumers:
        return False
    return not match.hosts or _host_matches(match.hosts, environ)


def _server_name(environ: WSGIEnvironment) -> str:
    """Return SERVER_NAME as a Host header would have it: an IPv6 address in brackets."""
    name: str = environ["SERVER_NAME"]
    return f"[{name}]" if ":" in name and not name.startswith("[") else name


def _host_matches(patterns: tuple[str, ...], environ: WSGIEnvironment) -> bool:
    """Compare the Host header with names, `*.name`, `name.*`; a pattern's port counts, too."""
    host = (environ.get("HTTP_HOST") or _server_name(environ)).lower()
    name, port = re.fullmatch(r"(.*?)\.?(:\d*)?", host, re.DOTALL).groups()  # type: ignore[union-attr]
    for pattern in patterns:
        wanted, wanted_port = re.fullmatch(r"(.*?)(:\d+)?", pattern).groups()  # type: ignore[union-attr]
        if wanted_port is not None and wanted_port != port:
            continue
        if wanted.startswith("*."):
            if name.endswith(wanted[1:]) and len(name) > len(wanted) - 1:
                return True
        elif wanted.endswith(".*"):
            if name.startswith(wanted[:-1]):
                return True
        elif name == wanted:
            return True
    return False
