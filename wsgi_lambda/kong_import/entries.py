"""One route of Kong's with the aws-lambda plugin that runs there, to entries of a setting."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from wsgi_lambda.kong_import.document import Entity, KongFile
from wsgi_lambda.kong_import.notes import Kind, Note
from wsgi_lambda.kong_import.plugin_config import is_gateway, read_options
from wsgi_lambda.kong_import.variables import has_variable, read_value

# What made a path a regular expression before format 3.0.
_PLAIN_PATH = re.compile(r"[a-zA-Z0-9._/~%-]*")

#: Conditions of a route that no option can express. Without them it takes more requests.
_LOST_CONDITIONS = ("headers", "snis", "sources", "destinations")

#: Fields of a route that are carried over, or make no difference to a function.
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
    """One entry below one path, with what decides its place among the others there."""

    path: str
    options: dict[str, Any]
    route: str
    conditions: int
    widened: bool
    created_at: float

    @property
    def rank(self) -> tuple[object, ...]:
        """Kong asks routes with more conditions first, then plain hosts, then the older one.

        A route that lost a condition takes too much, so it comes after the others.
        """
        wild = any("*" in str(host) for host in self.options.get("hosts", ()))
        return self.widened, -self.conditions, wild, self.created_at


def make_entries(
    route: Entity, plugin: Entity, consumer: Entity | None, file: KongFile
) -> Iterator[Entry]:
    """Yield an entry for each path of ``route``; ``file.notes`` get what differs."""
    if not _is_expressible(route, file):
        return
    own: dict[str, Any] = {}
    for name in ("methods", "hosts"):
        if route.fields.get(name):
            own[name] = read_value(route.fields[name])
    if consumer is not None:
        own["consumers"] = [_user_name(consumer, file)]
    own |= read_options(plugin, file)
    # No other event has a path that could be stripped.
    if is_gateway(plugin) and route.fields.get("strip_path") is not False:
        own["strip_path"] = True
    lost = [name for name in _LOST_CONDITIONS if route.fields.get(name)]
    created_at = route.fields.get("created_at")
    _note_paths(route, file)
    for path in plain_paths(route, file.version):
        yield Entry(
            path,
            own,
            route.place,
            conditions=sum(bool(route.fields.get(name)) for name in ("methods", "hosts", "paths")),
            widened=bool(lost),
            created_at=created_at if isinstance(created_at, (int, float)) else 0,
        )


def plain_paths(route: Entity, version: str) -> list[str]:
    """Return the paths of ``route`` that can be carried over, as a setting has them."""
    given = as_list(route.fields.get("paths"))
    plain = [path for path in given if not _path_problem(path, version)] if given else ["/"]
    return list(dict.fromkeys(unquote(path).rstrip("/") or "/" for path in plain))


def as_list(value: Any) -> list[Any]:
    """Return a field of Kong's that holds several values, or null, or one where it should not."""
    return value if isinstance(value, list) else [] if value is None else [value]


def _note_paths(route: Entity, file: KongFile) -> None:
    """Note of each path of ``route`` that it is left out, or takes other requests than in Kong."""
    for number, path in enumerate(as_list(route.fields.get("paths"))):
        place = f"{route.place}.paths[{number}]"
        problem = _path_problem(path, file.version)
        if problem:
            _note(file, Kind.LEFT_OUT, place, problem)
        elif path.strip("/"):
            _note(file, Kind.DIFFERENCE, place, _reach(path))


def _reach(path: str) -> str:
    """Say how the reach of a plain path other than "/" differs."""
    text = "Kong tells %2F from a slash, here it is one; " if "%2f" in path.lower() else ""
    if path.endswith("/"):
        return f"{text}{path!r} in Kong did not take {path.rstrip('/')!r} itself; here it does"
    wider = path + "x"
    return (
        f"{text}{path!r} in Kong took {wider!r} as well; here a path ends at a segment, "
        f"and {wider!r} goes to the app"
    )


def _path_problem(path: object, version: str) -> str:
    """Say why ``path`` cannot be carried over, "" where it can."""
    if not isinstance(path, str):
        return "no text"
    if has_variable(path):
        return "the path comes from outside; write the route by hand"
    if path.startswith("~") or (version != "3.0" and not _PLAIN_PATH.fullmatch(path)):
        return (
            f"a regular expression, {path!r}: write plain paths by hand; "
            "until then its requests go to the app, or to another route that has their path"
        )
    return ""


def _is_expressible(route: Entity, file: KongFile) -> bool:
    """Tell whether ``route`` can be carried over at all, after noting what of it cannot."""
    fields = route.fields
    if fields.get("expression"):
        text = "an expression decides what it takes: write the route by hand"
        _note(file, Kind.LEFT_OUT, f"{route.place}.expression", text)
        return False
    protocols = set(map(str, as_list(fields.get("protocols")))) or {"http", "https"}
    if not {"http", "https"} & protocols:
        _note(file, Kind.LEFT_OUT, f"{route.place}.protocols", "no route for HTTP")
        return False
    if "http" not in protocols:
        text = "Kong took HTTPS only: let the server refuse or redirect plain HTTP"
        _note(file, Kind.PROTECTION, f"{route.place}.protocols", text)
    if "https" not in protocols:
        text = "Kong took plain HTTP only; here the route takes both"
        _note(file, Kind.DIFFERENCE, f"{route.place}.protocols", text)
    for name in _LOST_CONDITIONS:
        if fields.get(name):
            text = "there is no such condition here, so the route takes requests that Kong kept off"
            _note(file, Kind.PROTECTION, f"{route.place}.{name}", text)
    for name in sorted(fields.keys() - _KNOWN_FIELDS, key=str):
        _note(file, Kind.LEFT_OUT, f"{route.place}.{name}", "unknown field")
    return True


def _user_name(consumer: Entity, file: KongFile) -> Any:
    """Return the name that `consumers` compares with REMOTE_USER."""
    names: Mapping[str, Any] = consumer.fields
    text = (
        "its functions are for requests whose REMOTE_USER is this name: "
        "the server, or a middleware around this one, must set it"
    )
    _note(file, Kind.DIFFERENCE, consumer.place, text)
    return read_value(names.get("username") or names.get("custom_id"))


def _note(file: KongFile, kind: Kind, place: str, text: str) -> None:
    file.notes.append(Note(kind, place, text))
