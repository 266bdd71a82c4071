"""Step 1: which route owns this request."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

from wsgi_lambda.options import Match, Route


class RouteTable:
    """The routes, ordered so that the first one that matches is the right one.

    A path ends at a segment: ``/pay`` owns ``/pay/7`` but not ``/payments``.
    Kong would take both; a middleware that did so would hide pages of the app.
    The longest path comes first; under one path a route for named consumers
    comes before one for all, then the order of the configuration holds.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        ordered = sorted(
            ((_as_path_info(route.path), route) for route in routes),
            key=lambda item: (-len(item[0]), not item[1].match.consumers),
        )
        #: All routes, in the order in which they are asked.
        self.routes = tuple(route for _, route in ordered)
        self._by_path = {
            path: tuple(route for other, route in ordered if other == path) for path, _ in ordered
        }
        #: How many segments the longest route has, by the first segment.
        self._depths: dict[str, int] = {}
        for path, _ in ordered:
            if path:
                first = path[1:].partition("/")[0]
                self._depths[first] = max(path.count("/"), self._depths.get(first, 0))
        #: Routes of "/", which may own any path.
        self._everywhere = self._by_path.get("", ())

    def find(self, environ: WSGIEnvironment) -> Route | None:
        """Return the route that owns ``environ``, or None if the wrapped app does.

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
                for route in self._by_path.get(prefix, ()):
                    if _matches(route.match, environ):
                        return route
                prefix = prefix.rpartition("/")[0]
        if self._everywhere:
            return next((r for r in self._everywhere if _matches(r.match, environ)), None)
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
