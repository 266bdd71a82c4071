"""A declarative file of Kong's to a setting, and notes of all that is not carried over.

Pure functions: a parsed document goes in, nothing is read or looked up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from wsgi_lambda.errors import ConfigError, Problem
from wsgi_lambda.kong_import.differences import routing_notes
from wsgi_lambda.kong_import.document import Entity, KongFile, read_document
from wsgi_lambda.kong_import.entries import Entry, make_entries
from wsgi_lambda.kong_import.left_behind import left_behind
from wsgi_lambda.kong_import.notes import Kind, Note

#: The plugin that is carried over.
LAMBDA = "aws-lambda"

#: What a plugin is bound to, the most specific first: of several that fit a request, one runs.
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

#: Options that are never the same for all routes, or must stand beside the path.
_NOT_SHARED = frozenset(("methods", "hosts", "consumers", "function_name", "strip_path"))


@dataclass(frozen=True, slots=True)
class Import:
    """A setting, in which a value may be a `Variable` or `Joined`, and what there is to say."""

    setting: dict[str, Any]
    notes: list[Note]


def convert(document: object) -> Import:
    """Return the setting that does what ``document`` says, with notes of all the rest.

    Raises `ConfigError` if it is no declarative file of format 1.1, 2.1 or 3.0.
    """
    file = read_document(document)
    file.plugins = [_with_shared_config(plugin, file.document) for plugin in file.plugins]
    carried: dict[str, list[Entry]] = {}
    ran: set[str] = set()
    for route in _live_routes(file):
        for plugin, consumer in _running(file, route):
            ran.add(plugin.place)
            carried.setdefault(route.place, []).extend(make_entries(route, plugin, consumer, file))
    entries = [entry for of_route in carried.values() for entry in of_route]
    file.notes.extend(routing_notes(file, entries))
    file.notes.extend(left_behind(file, ran, {entry.route for entry in entries}))
    return Import(_assemble(entries), file.notes)


def _with_shared_config(plugin: Entity, document: Mapping[str, Any]) -> Entity:
    """Lay a plugin's config over the one of decK's `_plugin_configs` that it names."""
    name = plugin.fields.get("_config")
    if name is None:
        return plugin
    configs, own = document.get("_plugin_configs"), plugin.fields.get("config") or {}
    shared = configs.get(str(name)) if isinstance(configs, Mapping) else None
    if not isinstance(shared, Mapping) or not isinstance(own, Mapping):
        text = "_config: not in _plugin_configs"
        raise ConfigError([Problem(plugin.place, text, "invalid_kong_file")])
    return replace(plugin, fields={**plugin.fields, "config": {**shared, **own}})


def _live_routes(file: KongFile) -> Iterator[Entity]:
    """Yield the routes whose service is not switched off."""
    off = {service.place for service in file.services if not service.enabled}
    for route in file.routes:
        if route.service in off:
            text = "its service is disabled in Kong"
            file.notes.append(Note(Kind.LEFT_OUT, route.place, text))
        else:
            yield route


def _running(file: KongFile, route: Entity) -> Iterator[tuple[Entity, Entity | None]]:
    """Yield the aws-lambda plugins that run on ``route``, with the consumer they run for."""
    fitting = [
        plugin
        for plugin in file.plugins
        if plugin.name == LAMBDA and plugin.enabled and not plugin.group and plugin.runs_on(route)
    ]
    for consumer in file.consumers:
        found = _best(plugin for plugin in fitting if plugin.consumer in (None, consumer.place))
        if found is not None and found.consumer is not None:
            yield found, consumer
    everybody = _best(plugin for plugin in fitting if plugin.consumer is None)
    if everybody is not None:
        yield everybody, None


def _best(plugins: Iterable[Entity]) -> Entity | None:
    return min(plugins, key=lambda plugin: _PRECEDENCE.index(_bound_to(plugin)), default=None)


def _bound_to(plugin: Entity) -> set[str]:
    return {name for name in ("consumer", "route", "service") if getattr(plugin, name) is not None}


def _assemble(entries: list[Entry]) -> dict[str, Any]:
    """Return the setting: what all entries share, then the paths in the order of the file."""
    shared = _shared([entry.options for entry in entries])
    by_path: dict[str, list[Entry]] = {}
    for entry in entries:
        by_path.setdefault(entry.path, []).append(entry)
    routes: dict[str, Any] = {}
    for path, several in by_path.items():
        ordered = [
            {name: value for name, value in entry.options.items() if name not in shared}
            for entry in sorted(several, key=lambda entry: entry.rank)
        ]
        routes[path] = ordered[0] if len(ordered) == 1 else ordered
    return {**shared, "routes": routes}


def _shared(all_options: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the options that every one of several entries has with the same value."""
    if len(all_options) < 2:
        return {}
    return {
        name: value
        for name, value in all_options[0].items()
        if name not in _NOT_SHARED
        and all(name in options and options[name] == value for options in all_options)
    }
