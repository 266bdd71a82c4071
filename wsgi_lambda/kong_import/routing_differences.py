"""Find requests that reach another route than in Kong, which tries routes in another order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wsgi_lambda.kong_import.document import Entity, KongFile
from wsgi_lambda.kong_import.entries import Entry, as_list, plain_paths
from wsgi_lambda.kong_import.notes import Kind, Note


def routing_notes(file: KongFile, entries: list[Entry]) -> Iterator[Note]:
    """Yield a note for each pair of routes whose order may change."""
    yield from _conditions_before_length(entries)
    yield from _consumers_before_conditions(entries)
    for_all = [entry for entry in entries if "consumers" not in entry.options]
    imported = {entry.route for entry in for_all}
    for route in file.routes:
        if route.place not in imported:
            yield from _proxied_below(route, file, entries)


def _conditions_before_length(entries: list[Entry]) -> Iterator[Note]:
    """Kong tries the route with more conditions first; here the longer path comes first."""
    for entry in entries:
        for longer in entries:
            if (
                entry.path != longer.path
                and _is_below(longer.path, entry.path)
                and entry.conditions > longer.conditions
            ):
                text = (
                    f"Kong tried this route before {longer.path!r} of {longer.route}, because "
                    "it has more conditions; here the longer path comes first"
                )
                yield Note(Kind.DIFFERENCE, entry.route, text)


def _consumers_before_conditions(entries: list[Entry]) -> Iterator[Note]:
    """Kong picks the route before the consumer; here entries with consumers come first."""
    for entry in entries:
        for other in entries:
            if (
                entry.path == other.path
                and entry.route != other.route
                and "consumers" in entry.options
                and "consumers" not in other.options
                and entry.rank > other.rank
            ):
                text = (
                    f"for its consumers this route comes before {other.route} at {entry.path!r}; "
                    "in Kong it came after it"
                )
                yield Note(Kind.DIFFERENCE, entry.route, text)


def _proxied_below(route: Entity, file: KongFile, entries: list[Entry]) -> Iterator[Note]:
    """A route that Kong proxied, for some consumers at least, below the path of a function."""
    for path in plain_paths(route, file.version):
        for entry in entries:
            if (
                entry.route != route.place
                and _is_below(path, entry.path)
                and not _cannot_overlap(route, entry)
            ):
                text = (
                    f"requests that Kong proxied reach a function here: {path!r} is below "
                    f"{entry.path!r} of {entry.route}"
                )
                yield Note(Kind.DIFFERENCE, route.place, text)


def _is_below(path: str, prefix: str) -> bool:
    return prefix == "/" or path == prefix or path.startswith(f"{prefix}/")


def _cannot_overlap(route: Entity, entry: Entry) -> bool:
    """Return whether their methods or plain hosts exclude each other."""
    return any(
        _are_disjoint(as_list(entry.options.get(name)), as_list(route.fields.get(name)))
        for name in ("methods", "hosts")
    )


def _are_disjoint(ours: list[Any], theirs: list[Any]) -> bool:
    is_plain = all(isinstance(item, str) and "*" not in item for item in [*ours, *theirs])
    return bool(is_plain and ours and theirs) and not set(ours) & set(theirs)
