"""Report everything in Kong's file that was not imported: lost protections and the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wsgi_lambda.kong_import.document import Document, Entity, KongFile, entities
from wsgi_lambda.kong_import.notes import Kind, Note
from wsgi_lambda.kong_import.other_plugins import HARMLESS, hint, lost_protection

#: Keys at the top that are read, or do not affect requests.
_KNOWN_KEYS = frozenset(
    [
        "_comment",
        "_format_version",
        "_ignore",
        "_info",
        "_konnect",
        "_plugin_configs",
        "_transform",
        "_workspace",
        "consumer_groups",
        "consumers",
        "plugins",
        "routes",
        "services",
        "vaults",
    ]
)

#: Keys at the top that contain credentials or access lists of consumers.
_CREDENTIALS = frozenset(
    [
        "acls",
        "basicauth_credentials",
        "hmacauth_credentials",
        "jwt_secrets",
        "keyauth_credentials",
        "keyauth_enc_credentials",
        "mtls_auth_credentials",
        "oauth2_credentials",
        "oauth2_tokens",
    ]
)

#: Fields of a consumer that contain no credentials.
_CONSUMER_FIELDS = frozenset(
    [
        "_comment",
        "_ignore",
        "created_at",
        "custom_id",
        "groups",
        "id",
        "plugins",
        "tags",
        "type",
        "updated_at",
        "username",
        "ws_id",
    ]
)

_NO_CREDENTIALS = "credentials of consumers; nothing checks them here"


def loss_notes(file: KongFile, ran: set[str], imported: set[str]) -> Iterator[Note]:
    """Yield a note for everything that was not imported.

    ``ran`` contains the places of the aws-lambda plugins that run on a route,
    ``imported`` those of the imported routes. A plugin or credential counts as
    a protection only if it protects an imported route.
    """
    protected = [route for route in file.routes if route.place in imported]
    for plugin in file.plugins:
        if plugin.place not in ran:
            yield _plugin_note(plugin, protected)
    yield from _route_notes(file, imported)
    for consumer in file.consumers:
        for name, value in consumer.fields.items():
            if value and name not in _CONSUMER_FIELDS:
                yield _credentials_note(f"{consumer.place}.{name}", bool(imported))
    for document in file.documents:
        yield from _top_notes(document, bool(imported))


def _plugin_note(plugin: Entity, protected: list[Entity]) -> Note:
    if not plugin.enabled:
        return Note(Kind.NOT_IMPORTED, plugin.place, "disabled in Kong")
    if plugin.name == "aws-lambda":
        text = "applies to a consumer group; write an entry with consumers by hand"
        if not plugin.group:
            text = "runs on no enabled route, or a more specific plugin runs instead"
        return Note(Kind.NOT_IMPORTED, plugin.place, text)
    routes = [route.place for route in protected if plugin.runs_on(route)]
    if not routes:
        text = f"it runs on no imported route{hint(plugin.name)}"
        return Note(Kind.NOT_IMPORTED, plugin.place, text)
    lost = lost_protection(plugin.name)
    kind = Kind.PROTECTION if lost else Kind.NOT_IMPORTED
    return Note(kind, plugin.place, lost or HARMLESS[plugin.name])


def _route_notes(file: KongFile, imported: set[str]) -> Iterator[Note]:
    """Yield a note for each route that Kong proxied, and each service without routes."""
    for_all = [
        plugin
        for plugin in file.plugins
        if plugin.name == "aws-lambda" and plugin.enabled and not (plugin.group or plugin.consumer)
    ]
    for route in file.routes:
        if not any(plugin.runs_on(route) for plugin in for_all):
            others = " for other consumers" if route.place in imported else ""
            text = (
                f"no aws-lambda plugin runs on it{others}; these requests go to the app, "
                "unless another route matches them"
            )
            yield Note(Kind.NOT_IMPORTED, route.place, text)
    for service in file.services:
        if not any(route.service == service.place for route in file.routes):
            yield Note(Kind.NOT_IMPORTED, service.place, "a service without routes")


def _credentials_note(place: str, is_protecting: bool) -> Note:
    return Note(Kind.PROTECTION if is_protecting else Kind.NOT_IMPORTED, place, _NO_CREDENTIALS)


def _top_notes(document: Document, is_protecting: bool) -> Iterator[Note]:
    for place, _ in entities(document.fields, "consumer_groups", document.at):
        yield Note(Kind.NOT_IMPORTED, place, "consumer groups are not imported")
    info = document.fields.get("_info")
    if isinstance(info, Mapping) and info.get("defaults"):
        text = "decK's defaults are not applied; write them out with deck file render, or by hand"
        yield Note(Kind.NOT_IMPORTED, f"{document.at}_info.defaults", text)
    for key, value in document.fields.items():
        if key in _CREDENTIALS and value:
            yield _credentials_note(f"{document.at}{key}", is_protecting)
        elif key not in _KNOWN_KEYS and key not in _CREDENTIALS:
            yield Note(Kind.NOT_IMPORTED, f"{document.at}{key}", "no equivalent here")
