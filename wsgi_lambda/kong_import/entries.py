"""Turn a Kong route and the aws-lambda plugin that runs on it into entries under paths."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from wsgi_lambda.kong_import.document import Entity, KongFile
from wsgi_lambda.kong_import.notes import Kind, Note, near_match
from wsgi_lambda.kong_import.paths import RoutePath, as_list, read_paths
from wsgi_lambda.kong_import.plugin_config import is_gateway, read_options, template_text
from wsgi_lambda.kong_import.rank import (
    CONDITIONS,
    LOST_CONDITIONS,
    has_regex_header,
    kong_rank,
)
from wsgi_lambda.kong_import.variables import foreign_template, read_value

# Scheme and authority of a service's `url`.
_ORIGIN = re.compile(r"\w+://[^/]*")

#: Fields of a route that are imported, reported elsewhere, or irrelevant to a function.
_KNOWN_FIELDS = frozenset(
    [
        *LOST_CONDITIONS,
        "_comment",
        "_ignore",
        "created_at",
        "expression",
        "headers",
        "hosts",
        "https_redirect_status_code",
        "id",
        "methods",
        "name",
        "path_handling",
        "paths",
        "plugins",
        "preserve_host",
        "priority",
        "protocols",
        "regex_priority",
        "request_buffering",
        "response_buffering",
        "service",
        "strip_path",
        "tags",
        "updated_at",
        "ws_id",
    ]
)

_LOST_CONDITION = (
    "the condition is not imported, so the function gets requests that Kong did not send to it; "
    "check the condition in the option authorize. The entry comes after the others of its path"
)


_STRIPPED = (
    "with strip_path Kong removes from the event's path what the regular expression matches; here "
    "that is the whole path of a template, and otherwise the prefix"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry under a path, with the facts that decide its order there.

    ``route`` is the place of its Kong route, ``name`` the name. ``function`` is
    the function's name as written in the file.
    """

    path: RoutePath
    options: dict[str, Any]
    route: str
    name: str
    rank: tuple[object, ...]
    function: str

    @property
    def is_exact(self) -> bool:
        return self.path.exact or self.path.path.is_template


def make_entries(
    route: Entity, plugin: Entity, consumer: Entity | None, file: KongFile
) -> Iterator[Entry]:
    """Yield an entry for each path of ``route``; add the differences to ``file.notes``."""
    if not _is_http_route(route, file):
        return
    paths, problems = read_paths(route, file.version)
    for number, text in problems.items():
        _note(file, Kind.NOT_IMPORTED, _place(route, number), text)
    if not paths:
        return
    _note_fields(route, file)
    options = _conditions(route, file)
    if consumer is not None:
        options["consumers"] = [_user_name(consumer, file)]
    options |= read_options(plugin, file)
    if is_gateway(plugin):
        options |= _gateway_paths(route, file)
    for path in paths:
        for text in path.differences:
            _note(file, Kind.DIFFERENCE, _place(route, path.number), text)
        if path.strips_other and "strip_path" in options:
            _note(file, Kind.DIFFERENCE, _place(route, path.number), _STRIPPED)
        _note_parameters(path, plugin, route, file)
        exact = {"exact": True} if path.exact and not path.path.is_template else {}
        yield Entry(
            path,
            {**exact, **options},
            route.place,
            str(route.fields.get("name") or ""),
            kong_rank(route, path),
            function_name(plugin),
        )


def _place(route: Entity, number: int) -> str:
    """Return the place of a path; an Ingress has a route for each path."""
    return route.place if route.is_from_kubernetes else f"{route.place}.paths[{number}]"


def function_name(plugin: Entity) -> str:
    """Return the name of the function of an aws-lambda plugin, as written."""
    config = plugin.fields.get("config")
    return str(config.get("function_name")) if isinstance(config, Mapping) else "None"


def _conditions(route: Entity, file: KongFile) -> dict[str, Any]:
    """Return `methods`, `hosts` and `headers` of ``route``."""
    conditions: dict[str, Any] = {}
    for name in ("methods", "hosts", "headers"):
        written = route.fields.get(name)
        if not written or (name == "headers" and has_regex_header(route.fields)):
            continue
        form = foreign_template(written)
        if form:
            _note(file, Kind.ERROR, f"{route.place}.{name}", template_text(form))
        conditions[name] = read_value(written)
    return conditions


def _gateway_paths(route: Entity, file: KongFile) -> dict[str, Any]:
    """Return `strip_path` and `add_path`: other event formats contain no path.

    kong/router/utils.lua, get_upstream_uri_v0(): with strip_path the service's path
    replaces the matched part, without it the service's path comes first. Two
    slashes in between become one, and a slash at the end of the service's path
    changes nothing, except for a request of "/". The same is true for
    `path_handling: v1` (kong/router/traditional.lua), with one exception.
    """
    strips = route.fields.get("strip_path") is not False
    options: dict[str, Any] = {"strip_path": True} if strips else {}
    service = next((each for each in file.services if each.place == route.service), None)
    path = _service_path(service) if service is not None else ""
    if service is None or not path:
        return options
    if foreign_template(path) or read_value(path) != path:
        text = "the service's path contains a variable: set add_path by hand"
        _note(file, Kind.NOT_IMPORTED, f"{service.place}.path", text)
        return options
    is_v1 = route.fields.get("path_handling") == "v1"
    if is_v1 and not strips and not path.endswith("/"):
        text = (
            "Kong's classic router put the service's path and the request's path together without "
            "a slash; here, as in Kong's default router, there is one"
        )
        _note(file, Kind.DIFFERENCE, f"{route.place}.path_handling", text)
    return {**options, "add_path": unquote(path.rstrip("/"))}


def _service_path(service: Entity) -> str:
    """Return the path that `path` or `url` of a service contains, "" for none or "/"."""
    path = service.fields.get("path") or _ORIGIN.sub("", str(service.fields.get("url") or ""))
    return path if isinstance(path, str) and path.startswith("/") and path.strip("/") else ""


def _note_parameters(path: RoutePath, plugin: Entity, route: Entity, file: KongFile) -> None:
    """Note that events of other formats than API Gateway's contain the parameters, too."""
    config = plugin.fields.get("config") or {}
    if path.path.is_template and not is_gateway(plugin):
        forwards = any(str(name).startswith("forward_request_") for name in config if config[name])
        if not forwards or config.get("forward_request_uri"):
            text = "the event also contains the parameters of the path; Kong left them out"
            _note(file, Kind.DIFFERENCE, _place(route, path.number), text)


def _is_http_route(route: Entity, file: KongFile) -> bool:
    """Return whether ``route`` has conditions on HTTP that may be imported; note if not."""
    if route.fields.get("expression"):
        text = "expressions are not imported; write the route by hand"
        _note(file, Kind.NOT_IMPORTED, f"{route.place}.expression", text)
        return False
    if not {"http", "https"} & _protocols(route):
        _note(file, Kind.NOT_IMPORTED, f"{route.place}.protocols", "not an HTTP route")
        return False
    return True


def _protocols(route: Entity) -> set[str]:
    return set(map(str, as_list(route.fields.get("protocols")))) or {"http", "https"}


def _note_fields(route: Entity, file: KongFile) -> None:
    """Note each field of ``route`` that is not imported."""
    fields, protocols = route.fields, _protocols(route)
    if "http" not in protocols:
        text = "Kong accepted HTTPS only: let the server refuse or redirect plain HTTP"
        _note(file, Kind.PROTECTION, f"{route.place}.protocols", text)
    if "https" not in protocols:
        text = "Kong accepted plain HTTP only; here the route accepts both"
        _note(file, Kind.DIFFERENCE, f"{route.place}.protocols", text)
    for name in ("headers", *LOST_CONDITIONS):
        if fields.get(name) and (name != "headers" or has_regex_header(fields)):
            _note(file, Kind.PROTECTION, f"{route.place}.{name}", _LOST_CONDITION)
    for name in sorted(fields.keys() - _KNOWN_FIELDS, key=str):
        near = near_match(name, (*CONDITIONS, "plugins"), cutoff=0.6)
        kind = Kind.PROTECTION if near else Kind.NOT_IMPORTED
        _note(file, kind, f"{route.place}.{name}", f"unknown field{near}")


def _user_name(consumer: Entity, file: KongFile) -> Any:
    """Return the name for `consumers`, which is compared with REMOTE_USER."""
    text = (
        "its functions run only for requests whose REMOTE_USER is this name; "
        "the server, or a middleware around this one, must set it"
    )
    _note(file, Kind.DIFFERENCE, consumer.place, text)
    return read_value(consumer.fields.get("username") or consumer.fields.get("custom_id"))


def _note(file: KongFile, kind: Kind, place: str, text: str) -> None:
    file.notes.append(Note(kind, place, text))
