"""All of Kong's file that has no place in a setting: what guards a route, and the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from wsgi_lambda.kong_import.document import Entity, KongFile, entities
from wsgi_lambda.kong_import.notes import Kind, Note
from wsgi_lambda.kong_import.other_plugins import protection

#: Keys at the top that are read, or say nothing about requests.
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

#: Keys at the top that hold what consumers prove themselves with, or are let in by.
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

#: Fields of a consumer that hold no credentials.
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

_NO_CREDENTIALS = "credentials of consumers: nothing checks them here"


def left_behind(file: KongFile, ran: set[str], carried: set[str]) -> Iterator[Note]:
    """Yield notes of what was not carried over.

    ``ran`` are the places of the aws-lambda plugins that became entries,
    ``carried`` those of the routes. Only what guards one of these is a
    protection.
    """
    guarded = [route for route in file.routes if route.place in carried]
    for plugin in file.plugins:
        if plugin.place not in ran:
            yield _plugin_note(plugin, guarded)
    yield from _route_notes(file, carried)
    for consumer in file.consumers:
        for name, value in consumer.fields.items():
            if value and name not in _CONSUMER_FIELDS:
                yield _credentials_note(f"{consumer.place}.{name}", bool(carried))
    yield from _top_notes(file.document, bool(carried))


def _plugin_note(plugin: Entity, guarded: list[Entity]) -> Note:
    if not plugin.enabled:
        return Note(Kind.LEFT_OUT, plugin.place, "disabled in Kong")
    if plugin.name == "aws-lambda":
        text = "for a group of consumers: write an entry with consumers by hand"
        if not plugin.group:
            text = "no route runs it: there is none, or a more specific plugin is there instead"
        return Note(Kind.LEFT_OUT, plugin.place, text)
    lost = protection(plugin.name)
    routes = [route.place for route in guarded if plugin.runs_on(route)]
    if lost is None or not routes:
        what = "not carried over" if lost is None else "not carried over; guards no function"
        return Note(Kind.LEFT_OUT, plugin.place, what)
    return Note(Kind.PROTECTION, plugin.place, f"{lost} ({', '.join(routes)})")


def _route_notes(file: KongFile, carried: set[str]) -> Iterator[Note]:
    """What Kong proxied goes to the app, or nowhere."""
    with_everybody = {
        route.place
        for route in file.routes
        for plugin in file.plugins
        if plugin.name == "aws-lambda"
        and plugin.enabled
        and not (plugin.group or plugin.consumer)
        and plugin.runs_on(route)
    }
    for route in file.routes:
        if route.place not in with_everybody:
            rest = "of other consumers " if route.place in carried else ""
            text = (
                f"no function: its requests {rest}went to a service; "
                "what no other route takes goes to the app here"
            )
            yield Note(Kind.LEFT_OUT, route.place, text)
    for service in file.services:
        if not any(route.service == service.place for route in file.routes):
            yield Note(Kind.LEFT_OUT, service.place, "a service without a route")


def _credentials_note(place: str, is_guarding: bool) -> Note:
    return Note(Kind.PROTECTION if is_guarding else Kind.LEFT_OUT, place, _NO_CREDENTIALS)


def _top_notes(document: Mapping[str, Any], is_guarding: bool) -> Iterator[Note]:
    for place, group in entities(document, "consumer_groups"):
        yield Note(Kind.LEFT_OUT, place, f"a group of consumers, {group.get('name')!r}")
    info = document.get("_info")
    if isinstance(info, Mapping) and info.get("defaults"):
        text = "decK's defaults are not applied: write them out with deck file render, or by hand"
        yield Note(Kind.LEFT_OUT, "_info.defaults", text)
    for key, value in document.items():
        if key in _CREDENTIALS and value:
            yield _credentials_note(key, is_guarding)
        elif key not in _KNOWN_KEYS and key not in _CREDENTIALS:
            yield Note(Kind.LEFT_OUT, str(key), "has no counterpart here")
