"""Find routes that no request can reach, because an earlier route takes all of theirs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wsgi_lambda.errors import Problem
from wsgi_lambda.options import Match, Route


def find_hidden(placed: Sequence[tuple[str, Route]]) -> Iterator[Problem]:
    """Yield a problem for each hidden route.

    ``placed`` contains the places of the routes (``routes['/a'][1]``) and the
    routes, in the order of the configuration. A route is hidden by an earlier
    one under the same path if every condition of the earlier route is also set
    on it, with the same values or fewer. Host patterns are compared as written.
    """
    by_path: dict[object, list[tuple[str, Route]]] = {}
    for place, route in placed:
        by_path.setdefault(route.path.shape, []).append((place, route))
    for same_path in by_path.values():
        ordered = sorted(same_path, key=lambda item: item[1].precedence)
        for number, (place, route) in enumerate(ordered):
            hiding = next((p for p, other in ordered[:number] if _hides(other, route)), None)
            if hiding is not None:
                text = f"no request can reach it: {hiding} matches all of its requests first"
                yield Problem(place, text, "unreachable")


def _hides(earlier: Route, later: Route) -> bool:
    # An exact route takes one path of a prefix, not those below it.
    return earlier.is_exact == later.is_exact and _covers(earlier.match, later.match)


def _covers(earlier: Match, later: Match) -> bool:
    """Return whether every request that ``later`` matches is matched by ``earlier``."""
    for name in ("methods", "hosts", "consumers"):
        conditions, narrower = set(getattr(earlier, name)), set(getattr(later, name))
        if conditions and not (narrower and narrower <= conditions):
            return False
    of_later = {header.name: header.values for header in later.headers}
    return all(
        header.name in of_later and of_later[header.name] <= header.values
        for header in earlier.headers
    )
