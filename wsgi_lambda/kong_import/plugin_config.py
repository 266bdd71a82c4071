"""Turn the configuration of an aws-lambda plugin into the options of an entry."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from wsgi_lambda.errors import ConfigError, Problem
from wsgi_lambda.kong_import.document import Entity, KongFile
from wsgi_lambda.kong_import.notes import Kind, Note, near_match
from wsgi_lambda.kong_import.variables import (
    UnknownVault,
    Variable,
    foreign_template,
    read_value,
)
from wsgi_lambda.options import OPTIONS

#: Options of an entry that Kong has on routes, not in the plugin.
_OF_ROUTES = frozenset(
    ("add_path", "consumers", "exact", "headers", "hosts", "methods", "strip_path")
)

#: Kong's defaults, which `deck gateway dump` writes out: a default needs no note.
_KONG_DEFAULTS = {
    "aws_imds_protocol_version": "v1",
    "aws_role_session_name": "kong",
    "awsgateway_compatible": False,
    "awsgateway_compatible_payload_version": "1.0",
}
_HTTPS_PORT = 443
_NO_EQUIVALENT = "no equivalent here"
_SECRETS = ("aws_key", "aws_secret", "aws_session_token")

#: Fields of a plugin that are imported, or make no difference here.
_KNOWN_FIELDS = frozenset(
    [
        "_comment",
        "_config",
        "_ignore",
        "config",
        "consumer",
        "consumer_group",
        "created_at",
        "enabled",
        "id",
        "instance_name",
        "name",
        "protocols",
        "route",
        "service",
        "tags",
        "updated_at",
        "ws_id",
    ]
)

#: Fields of a plugin that have no equivalent here.
_OTHER_FIELDS = frozenset(["condition", "ordering", "partials"])

#: decK's conversion for each type of option. Milliseconds are written as whole numbers.
_CONVERSIONS = {
    "boolean": "toBool",
    "bytes": "toInt",
    "integer": "toInt",
    "milliseconds": "toInt",
}


def read_options(plugin: Entity, file: KongFile) -> dict[str, Any]:
    """Return the options that ``plugin`` sets, in the order of `OPTIONS`."""
    notes = file.notes
    notes.extend(_field_notes(plugin))
    given = plugin.fields.get("config") or {}
    if not isinstance(given, Mapping):
        raise ConfigError([Problem(plugin.place, "config: must be a mapping", "invalid_kong_file")])
    options = {}
    for name, written in given.items():
        if written is None:
            continue
        place = f"{plugin.place}: config.{name}"
        form = foreign_template(written) if name in OPTIONS else ""
        if form:
            notes.append(Note(Kind.ERROR, place, template_text(form)))
            continue
        try:
            value = _typed(name, _single(name, read_value(written, file.vaults)))
        except UnknownVault:
            text = "unsupported vault reference; set the option by hand"
            notes.append(Note(Kind.NOT_IMPORTED, place, text))
            continue
        problem = _problem(name, value)
        if problem:
            notes.append(Note(Kind.NOT_IMPORTED, place, problem))
        elif name in OPTIONS and not _is_default(name, value, given):
            options[name] = value
            notes.extend(_value_notes(name, value, written, place))
    options |= _kong_defaults(given)
    notes.extend(_missing_notes(options, given, plugin.place))
    return {name: options[name] for name in OPTIONS if name in options}


def template_text(form: str) -> str:
    """Return the text about a placeholder of the form ``form``."""
    return (
        f"contains a placeholder {form}, which nothing here fills in: fill it in before the "
        "import, or write ${NAME} for an environment variable"
    )


def _single(name: str, value: Any) -> Any:
    """Return the item of a list with one item, for an option that takes no list."""
    is_list = isinstance(value, list) and name in OPTIONS
    takes_list = is_list and OPTIONS[name].type_name == "list"
    return value[0] if is_list and not takes_list and len(value) == 1 else value


def _missing_notes(
    options: Mapping[str, Any], given: Mapping[str, Any], place: str
) -> Iterator[Note]:
    """Yield notes on options that are missing and matter."""
    if "aws_region" not in given and not str(options.get("function_name")).startswith("arn:"):
        text = "no aws_region; set AWS_REGION or AWS_DEFAULT_REGION where the app runs"
        yield Note(Kind.ADVICE, place, text)
    if not options.get("is_proxy_integration") and "empty_arrays_mode" not in given:
        text = (
            "without empty_arrays_mode Kong turned each [] of a JSON result into {}; "
            "here [] stays, unless you set empty_arrays_mode to 'legacy'"
        )
        yield Note(Kind.DIFFERENCE, place, text)


def _typed(name: str, value: Any) -> Any:
    """Convert a variable to the option's type, as YAML does with the text that decK fills in."""
    if not isinstance(value, Variable) or value.convert or value.key or name not in OPTIONS:
        return value
    # A range, as in "0 to 10", is an integer.
    kind = "integer" if " to " in OPTIONS[name].type_name else OPTIONS[name].type_name
    return replace(value, convert=_CONVERSIONS.get(kind, ""))


def is_gateway(plugin: Entity) -> bool:
    """Return whether the events of ``plugin`` have API Gateway's format."""
    return (plugin.fields.get("config") or {}).get("awsgateway_compatible") is True


def _problem(name: str, value: object) -> str:
    """Return why the option cannot be imported, or "" if it can."""
    if name in _OF_ROUTES:
        return _NO_EQUIVALENT
    if name not in OPTIONS and value != _KONG_DEFAULTS.get(name):
        near = _near(name)
        return f"unknown option; did you mean {near[0]!r}?" if near else _NO_EQUIVALENT
    if name == "unhandled_status" and isinstance(value, int) and value < 200:
        return "not a final HTTP status; choose one from 200 on"
    return ""


def _near(name: str) -> list[str]:
    return difflib.get_close_matches(str(name).lower(), OPTIONS.keys() - _OF_ROUTES, n=1)


def _is_default(name: str, value: object, given: Mapping[str, Any]) -> bool:
    if name == "port":
        return value == _HTTPS_PORT and not given.get("disable_https")
    try:
        parsed = OPTIONS[name].parse(value)
    except ValueError:
        # Invalid, or a variable. Reading the configuration reports the former.
        return False
    return bool(parsed == OPTIONS[name].default)


def _kong_defaults(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return Kong's defaults for missing options where ours differ."""
    differing: dict[str, Any] = {}
    if given.get("disable_https") and given.get("port") is None:
        differing["port"] = _HTTPS_PORT
    if given.get("aws_assume_role_arn") and given.get("aws_role_session_name") is None:
        differing["aws_role_session_name"] = _KONG_DEFAULTS["aws_role_session_name"]
    return differing


def _field_notes(plugin: Entity) -> Iterator[Note]:
    for name in sorted(plugin.fields.keys() - _KNOWN_FIELDS, key=str):
        if plugin.fields[name] is not None:
            near = near_match(name, _KNOWN_FIELDS) if name not in _OTHER_FIELDS else ""
            kind = Kind.ERROR if near else Kind.NOT_IMPORTED
            text = f"unknown field{near}" if near else _NO_EQUIVALENT
            yield Note(kind, f"{plugin.place}: {name}", text)
    if plugin.fields.get("enabled") not in (None, True, False):
        text = "neither true nor false; the plugin is imported as enabled: check that it should run"
        yield Note(Kind.PROTECTION, f"{plugin.place}: enabled", text)
    protocols = plugin.fields.get("protocols")
    if isinstance(protocols, list) and not {"http", "https"} <= set(map(str, protocols)):
        text = "Kong ran the plugin for these protocols only; here it runs for HTTP and HTTPS"
        # Clients that had to use HTTPS may use HTTP now.
        kind = Kind.DIFFERENCE if "http" in protocols else Kind.PROTECTION
        yield Note(kind, f"{plugin.place}: protocols", text)


def _value_notes(name: str, value: object, written: object, place: str) -> Iterator[Note]:
    if isinstance(written, list) and not isinstance(value, list):
        text = "a list with one value, which Kong rejects; imported as that value"
        yield Note(Kind.ADVICE, place, text)
    if name == "keepalive" and value == 0:
        # OpenResty's tcpsock:setkeepalive(0).
        text = "in Kong 0 keeps idle connections without a limit; here it keeps none"
        yield Note(Kind.DIFFERENCE, place, text)
    if name in _SECRETS and isinstance(value, str):
        text = "in plain text: better remove it here, and set it in the environment"
        yield Note(Kind.ADVICE, place, text)
