"""Read Kong's declarative file into flat lists of services, routes, consumers and plugins.

An entity may be at the top of the file and name its parents, or inside a parent.
https://developer.konghq.com/gateway/db-less-mode/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from wsgi_lambda.errors import ConfigError, Problem
from wsgi_lambda.kong_import.notes import Kind, Note

FORMATS = ("1.1", "2.1", "3.0")


@dataclass(frozen=True, slots=True)
class Entity:
    """A service, route, consumer or plugin, with its own place and its parents' places.

    A place looks like ``services[0] (shop).routes[1]``. A route has a
    ``service``. A plugin may have several parents, and runs for requests that
    belong to all of them. ``group`` is true for a plugin of a consumer group.
    """

    place: str
    fields: Mapping[str, Any] = field(repr=False)
    service: str | None = None
    route: str | None = None
    consumer: str | None = None
    group: bool = False

    @property
    def enabled(self) -> bool:
        return self.fields.get("enabled") is not False

    @property
    def name(self) -> str:
        return str(self.fields.get("name"))

    def runs_on(self, route: Entity) -> bool:
        """Return whether this plugin runs on ``route``, for at least one consumer."""
        return self.route in (None, route.place) and self.service in (None, route.service)


@dataclass(slots=True)
class KongFile:
    """The entities of a file, and notes of those that could not be read."""

    version: str
    document: Mapping[str, Any]
    services: list[Entity] = field(default_factory=list)
    routes: list[Entity] = field(default_factory=list)
    consumers: list[Entity] = field(default_factory=list)
    plugins: list[Entity] = field(default_factory=list)
    #: The prefix of each vault of the environment, and that of its variables' names.
    vaults: dict[str, str] = field(default_factory=lambda: {"env": ""})
    notes: list[Note] = field(default_factory=list)


def read_document(document: object) -> KongFile:
    """Return the entities of ``document``; raises `ConfigError` if it is not Kong's."""
    if not isinstance(document, Mapping):
        text = f"must be a mapping, not {type(document).__name__}"
        raise ConfigError([Problem("", text, "invalid_kong_file")])
    version = str(document.get("_format_version"))
    if version not in FORMATS:
        text = f"must be one of {', '.join(FORMATS)}"
        raise ConfigError([Problem("_format_version", text, "invalid_kong_file")])
    file = KongFile(version, document)
    _read_parents(document, file)
    _read_routes(document, file)
    _read_plugins(document, file)
    return file


def entities(parent: Mapping[str, Any], key: str, at: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (place, fields) of the entities of one kind; ``at`` is the parent's place."""
    items = parent.get(key) or []
    where = f"{at}.{key}" if at else key
    if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
        raise ConfigError([Problem(where, "must be a list of mappings", "invalid_kong_file")])
    for number, item in enumerate(items):
        name = item.get("name") or item.get("username")
        yield f"{where}[{number}]" + (f" ({name})" if name else ""), item


def _read_parents(document: Mapping[str, Any], file: KongFile) -> None:
    file.services = [Entity(place, own) for place, own in entities(document, "services")]
    file.consumers = [Entity(place, own) for place, own in entities(document, "consumers")]
    for place, own in entities(document, "vaults"):
        config = own.get("config") or {}
        if own.get("name") == "env" and isinstance(config, Mapping):
            file.vaults[str(own.get("prefix"))] = str(config.get("prefix") or "")
        else:
            text = "only vaults of the environment are imported"
            file.notes.append(Note(Kind.NOT_IMPORTED, place, text))


def _read_routes(document: Mapping[str, Any], file: KongFile) -> None:
    for service in file.services:
        for place, own in entities(service.fields, "routes", service.place):
            file.routes.append(Entity(place, own, service=service.place))
    for place, own in entities(document, "routes"):
        _add(file.routes, Entity(place, own), ("service",), file)


def _read_plugins(document: Mapping[str, Any], file: KongFile) -> None:
    for kind, parents in (
        ("service", file.services),
        ("route", file.routes),
        ("consumer", file.consumers),
    ):
        for parent in parents:
            for place, own in entities(parent.fields, "plugins", parent.place):
                _add_plugin(place, own, file, **{kind: parent.place})
    for group, fields in entities(document, "consumer_groups"):
        for place, own in entities(fields, "plugins", group):
            _add_plugin(place, own, file, group=True)
    for place, own in entities(document, "plugins"):
        _add_plugin(place, own, file)


def _add_plugin(place: str, own: Mapping[str, Any], file: KongFile, **parents: Any) -> None:
    group = bool(own.get("consumer_group")) or bool(parents.pop("group", False))
    plugin = Entity(place, own, group=group, **parents)
    _add(file.plugins, plugin, ("service", "route", "consumer"), file)


def _add(known: list[Entity], entity: Entity, parents: tuple[str, ...], file: KongFile) -> None:
    """Add ``entity`` with the parents that it names, or a note if a parent is missing."""
    places = {name: getattr(entity, name) for name in ("service", "route", "consumer")}
    for name in parents:
        reference = entity.fields.get(name)
        if reference is not None:
            places[name] = _find(reference, getattr(file, f"{name}s"))
            if places[name] is None:
                text = f"its {name} is not in the file"
                file.notes.append(Note(Kind.NOT_IMPORTED, entity.place, text))
                return
    known.append(Entity(entity.place, entity.fields, group=entity.group, **places))


def _find(reference: Any, candidates: list[Entity]) -> str | None:
    """Return the place of the entity with this name, username or id."""
    keys = [*reference.values()] if isinstance(reference, Mapping) else [reference]
    for candidate in candidates:
        names = [candidate.fields.get(name) for name in ("name", "username", "id")]
        if any(key is not None and key in names for key in keys):
            return candidate.place
    return None
