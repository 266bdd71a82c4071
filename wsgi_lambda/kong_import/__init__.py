"""Turn Kong's declarative file into a configuration and a report.

In: a parsed document. Out: an `Import`, with a note for each difference and
everything that was not imported. Never: read a file or the environment, or
connect to anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from wsgi_lambda.errors import ConfigError, Problem
from wsgi_lambda.kong_import.document import Entity, KongFile, read_document
from wsgi_lambda.kong_import.entries import Entry, make_entries
from wsgi_lambda.kong_import.not_imported import loss_notes
from wsgi_lambda.kong_import.notes import Kind, Note
from wsgi_lambda.kong_import.routing_differences import routing_notes

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
_NOT_SHARED = frozenset(("methods", "hosts", "consumers", "function_name", "strip_path"))


@dataclass(frozen=True, slots=True)
class Import:
    """A configuration, whose values may be `Variable` or `Joined`, and the notes about it."""

    configuration: dict[str, Any]
    notes: list[Note]


def convert(document: object) -> Import:
    """Return the configuration for the functions in ``document``, with notes.

    Raises `ConfigError` if it is not a declarative file of format 1.1, 2.1 or 3.0.
    """
    file = read_document(document)
    file.plugins = [_with_shared_config(plugin, file.document) for plugin in file.plugins]
    by_route: dict[str, list[Entry]] = {}
    ran: set[str] = set()
    for route in _live_routes(file):
        for plugin, consumer in _plugins_that_run(file, route):
            ran.add(plugin.place)
            by_route.setdefault(route.place, []).extend(make_entries(route, plugin, consumer, file))
    entries = [entry for of_route in by_route.values() for entry in of_route]
    file.notes.extend(routing_notes(file, entries))
    file.notes.extend(loss_notes(file, ran, {entry.route for entry in entries}))
    return Import(_assemble(entries), file.notes)


def _with_shared_config(plugin: Entity, document: Mapping[str, Any]) -> Entity:
    """Merge the config under decK's `_plugin_configs` that a plugin names; its own one wins."""
    name = plugin.fields.get("_config")
    if name is None:
        return plugin
    configs, own = document.get("_plugin_configs"), plugin.fields.get("config") or {}
    shared = configs.get(str(name)) if isinstance(configs, Mapping) else None
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


def _plugins_that_run(file: KongFile, route: Entity) -> Iterator[tuple[Entity, Entity | None]]:
    """Yield each aws-lambda plugin that runs on ``route``, with its consumer or None for all."""
    candidates = [
        plugin
        for plugin in file.plugins
        if plugin.name == LAMBDA and plugin.enabled and not plugin.group and plugin.runs_on(route)
    ]
    for consumer in file.consumers:
        chosen = _most_specific(
            plugin for plugin in candidates if plugin.consumer in (None, consumer.place)
        )
        if chosen is not None and chosen.consumer is not None:
            yield chosen, consumer
    for_all = _most_specific(plugin for plugin in candidates if plugin.consumer is None)
    if for_all is not None:
        yield for_all, None


def _most_specific(plugins: Iterable[Entity]) -> Entity | None:
    return min(plugins, key=lambda plugin: _PRECEDENCE.index(_parents(plugin)), default=None)


def _parents(plugin: Entity) -> set[str]:
    return {name for name in ("consumer", "route", "service") if getattr(plugin, name) is not None}


def _assemble(entries: list[Entry]) -> dict[str, Any]:
    """Return the configuration: shared options, then the paths in the order of the file."""
    shared = _shared([entry.options for entry in entries])
    by_path: dict[str, list[Entry]] = {}
    for entry in entries:
        by_path.setdefault(entry.path, []).append(entry)
    routes: dict[str, Any] = {}
    for path, of_path in by_path.items():
        ordered = [
            {name: value for name, value in entry.options.items() if name not in shared}
            for entry in sorted(of_path, key=lambda entry: entry.rank)
        ]
        routes[path] = ordered[0] if len(ordered) == 1 else ordered
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
