"""Read Ingress and HTTPRoute as routes of Kong, as its ingress controller writes them.

Ingress: internal/dataplane/translator/subtranslator/ingress.go, and for HTTPRoute
httproute.go, of Kong/kubernetes-ingress-controller. Neither strips the path,
unless an annotation asks for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wsgi_lambda.kong_import.document import Entity
from wsgi_lambda.kong_import.manifest import Manifest, Reference, mapping, mappings
from wsgi_lambda.kong_import.notes import Kind, Note
from wsgi_lambda.kong_import.rank import REGEX_HEADER


@dataclass(frozen=True, slots=True)
class FoundRoute:
    """A route, the references to its plugins, and plugins that do the same as its filters."""

    route: Entity
    references: list[Reference]
    plugins: list[Entity] = field(default_factory=list)


_HEADERS = "headers."
_EXTENSION = "ExtensionRef"

#: Annotations that are read, or make no difference here.
_KNOWN_ANNOTATIONS = frozenset(
    [
        "connect-timeout",
        "headers-separator",
        "host-aliases",
        "host-header",
        "https-redirect-status-code",
        "methods",
        "path-handling",
        "plugins",
        "preserve-host",
        "protocol",
        "protocols",
        "read-timeout",
        "regex-prefix",
        "regex-priority",
        "request-buffering",
        "response-buffering",
        "retries",
        "snis",
        "strip-path",
        "tags",
        "write-timeout",
    ]
)

#: The plugins that do the same as the filters of HTTPRoute.
_FILTERS = {
    "RequestHeaderModifier": "request-transformer",
    "RequestMirror": "request-mirror",
    "RequestRedirect": "redirect",
    "ResponseHeaderModifier": "response-transformer",
    "URLRewrite": "request-transformer",
}


def read_ingress(
    manifest: Manifest, services: Sequence[Manifest], notes: list[Note]
) -> Iterator[FoundRoute]:
    """Yield a route for each path of an Ingress, with its references to plugins."""
    common = _common_fields(manifest, notes)
    every_path = {**common, "paths": ["/"]}
    default = mapping(manifest.spec.get("defaultBackend"))
    if default:
        yield _ingress_route(manifest, "defaultBackend", every_path, default, services)
    for number, rule in enumerate(mappings(manifest.spec.get("rules"))):
        hosts = [str(rule["host"])] if rule.get("host") else []
        hosts += manifest.items("host-aliases") if hosts else []
        for index, path in enumerate(mappings(mapping(rule.get("http")).get("paths"))):
            fields = {**common, "hosts": hosts, "paths": _ingress_paths(path, manifest)}
            place = f"rules[{number}].paths[{index}]"
            backend = mapping(path.get("backend"))
            yield _ingress_route(manifest, place, fields, backend, services)


def read_http_route(
    manifest: Manifest, services: Sequence[Manifest], notes: list[Note]
) -> Iterator[FoundRoute]:
    """Yield a route for each match of an HTTPRoute, with its references to plugins."""
    common = _common_fields(manifest, notes)
    hosts = manifest.spec.get("hostnames")
    for number, rule in enumerate(mappings(manifest.spec.get("rules"))):
        filters = mappings(rule.get("filters"))
        for index, match in enumerate(mappings(rule.get("matches")) or [{}]):
            place = f"{manifest.place}.rules[{number}].matches[{index}]"
            fields = {**common, "hosts": hosts, **_match_fields(match, common)}
            backends = mappings(rule.get("backendRefs"))
            service = _find(backends[0].get("name"), manifest, services) if backends else None
            references = [*manifest.references("route", place)]
            references += _extensions(filters, place, manifest)
            yield FoundRoute(
                _route(place, fields, service),
                references,
                [
                    _plugin(each, f"{manifest.place}.rules[{number}]", place)
                    for each in filters
                    if each.get("type") != _EXTENSION
                ],
            )


def _ingress_route(
    manifest: Manifest,
    place: str,
    fields: Mapping[str, Any],
    backend: Mapping[str, Any],
    services: Sequence[Manifest],
) -> FoundRoute:
    place = f"{manifest.place}.{place}"
    # `serviceName` was its name before networking.k8s.io/v1.
    name = mapping(backend.get("service")).get("name") or backend.get("serviceName")
    route = _route(place, fields, _find(name, manifest, services))
    return FoundRoute(route, [*manifest.references("route", place)])


def _find(name: object, manifest: Manifest, services: Sequence[Manifest]) -> Manifest | None:
    """Return the Service of this name in the namespace of ``manifest``."""
    found = (each for each in services if each.name == name and each.is_in(manifest.namespace))
    return next(found, None)


def _route(place: str, fields: Mapping[str, Any], service: Manifest | None) -> Entity:
    return Entity(
        place, fields, service=service.place if service else None, is_from_kubernetes=True
    )


def _common_fields(manifest: Manifest, notes: list[Note]) -> dict[str, Any]:
    """Return the fields of Kong's route that annotations set; note the other annotations."""
    annotations = manifest.annotations
    for name in sorted(annotations.keys() - _KNOWN_ANNOTATIONS):
        if not name.startswith(_HEADERS):
            text = "this annotation has no equivalent here: check whether it changes requests"
            notes.append(Note(Kind.NOT_IMPORTED, f"{manifest.place}: konghq.com/{name}", text))
    separator = annotations.get("headers-separator", ",")
    protocols = ["https"] if manifest.forces_https else manifest.items("protocols")
    priority = annotations.get("regex-priority", "")
    return {
        "name": manifest.name,
        "methods": [method.upper() for method in manifest.items("methods")],
        "headers": {
            name.removeprefix(_HEADERS): manifest.items(name, separator)
            for name in annotations
            if name.startswith(_HEADERS)
        },
        "snis": manifest.items("snis"),
        "protocols": protocols or None,
        "strip_path": annotations.get("strip-path", "").lower() == "true",
        "path_handling": annotations.get("path-handling"),
        "regex_priority": int(priority) if re.fullmatch(r"-?\d+", priority) else 0,
    }


def _ingress_paths(path: Mapping[str, Any], manifest: Manifest) -> list[str]:
    """Return Kong's paths for a path of an Ingress: ``["/a/", "~/a$"]`` for the prefix ``/a``."""
    written = re.sub(r"/+", "/", str(path.get("path") or "/"))
    kind = path.get("pathType", "ImplementationSpecific")
    regex = manifest.annotations.get("regex-prefix", "/~")
    if written.startswith(regex):
        return ["~" + written.removeprefix(regex)]
    if kind == "Prefix":
        return _prefix_paths(written)
    return [f"~{_escaped(written)}$"] if kind == "Exact" else [written]


def _prefix_paths(prefix: str) -> list[str]:
    prefix = prefix.rstrip("/")
    return [f"{prefix}/", f"~{_escaped(prefix)}$"] if prefix else ["/"]


def _escaped(path: str) -> str:
    return re.sub(r"([.+*?()\[\]{}|^$\\])", r"\\\1", path)


def _match_fields(match: Mapping[str, Any], common: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of Kong's route for one match of an HTTPRoute."""
    path = mapping(match.get("path"))
    value, kind = str(path.get("value") or "/"), str(path.get("type", "PathPrefix"))
    paths = {"PathPrefix": _prefix_paths(value), "Exact": [f"~{_escaped(value)}$"]}
    fields: dict[str, Any] = {
        "paths": paths.get(kind, [f"~{value}"]),
        "headers": {**common["headers"], **dict(_headers(mappings(match.get("headers"))))},
    }
    if match.get("method"):
        fields["methods"] = [str(match["method"])]
    if match.get("queryParams"):
        fields["query parameters"] = match["queryParams"]
    return fields


def _headers(matches: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, list[str]]]:
    for each in matches:
        is_regex = each.get("type") == "RegularExpression"
        yield str(each.get("name")), [REGEX_HEADER * is_regex + str(each.get("value"))]


def _extensions(
    filters: list[Mapping[str, Any]], place: str, manifest: Manifest
) -> Iterator[Reference]:
    """Yield the references to plugins in the filters of a rule."""
    for each in filters:
        if each.get("type") == _EXTENSION:
            name = str(mapping(each.get("extensionRef")).get("name"))
            yield Reference("route", place, name, manifest.namespace)


def _plugin(filter_: Mapping[str, Any], rule: str, route: str) -> Entity:
    """Return the plugin that does the same as a filter, for the report."""
    name = str(filter_.get("type"))
    return Entity(f"{rule}.filters ({name})", {"name": _FILTERS.get(name, name)}, route=route)
