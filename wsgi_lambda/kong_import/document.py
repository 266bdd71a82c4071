"""Kong's declarative file, flat: routes, plugins and consumers, each with what it belongs to.

Entities may stand at the top and name their parents, or stand inside of them.
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
    """One service, route, consumer or plugin, its place in the file, and its parents' places.

    A route has a ``service``; a plugin may have any of the parents, and runs
    where all of them do. ``group`` says that it is for a group of consumers.
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
        """Tell whether this plugin runs for requests of ``route``, of some consumer at least."""
        return self.route in (None, route.place) and self.service in (None, route.service)


@dataclass(slots=True)
class KongFile:
    """All that a file holds and an import may need; ``notes`` tells what could not be read."""

    version: str
    document: Mapping[str, Any]
    services: list[Entity] = field(default_factory=list)
    routes: list[Entity] = field(default_factory=list)
    consumers: list[Entity] = field(default_factory=list)
    plugins: list[Entity] = field(default_factory=list)
    #: What stands for the environment in {vault://…}, and Kong's prefix of the names.
    vaults: dict[str, str] = field(default_factory=lambda: {"env": ""})
    notes: list[Note] = field(default_factory=list)


def read_document(document: object) -> KongFile:
    """Return the entities of ``document``; raises `ConfigError` if it is no file of Kong's."""
    if not isinstance(document, Mapping):
        text = f"Kong's file must be a mapping, not {type(document).__name__}"
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
    found = parent.get(key) or []
    where = f"{at}.{key}" if at else key
    if not isinstance(found, list) or not all(isinstance(item, Mapping) for item in found):
        raise ConfigError([Problem(where, "must be a list of mappings", "invalid_kong_file")])
    for number, item in enumerate(found):
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
            file.notes.append(Note(Kind.LEFT_OUT, place, "a vault other than the environment"))


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


def _add(found: list[Entity], entity: Entity, parents: tuple[str, ...], file: KongFile) -> None:
    """Add ``entity`` with the parents that it names, or a note if one of them is not there."""
    places = {name: getattr(entity, name) for name in ("service", "route", "consumer")}
    for name in parents:
        wanted = entity.fields.get(name)
        if wanted is not None:
            places[name] = _find(wanted, getattr(file, f"{name}s"))
            if places[name] is None:
                text = f"its {name} is not in the file, so nothing of it was carried over"
                file.notes.append(Note(Kind.LEFT_OUT, entity.place, text))
                return
    found.append(Entity(entity.place, entity.fields, group=entity.group, **places))


def _find(wanted: Any, candidates: list[Entity]) -> str | None:
    """Return the place of the entity with this name, user name or id."""
    keys = [*wanted.values()] if isinstance(wanted, Mapping) else [wanted]
    for candidate in candidates:
        names = [candidate.fields.get(name) for name in ("name", "username", "id")]
        if any(key is not None and key in names for key in keys):
            return candidate.place
    return None
