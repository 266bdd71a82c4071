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
        #: Routes of "/", which may own any path.
        self._everywhere = tuple(item for item in ordered if item[0] == "")
        self._by_segment = {
            segment: tuple(item for item in ordered if _segment(item[0]) in (segment, ""))
            for segment in {_segment(path) for path, _ in ordered if path}
        }

    def find(self, environ: WSGIEnvironment) -> Route | None:
        """Return the route that owns ``environ``, or None if the wrapped app does.

        Paths are compared as PATH_INFO holds them (decoded once by the server,
        as Flask and Django see them), and one that does not match costs one
        look-up of its first segment.
        """
        path = environ.get("PATH_INFO", "")
        candidates = self._by_segment.get(_segment(path), self._everywhere)
        for prefix, route in candidates:
            ends_at_segment = path[len(prefix) : len(prefix) + 1] in ("", "/")
            if ends_at_segment and path.startswith(prefix) and _matches(route.match, environ):
                return route
        return None


def _segment(path: str) -> str:
    return path[1:].partition("/")[0]


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
