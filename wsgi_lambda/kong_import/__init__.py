"""Turn Kong's declarative file into a configuration and a report.

In: a parsed document. Out: an `Import`, with a note for each difference and
everything that was not imported. Never: read a file or the environment, or
connect to anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from wsgi_lambda.errors import ConfigError, Problem
from wsgi_lambda.kong_import.document import (
    Document,
    Entity,
    KongFile,
    check_names,
    read_documents,
)
from wsgi_lambda.kong_import.entries import Entry, function_name, make_entries
from wsgi_lambda.kong_import.kubernetes import is_manifest, read_manifests
from wsgi_lambda.kong_import.not_imported import loss_notes
from wsgi_lambda.kong_import.notes import Kind, Note
from wsgi_lambda.kong_import.routing_differences import routing_notes, without_hidden
from wsgi_lambda.kong_import.writer import NamedRoute
from wsgi_lambda.options.parsers import type_in_words

#: The plugin that is imported.
LAMBDA = "aws-lambda"

#: The parents of a plugin, most specific first: of several that match a request, one runs.
#: https://developer.konghq.com/gateway/entities/plugin/#plugin-precedence
_PRECEDENCE = (
    {"consumer", "route", "service"},
    {"consumer", "route"},
    {"consumer", "service"},
    {"route", "service"},
    {"consumer"},
    {"route"},
    {"service"},
    set[str](),
)

#: Options that belong to one path and cannot be defaults.
_NOT_SHARED = frozenset(
    ("add_path", "consumers", "exact", "function_name", "headers", "hosts", "methods", "strip_path")
)


@dataclass(frozen=True, slots=True)
class Import:
    """A configuration, whose values may be `Variable` or `Joined`, and the notes about it."""

    configuration: dict[str, Any]
    notes: list[Note]


def convert(document: object) -> Import:
    """Return the configuration for the functions in ``document``, with notes."""
    return convert_all([("", document)])


def convert_all(documents: Sequence[tuple[str, object]]) -> Import:
    """Return the configuration for the functions in ``documents``, merged as decK does.

    Each document has the name of its file, for messages, or "". Raises
    `ConfigError` if one is neither a declarative file of format 1.1, 2.1 or 3.0
    nor a Kubernetes manifest.
    """
    file = _read(documents)
    file.plugins = [_with_shared_config(plugin, file.plugin_configs) for plugin in file.plugins]
    made: list[Entry] = []
    ran: dict[str, Entity] = {}
    functions: dict[str, str] = {}
    lambdas = [each for each in file.plugins if each.name == LAMBDA and each.enabled]
    file.notes.extend(_rejected(lambdas))
    for route in _live_routes(file):
        for plugin, consumer in _plugins_that_run(file, route, lambdas):
            ran[plugin.place] = plugin
            functions.setdefault(function_name(plugin), route.place)
            made.extend(make_entries(route, plugin, consumer, file))
    reached = {id(entry) for entry in without_hidden(made, file.notes)}
    entries = [entry for entry in made if id(entry) in reached]
    file.notes.extend(_lost_functions(functions, made))
    file.notes.extend(routing_notes(file, entries, made))
    file.notes.extend(loss_notes(file, set(ran), {entry.route for entry in made}))
    return Import(_assemble(entries, file.notes), file.notes)


def _read(documents: Sequence[tuple[str, object]]) -> KongFile:
    found: list[Document] = []
    for number, (name, document) in enumerate(documents):
        at = f"{name}: " if name else ""
        if not isinstance(document, Mapping):
            text = f"must be a mapping, not {type_in_words(document)}"
            text = f"{at}{'is empty' if document is None else text}"
            raise ConfigError([Problem("", text, "invalid_kong_file")])
        if not is_manifest(document) and name in [other for other, _ in documents[:number]]:
            at = f"{at}document {number + 1}: "
        found.append(Document(at, document))
    file = KongFile()
    read_documents([each for each in found if not is_manifest(each.fields)], file)
    read_manifests([each for each in found if is_manifest(each.fields)], file)
    check_names(file)
    return file


def _lost_functions(functions: Mapping[str, str], made: list[Entry]) -> Iterator[Note]:
    """Yield a note for each function that ran on a route in Kong, and has no entry here.

    `without_hidden` notes those whose entries no request can reach.
    """
    imported = {entry.function for entry in made}
    for name, route in functions.items():
        if name not in imported:
            text = f"the function {name!r} has no route here: its requests go to the app"
            yield Note(Kind.LOST, route, text)


def _with_shared_config(plugin: Entity, configs: Mapping[str, Any]) -> Entity:
    """Merge the config under decK's `_plugin_configs` that a plugin names; its own one wins."""
    name = plugin.fields.get("_config")
    if name is None:
        return plugin
    own, shared = plugin.fields.get("config") or {}, configs.get(str(name))
    if not isinstance(shared, Mapping) or not isinstance(own, Mapping):
        text = "_config: must name a mapping in _plugin_configs"
        raise ConfigError([Problem(plugin.place, text, "invalid_kong_file")])
    return replace(plugin, fields={**plugin.fields, "config": {**shared, **own}})


def _live_routes(file: KongFile) -> Iterator[Entity]:
    """Yield the routes whose service is not disabled."""
    disabled = {service.place for service in file.services if not service.enabled}
    for route in file.routes:
        if route.service in disabled:
            text = "its service is disabled in Kong"
            file.notes.append(Note(Kind.NOT_IMPORTED, route.place, text))
        else:
            yield route


def _plugins_that_run(
    file: KongFile, route: Entity, lambdas: list[Entity]
) -> Iterator[tuple[Entity, Entity | None]]:
    """Yield each aws-lambda plugin that runs on ``route``, with its consumer or None for all."""
    candidates = [plugin for plugin in lambdas if plugin.runs_on(route) and not plugin.group]
    for consumer in file.consumers:
        chosen = _most_specific(
            plugin for plugin in candidates if plugin.consumer in (None, consumer.place)
        )
        if chosen is not None and chosen.consumer is not None:
            yield chosen, consumer
    for_all = _most_specific(plugin for plugin in candidates if plugin.consumer is None)
    if for_all is not None:
        yield for_all, None


def _rejected(lambdas: list[Entity]) -> Iterator[Note]:
    """Yield a note for each plugin that Kong rejects, because another one has the same parents."""
    first: dict[object, Entity] = {}
    for plugin in lambdas:
        known = first.setdefault((plugin.service, plugin.route, plugin.consumer), plugin)
        if known is not plugin and not plugin.group and not known.group:
            text = f"for the same requests as {known.place}: Kong rejects a second plugin"
            yield Note(Kind.ERROR, plugin.place, text)


def _most_specific(plugins: Iterable[Entity]) -> Entity | None:
    return min(plugins, key=lambda plugin: _PRECEDENCE.index(_parents(plugin)), default=None)


def _parents(plugin: Entity) -> set[str]:
    return {name for name in ("consumer", "route", "service") if getattr(plugin, name) is not None}


def _assemble(entries: list[Entry], notes: list[Note]) -> dict[str, Any]:
    """Return the configuration: shared options, then the paths in the order of the file.

    Paths that differ in the names of their parameters only are one path.
    """
    shared = _shared([entry.options for entry in entries])
    by_shape: dict[object, list[Entry]] = {}
    for entry in entries:
        by_shape.setdefault(entry.path.path.shape, []).append(entry)
    routes: dict[str, Any] = {}
    for same_path in by_shape.values():
        path = str(same_path[0].path.path)
        ordered = sorted(same_path, key=lambda entry: entry.rank)
        found = [
            NamedRoute(
                {name: value for name, value in entry.options.items() if name not in shared},
                name=entry.name,
            )
            for entry in ordered
        ]
        routes[path] = found[0] if len(found) == 1 else found
        for entry in same_path:
            if str(entry.path.path) != path:
                text = f"the parameters of {str(entry.path.path)!r} are named as in {path!r} here"
                notes.append(Note(Kind.DIFFERENCE, entry.route, text))
    return {**shared, "routes": routes}


def _shared(all_options: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the options that all entries have in common; {} for a single entry."""
    if len(all_options) < 2:
        return {}
    return {
        name: value
        for name, value in all_options[0].items()
        if name not in _NOT_SHARED
        and all(name in options and options[name] == value for options in all_options)
    }
