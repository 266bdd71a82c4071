"""Find requests that reach another route than in Kong, which tries routes in another order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from wsgi_lambda.kong_import.document import Entity, KongFile
from wsgi_lambda.kong_import.entries import Entry
from wsgi_lambda.kong_import.notes import Kind, Note
from wsgi_lambda.kong_import.paths import as_list, read_paths
from wsgi_lambda.kong_import.rank import kong_rank, overlap, specificity


def routing_notes(file: KongFile, entries: list[Entry], made: list[Entry]) -> Iterator[Note]:
    """Yield a note for each pair of routes whose order changes, and may matter.

    ``made`` contains ``entries``, and those that no request can reach.
    """
    ranked = [(entry, _rank_here(entry)) for entry in entries]
    for entry, rank in ranked:
        for other, rank_of_other in ranked:
            if (
                rank_of_other < rank
                and entry.rank < other.rank
                and entry.route != other.route
                and _overlap(entry, other)
            ):
                text = (
                    f"Kong tried this route before {other.route}; here {str(other.path.path)!r} of "
                    f"that one comes first, because {_reason(other, entry)}"
                )
                yield Note(Kind.DIFFERENCE, entry.route, text)
    for_all = {entry.route for entry in made if "consumers" not in entry.options}
    for route in file.routes:
        if route.place not in for_all:
            yield from _proxied_before(route, file, entries)


def without_hidden(entries: Iterable[Entry], notes: list[Note]) -> list[Entry]:
    """Return the entries that a request can reach; note the others.

    `LambdaMiddleware` rejects a configuration that contains such routes.
    """
    kept: dict[object, list[Entry]] = {}
    hidden: list[tuple[Entry, Entry]] = []
    for entry in sorted(entries, key=lambda entry: (_own_order(entry), entry.rank)):
        same_path = kept.setdefault((entry.path.path.shape, entry.is_exact), [])
        hiding = next((other for other in same_path if _hides(other, entry)), None)
        if hiding is None:
            same_path.append(entry)
        else:
            hidden.append((entry, hiding))
    reached = [entry for same_path in kept.values() for entry in same_path]
    functions = {entry.function for entry in reached}
    for entry, hiding in hidden:
        kind = Kind.NOT_IMPORTED if entry.function in functions else Kind.LOST
        text = f"no request can reach it: {hiding.route} gets all of its requests first"
        notes.append(Note(kind, entry.route, text))
    return reached


def _rank_here(entry: Entry) -> tuple[object, ...]:
    return (specificity(entry.path.path, exact=entry.is_exact), *_own_order(entry))


def _reason(earlier: Entry, later: Entry) -> str:
    """Return why ``earlier`` comes first here."""
    if _rank_here(earlier)[0] != _rank_here(later)[0]:
        return f"it is more specific than {str(later.path.path)!r}"
    return "it has consumers" if "consumers" in earlier.options else "it has headers"


def _own_order(entry: Entry) -> tuple[bool, bool]:
    """Return the order of entries under the same path here."""
    return "consumers" not in entry.options, "headers" not in entry.options


def _hides(earlier: Entry, later: Entry) -> bool:
    """Return whether ``earlier`` matches all requests of ``later``, which has the same path."""
    return all(
        _covers(earlier.options.get(name), later.options.get(name))
        for name in ("methods", "hosts", "consumers")
    ) and _headers_cover(earlier.options.get("headers"), later.options.get("headers"))


def _covers(earlier: Any, later: Any) -> bool:
    theirs = as_list(later)
    return not earlier or bool(theirs and all(each in as_list(earlier) for each in theirs))


def _headers_cover(earlier: Any, later: Any) -> bool:
    if not isinstance(earlier, Mapping):
        return True
    theirs = later if isinstance(later, Mapping) else {}
    return all(name in theirs and _covers(earlier[name], theirs[name]) for name in earlier)


def _overlap(entry: Entry, other: Entry) -> bool:
    paths = overlap(entry.path.path, entry.is_exact, other.path.path, other.is_exact)
    return paths and not _exclude_each_other(entry.options, other.options)


def _proxied_before(route: Entity, file: KongFile, entries: list[Entry]) -> Iterator[Note]:
    """A route that Kong proxied, for some consumers at least, and tried before a function's."""
    paths, _ = read_paths(route, file.version)
    for path in paths:
        for entry in entries:
            if (
                entry.route != route.place
                and kong_rank(route, path) <= entry.rank
                and overlap(path.path, path.exact, entry.path.path, entry.is_exact)
                and not _exclude_each_other(entry.options, route.fields)
            ):
                text = (
                    f"requests that Kong proxied reach a function here: {str(path.path)!r} "
                    f"and {str(entry.path.path)!r} of {entry.route} match the same requests"
                )
                yield Note(Kind.DIFFERENCE, route.place, text)


def _exclude_each_other(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    """Return whether their methods or plain hosts have nothing in common."""
    return any(
        _are_disjoint(as_list(ours.get(name)), as_list(theirs.get(name)))
        for name in ("methods", "hosts")
    )


def _are_disjoint(ours: list[Any], theirs: list[Any]) -> bool:
    is_plain = all(isinstance(item, str) and "*" not in item for item in [*ours, *theirs])
    return bool(is_plain and ours and theirs) and not set(ours) & set(theirs)
