"""Turn a Kong route and the aws-lambda plugin that runs on it into entries under paths."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from wsgi_lambda.kong_import.document import Entity, KongFile
from wsgi_lambda.kong_import.notes import SHELL_PLACEHOLDER, Kind, Note
from wsgi_lambda.kong_import.plugin_config import is_gateway, read_options
from wsgi_lambda.kong_import.variables import has_shell_placeholder, has_variable, read_value

# Before format 3.0 a path with any other character was a regular expression.
_PLAIN_PATH = re.compile(r"[a-zA-Z0-9._/~%-]*")

# Scheme and authority of a service's `url`.
_ORIGIN = re.compile(r"\w+://[^/]*")

#: Conditions of a route that are not imported. Without them it matches more requests.
_LOST_CONDITIONS = ("headers", "snis", "sources", "destinations")

#: Fields of a route that are imported, reported elsewhere, or irrelevant to a function.
_KNOWN_FIELDS = frozenset(
    [
        "_comment",
        "_ignore",
        "created_at",
        "destinations",
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
        "snis",
        "sources",
        "strip_path",
        "tags",
        "updated_at",
        "ws_id",
    ]
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry under a path, with the facts that decide its order there."""

    path: str
    options: dict[str, Any]
    route: str
    conditions: int
    lost_condition: bool
    created_at: float

    @property
    def rank(self) -> tuple[object, ...]:
        """The sort key: Kong tries more conditions first, then plain hosts, then older routes.

        A route that lost a condition matches too much, so it comes after the others.
        """
        wild = any("*" in str(host) for host in self.options.get("hosts", ()))
        return self.lost_condition, -self.conditions, wild, self.created_at


def make_entries(
    route: Entity, plugin: Entity, consumer: Entity | None, file: KongFile
) -> Iterator[Entry]:
    """Yield an entry for each path of ``route``; add the differences to ``file.notes``."""
    if not _can_be_imported(route, file):
        return
    options: dict[str, Any] = {}
    for name in ("methods", "hosts"):
        if route.fields.get(name):
            options[name] = read_value(route.fields[name])
            if has_shell_placeholder(options[name]):
                _note(file, Kind.ADVICE, f"{route.place}.{name}", SHELL_PLACEHOLDER)
    if consumer is not None:
        options["consumers"] = [_user_name(consumer, file)]
    options |= read_options(plugin, file)
    # Other event formats contain no path.
    if is_gateway(plugin) and route.fields.get("strip_path") is not False:
        options["strip_path"] = True
    created_at = route.fields.get("created_at")
    _note_paths(route, file)
    _note_service_path(route, plugin, file)
    for path in plain_paths(route, file.version):
        yield Entry(
            path,
            options,
            route.place,
            conditions=sum(bool(route.fields.get(name)) for name in ("methods", "hosts", "paths")),
            lost_condition=any(route.fields.get(name) for name in _LOST_CONDITIONS),
            created_at=created_at if isinstance(created_at, (int, float)) else 0,
        )


def plain_paths(route: Entity, version: str) -> list[str]:
    """Return the importable paths of ``route``, decoded and without a slash at the end."""
    given = as_list(route.fields.get("paths"))
    plain = [path for path in given if not _path_problem(path, version)] if given else ["/"]
    return list(dict.fromkeys(unquote(path).rstrip("/") or "/" for path in plain))


def as_list(value: Any) -> list[Any]:
    """Return a field of Kong's as a list: it may be a list, null, or a single value by mistake."""
    return value if isinstance(value, list) else [] if value is None else [value]


def _note_paths(route: Entity, file: KongFile) -> None:
    """Note each path that is not imported, or matches other requests than in Kong."""
    for number, path in enumerate(as_list(route.fields.get("paths"))):
        place = f"{route.place}.paths[{number}]"
        problem = _path_problem(path, file.version)
        if problem:
            _note(file, Kind.NOT_IMPORTED, place, problem)
        elif path.strip("/"):
            _note(file, Kind.DIFFERENCE, place, _match_difference(path))
            if has_shell_placeholder(path):
                _note(file, Kind.ADVICE, place, SHELL_PLACEHOLDER)


def _note_service_path(route: Entity, plugin: Entity, file: KongFile) -> None:
    """Note a service's path, which Kong puts before the path in API Gateway's events."""
    for service in file.services:
        path = _service_path(service)
        if service.place == route.service and path and is_gateway(plugin):
            text = (
                "Kong put the service's path before the path in the event; "
                "here the event's path does not contain it"
            )
            _note(file, Kind.DIFFERENCE, service.place, text)


def _service_path(service: Entity) -> str:
    """Return the path that `path` or `url` of a service contains, "" for none or "/"."""
    path = service.fields.get("path") or _ORIGIN.sub("", str(service.fields.get("url") or ""))
    return path.rstrip("/") if isinstance(path, str) and path.startswith("/") else ""


def _match_difference(path: str) -> str:
    """Return how a plain path other than "/" matches differently."""
    text = "in Kong %2F is not a slash, here it is; " if "%2f" in path.lower() else ""
    if path.endswith("/"):
        return f"{text}in Kong {path!r} does not match {path.rstrip('/')!r}; here it does"
    wider = path + "x"
    return (
        f"{text}in Kong {path!r} also matches {wider!r}; here a path matches whole segments, "
        f"so {wider!r} does not match"
    )


def _path_problem(path: object, version: str) -> str:
    """Return why ``path`` cannot be imported, or "" if it can."""
    if not isinstance(path, str):
        return "not a string"
    if has_variable(path):
        return "the path contains a variable; write the route by hand"
    if path.startswith("~") or (version != "3.0" and not _PLAIN_PATH.fullmatch(path)):
        return (
            f"{path!r} is a regular expression; write plain paths by hand. "
            "Until then its requests go to the app, or to another route that matches them"
        )
    return ""


def _can_be_imported(route: Entity, file: KongFile) -> bool:
    """Return whether ``route`` can be imported; note each field that cannot."""
    fields = route.fields
    if fields.get("expression"):
        text = "expressions are not imported; write the route by hand"
        _note(file, Kind.NOT_IMPORTED, f"{route.place}.expression", text)
        return False
    protocols = set(map(str, as_list(fields.get("protocols")))) or {"http", "https"}
    if not {"http", "https"} & protocols:
        _note(file, Kind.NOT_IMPORTED, f"{route.place}.protocols", "not an HTTP route")
        return False
    if "http" not in protocols:
        text = "Kong accepted HTTPS only: let the server refuse or redirect plain HTTP"
        _note(file, Kind.PROTECTION, f"{route.place}.protocols", text)
    if "https" not in protocols:
        text = "Kong accepted plain HTTP only; here the route accepts both"
        _note(file, Kind.DIFFERENCE, f"{route.place}.protocols", text)
    for name in _LOST_CONDITIONS:
        if fields.get(name):
            text = (
                "the condition is not imported, so the entry matches more requests than in Kong; "
                "it comes after the other entries of its path and gets only what they do not match"
            )
            _note(file, Kind.PROTECTION, f"{route.place}.{name}", text)
    for name in sorted(fields.keys() - _KNOWN_FIELDS, key=str):
        _note(file, Kind.NOT_IMPORTED, f"{route.place}.{name}", "unknown field")
    return True


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
