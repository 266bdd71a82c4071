"""The configuration of one aws-lambda plugin to options of an entry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from wsgi_lambda.errors import ConfigError, Problem
from wsgi_lambda.kong_import.document import Entity, KongFile
from wsgi_lambda.kong_import.notes import Kind, Note
from wsgi_lambda.kong_import.variables import UnknownVault, Variable, read_value
from wsgi_lambda.options import OPTIONS

#: Options of an entry that Kong has on its routes, not in the plugin.
_OF_ROUTES = frozenset(("methods", "hosts", "consumers", "strip_path"))

#: Defaults of Kong's that `deck dump` writes out: an option with its default needs no note.
_KONG_DEFAULTS = {
    "aws_imds_protocol_version": "v1",
    "aws_role_session_name": "kong",
    "awsgateway_compatible": False,
    "awsgateway_compatible_payload_version": "1.0",
}
_HTTPS_PORT = 443
_SECRETS = ("aws_key", "aws_secret", "aws_session_token")

#: Fields of a plugin that are carried over, or make no difference here.
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


#: By the option's type; milliseconds are whole numbers where they are given.
_CONVERSIONS = {"bool": "toBool", "int": "toInt", "float": "toInt"}


def read_options(plugin: Entity, file: KongFile) -> dict[str, Any]:
    """Return the options that ``plugin`` sets, in the order of `OPTIONS`."""
    notes = file.notes
    notes.extend(_field_notes(plugin))
    given = plugin.fields.get("config") or {}
    if not isinstance(given, Mapping):
        raise ConfigError([Problem(plugin.place, "config: must be a mapping", "invalid_kong_file")])
    found = {}
    for name, written in given.items():
        if written is None:
            continue
        place = f"{plugin.place}: config.{name}"
        try:
            value = _typed(name, read_value(written, file.vaults))
        except UnknownVault:
            text = "from a vault that is not the environment: set it yourself"
            notes.append(Note(Kind.LEFT_OUT, place, text))
            continue
        problem = _problem(name, value)
        if problem:
            notes.append(Note(Kind.LEFT_OUT, place, problem))
        elif name in OPTIONS and not _is_default(name, value, given):
            found[name] = value
    notes.extend(_secret_notes(plugin, found))
    found |= _kong_defaults(given)
    if "aws_region" not in given and not str(found.get("function_name")).startswith("arn:"):
        text = "no aws_region: AWS_REGION or AWS_DEFAULT_REGION must tell it where the app runs"
        notes.append(Note(Kind.ADVICE, "aws-lambda", text))
    if not found.get("is_proxy_integration") and "empty_arrays_mode" not in given:
        text = (
            "Kong turned each [] of a JSON answer into {} where empty_arrays_mode is not set; "
            "here [] stays, unless you set it to 'legacy'"
        )
        notes.append(Note(Kind.DIFFERENCE, "aws-lambda", text))
    return {name: found[name] for name in OPTIONS if name in found}


def _typed(name: str, value: Any) -> Any:
    """Return a variable as what the option wants: decK puts its bare text into the YAML."""
    if not isinstance(value, Variable) or value.convert or value.key or name not in OPTIONS:
        return value
    kind = str(OPTIONS[name].type).removesuffix(" | None")
    return replace(value, convert=_CONVERSIONS.get(kind, ""))


def is_gateway(plugin: Entity) -> bool:
    """Tell whether the events of ``plugin`` are API Gateway's."""
    return (plugin.fields.get("config") or {}).get("awsgateway_compatible") is True


def _problem(name: str, value: object) -> str:
    """Say why the option cannot be carried over, "" where it can."""
    if name in _OF_ROUTES or (name not in OPTIONS and value != _KONG_DEFAULTS.get(name)):
        return "there is no such option here"
    if name == "unhandled_status" and isinstance(value, int) and value < 200:
        return "HTTP has no final answer below 200: set another status"
    return ""


def _is_default(name: str, value: object, given: Mapping[str, Any]) -> bool:
    if name == "port":
        return value == _HTTPS_PORT and not given.get("disable_https")
    try:
        parsed = OPTIONS[name].metadata["parse"](value)
    except ValueError:
        # Wrong, or a variable: what reads the setting will say so.
        return False
    return bool(parsed == OPTIONS[name].default)


def _kong_defaults(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what Kong takes where nothing is given, and we would take something else."""
    differing: dict[str, Any] = {}
    if given.get("disable_https") and given.get("port") is None:
        differing["port"] = _HTTPS_PORT
    if given.get("aws_assume_role_arn") and given.get("aws_role_session_name") is None:
        differing["aws_role_session_name"] = _KONG_DEFAULTS["aws_role_session_name"]
    return differing


def _field_notes(plugin: Entity) -> Iterator[Note]:
    for name in sorted(plugin.fields.keys() - _KNOWN_FIELDS, key=str):
        if plugin.fields[name] is not None:
            yield Note(Kind.LEFT_OUT, f"{plugin.place}: {name}", "has no counterpart here")
    if plugin.fields.get("enabled") not in (None, True, False):
        text = "who enables it is not known before it runs; here it is on: take it out, or leave it"
        yield Note(Kind.PROTECTION, f"{plugin.place}: enabled", text)
    protocols = plugin.fields.get("protocols")
    if isinstance(protocols, list) and not {"http", "https"} <= set(map(str, protocols)):
        text = "Kong ran the plugin for these alone; here it runs for HTTP and HTTPS"
        # Whoever had to come by HTTPS may now come by HTTP.
        kind = Kind.DIFFERENCE if "http" in protocols else Kind.PROTECTION
        yield Note(kind, f"{plugin.place}: protocols", text)


def _secret_notes(plugin: Entity, found: Mapping[str, Any]) -> Iterator[Note]:
    for name in _SECRETS:
        if isinstance(found.get(name), str):
            text = "stands in the file as it is: better leave it out, and set it in the environment"
            yield Note(Kind.ADVICE, f"{plugin.place}: config.{name}", text)
