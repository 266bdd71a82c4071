"""Report everything in Kong's file that was not imported: lost protections and the rest."""

from __future__ import annotations

from collections.abc import Iterator

from wsgi_lambda.kong_import.document import Document, Entity, KongFile, defaults_of, entities
from wsgi_lambda.kong_import.notes import Kind, Note, near_match
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

#: Keys of Kong's files at the top that have no equivalent here.
_OTHER_KEYS = frozenset(
    [
        "ca_certificates",
        "certificates",
        "consumer_group_consumers",
        "consumer_group_plugins",
        "custom_entities",
        "filter_chains",
        "key_sets",
        "keys",
        "licenses",
        "partials",
        "plugin_definitions",
        "plugins_templates",
        "rbac_roles",
        "service_packages",
        "snis",
        "targets",
        "upstreams",
    ]
)

#: The kinds of entities whose defaults are applied, or that no function needs.
_DEFAULTS = frozenset(["route", "service", "target", "upstream"])

#: Fields of a service.
_SERVICE_FIELDS = frozenset(
    [
        "_comment",
        "_ignore",
        "ca_certificates",
        "client_certificate",
        "connect_timeout",
        "created_at",
        "enabled",
        "host",
        "id",
        "name",
        "path",
        "plugins",
        "port",
        "protocol",
        "read_timeout",
        "retries",
        "routes",
        "tags",
        "tls_sans",
        "tls_verify",
        "tls_verify_depth",
        "updated_at",
        "url",
        "write_timeout",
        "ws_id",
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
        if route.place not in imported:
            for name in route.fields.keys() - {"plugins"}:
                if near_match(name, ["plugins"]):
                    text = "unknown field; did you mean 'plugins'?"
                    yield Note(Kind.ERROR, f"{route.place}.{name}", text)
        if not any(plugin.runs_on(route) for plugin in for_all):
            others = " for other consumers" if route.place in imported else ""
            text = (
                f"no aws-lambda plugin runs on it{others}; these requests go to the app, "
                "unless another route matches them"
            )
            yield Note(Kind.NOT_IMPORTED, route.place, text)
    for service in file.services:
        yield from _service_notes(service)
        if not any(route.service == service.place for route in file.routes):
            yield Note(Kind.NOT_IMPORTED, service.place, "a service without routes")


def _credentials_note(place: str, is_protecting: bool) -> Note:
    return Note(Kind.PROTECTION if is_protecting else Kind.NOT_IMPORTED, place, _NO_CREDENTIALS)


def _top_notes(document: Document, is_protecting: bool) -> Iterator[Note]:
    for place, _ in entities(document.fields, "consumer_groups", document.at):
        yield Note(Kind.NOT_IMPORTED, place, "consumer groups are not imported")
    for name in defaults_of(document).keys() - _DEFAULTS:
        text = "decK's defaults for these entities are not applied"
        yield Note(Kind.NOT_IMPORTED, f"{document.at}_info.defaults.{name}", text)
    for key, value in document.fields.items():
        if key in _CREDENTIALS and value:
            yield _credentials_note(f"{document.at}{key}", is_protecting)
        elif key not in _KNOWN_KEYS and key not in _CREDENTIALS:
            near = near_match(key, _KNOWN_KEYS)
            if near and key not in _OTHER_KEYS:
                yield Note(Kind.ERROR, f"{document.at}{key}", f"unknown key{near}")
            else:
                yield Note(Kind.NOT_IMPORTED, f"{document.at}{key}", "no equivalent here")


def _service_notes(service: Entity) -> Iterator[Note]:
    """Yield a note for each misspelt field: Kong rejects it, and what is in it is lost."""
    for name in service.fields.keys() - _SERVICE_FIELDS:
        near = near_match(name, _SERVICE_FIELDS)
        if near:
            yield Note(Kind.ERROR, f"{service.place}.{name}", f"unknown field{near}")
