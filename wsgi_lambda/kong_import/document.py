"""Read Kong's declarative files into flat lists of services, routes, consumers and plugins.

An entity may be at the top of the file and name its parents, or inside a parent.
https://developer.konghq.com/gateway/db-less-mode/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wsgi_lambda.errors import ConfigError, Problem
from wsgi_lambda.kong_import.notes import Kind, Note
from wsgi_lambda.kong_import.other_files import FORMAT, what_it_is

FORMATS = ("1.1", "2.1", "3.0")
_NO_FORMAT = "missing: not a declarative file of Kong"


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
    is_from_kubernetes: bool = False

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
    """The entities of all files, and notes of those that could not be read."""

    version: str = "3.0"
    documents: list[Document] = field(default_factory=list)
    services: list[Entity] = field(default_factory=list)
    routes: list[Entity] = field(default_factory=list)
    consumers: list[Entity] = field(default_factory=list)
    plugins: list[Entity] = field(default_factory=list)
    #: decK's `_plugin_configs`.
    plugin_configs: dict[str, Any] = field(default_factory=dict)
    #: decK's `_info.defaults`: fields of every service and route that does not set them.
    defaults: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    #: The prefix of each vault of the environment, and that of its variables' names.
    vaults: dict[str, str] = field(default_factory=lambda: {"env": ""})
    notes: list[Note] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file; ``at`` begins its places: "", or ``"shop.yml: "``."""

    at: str
    fields: Mapping[str, Any] = field(repr=False)


def read_documents(documents: Sequence[Document], file: KongFile) -> None:
    """Add the entities of ``documents`` to ``file``, merged as decK does.

    An entity may name a parent in another document. Raises `ConfigError` if a
    document is not Kong's.
    """
    file.documents.extend(documents)
    file.version = _version(documents) if documents else file.version
    for document in documents:
        file.defaults |= defaults_of(document)
    for read in (_read_parents, _read_routes, _read_plugins):
        for document in documents:
            read(document.fields, document.at, file)


def defaults_of(document: Document) -> dict[str, Mapping[str, Any]]:
    """Return decK's defaults for each kind of entity: ``{"route": {"strip_path": False}}``."""
    info = document.fields.get("_info")
    defaults = info.get("defaults") if isinstance(info, Mapping) else None
    given = defaults.items() if isinstance(defaults, Mapping) else ()
    return {kind: fields for kind, fields in given if isinstance(fields, Mapping)}


def _with_defaults(own: Mapping[str, Any], kind: str, file: KongFile) -> Mapping[str, Any]:
    return {**file.defaults.get(kind, {}), **own}


def _version(documents: Sequence[Document]) -> str:
    """Return the format of ``documents``; one of several may leave it out."""
    given = [each for each in documents if each.fields.get(FORMAT) is not None]
    wrong = [each for each in given or documents if _format(each) not in FORMATS]
    if wrong:
        one_of = f"must be one of {', '.join(FORMATS)}"
        raise ConfigError(
            Problem(
                f"{each.at}{FORMAT}",
                one_of if given else _NO_FORMAT + what_it_is(each.fields),
                "invalid_kong_file",
            )
            for each in wrong
        )
    versions = {_format(each) for each in given}
    if len(versions) > 1:
        text = f"must be the same in all files, not {' and '.join(sorted(versions))}"
        raise ConfigError([Problem(FORMAT, text, "invalid_kong_file")])
    return versions.pop()


def _format(document: Document) -> str:
    """Return the format of a document; YAML without quotes has the number 3.0, or 3."""
    given = document.fields.get(FORMAT)
    is_number = isinstance(given, (int, float)) and not isinstance(given, bool)
    return f"{given:.1f}" if is_number else str(given)


def check_names(file: KongFile) -> None:
    """Raise `ConfigError` if two entities of one kind have the same name, as in Kong."""
    problems = []
    for entities_of_kind in (file.services, file.routes, file.consumers):
        known: dict[str, str] = {}
        for entity in entities_of_kind:
            name = entity.fields.get("name") or entity.fields.get("username")
            if name is not None and not entity.is_from_kubernetes:
                first = known.setdefault(str(name), entity.place)
                if first != entity.place:
                    text = f"has the same name as {first}"
                    problems.append(Problem(entity.place, text, "invalid_kong_file"))
    if problems:
        raise ConfigError(problems)


def entities(parent: Mapping[str, Any], key: str, at: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (place, fields) of the entities of one kind.

    ``at`` is the place of their parent, or that of the document.
    """
    items = parent.get(key) or []
    where = f"{at}.{key}" if at and not at.endswith(": ") else f"{at}{key}"
    if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
        raise ConfigError([Problem(where, "must be a list of mappings", "invalid_kong_file")])
    for number, item in enumerate(items):
        name = item.get("name") or item.get("username")
        yield f"{where}[{number}]" + (f" ({name})" if name else ""), item


def _read_parents(document: Mapping[str, Any], at: str, file: KongFile) -> None:
    for place, own in entities(document, "services", at):
        file.services.append(Entity(place, _with_defaults(own, "service", file)))
    file.consumers += [Entity(place, own) for place, own in entities(document, "consumers", at)]
    configs = document.get("_plugin_configs")
    file.plugin_configs |= configs if isinstance(configs, Mapping) else {}
    for place, own in entities(document, "vaults", at):
        config = own.get("config") or {}
        if own.get("name") == "env" and isinstance(config, Mapping):
            file.vaults[str(own.get("prefix"))] = str(config.get("prefix") or "")
        else:
            text = "only vaults of the environment are imported"
            file.notes.append(Note(Kind.NOT_IMPORTED, place, text))


def _read_routes(document: Mapping[str, Any], at: str, file: KongFile) -> None:
    for service, fields in entities(document, "services", at):
        for place, own in entities(fields, "routes", service):
            own = _with_defaults(own, "route", file)
            file.routes.append(Entity(place, own, service=service))
    for place, own in entities(document, "routes", at):
        _add(file.routes, Entity(place, _with_defaults(own, "route", file)), ("service",), file)


def _read_plugins(document: Mapping[str, Any], at: str, file: KongFile) -> None:
    for kind in ("services", "routes", "consumers"):
        for parent, fields in _nested(document, kind, at):
            for place, own in entities(fields, "plugins", parent):
                _add_plugin(place, own, file, **{kind.removesuffix("s"): parent})
    for group, fields in entities(document, "consumer_groups", at):
        for place, own in entities(fields, "plugins", group):
            _add_plugin(place, own, file, group=True)
    for place, own in entities(document, "plugins", at):
        _add_plugin(place, own, file)


def _nested(
    document: Mapping[str, Any], kind: str, at: str
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the entities of one kind, with the routes inside services."""
    if kind == "routes":
        for service, fields in entities(document, "services", at):
            yield from entities(fields, "routes", service)
    yield from entities(document, kind, at)


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
