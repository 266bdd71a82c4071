"""Read Kubernetes manifests as Kong's ingress controller does: plugins, services, consumers.

Ingress and HTTPRoute are read by `kubernetes_routes`.
https://developer.konghq.com/kubernetes-ingress-controller/reference/annotations/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from wsgi_lambda.errors import ConfigError, Problem
from wsgi_lambda.kong_import.document import Document, Entity, KongFile
from wsgi_lambda.kong_import.kubernetes_routes import read_http_route, read_ingress
from wsgi_lambda.kong_import.manifest import Manifest, Reference
from wsgi_lambda.kong_import.notes import Kind, Note, near_match

_ROUTES = {"Ingress": read_ingress, "HTTPRoute": read_http_route}
_PLUGINS = ("KongPlugin", "KongClusterPlugin")

_KINDS = ("Service", "KongConsumer", *_ROUTES, *_PLUGINS)
#: Stricter than for fields: KongConsumerGroup and TCPRoute are kinds of their own.
_CLOSE = 0.9

#: Fields of a plugin's manifest that are read, or make no difference here.
_PLUGIN_FIELDS = frozenset(
    ["apiVersion", "config", "disabled", "instance_name", "kind", "metadata", "plugin", "protocols"]
)

#: The groups of manifests that concern requests. Others, such as Deployment, are ignored.
_GROUPS = ("konghq.com", "networking.k8s.io")


def is_manifest(document: Mapping[str, Any]) -> bool:
    return "apiVersion" in document and "kind" in document


def read_manifests(documents: Sequence[Document], file: KongFile) -> None:
    """Add the services, routes, consumers and plugins of ``documents`` to ``file``."""
    manifests = [each for document in documents for each in _manifests(document)]
    _check_names(manifests)
    services = [each for each in manifests if each.kind == "Service"]
    references: list[Reference] = []
    for each in manifests:
        if each.kind == "Service":
            path = {"name": each.name, "path": each.annotation("path")}
            file.services.append(Entity(each.place, path, is_from_kubernetes=True))
            references += each.references("service", each.place)
        elif each.kind == "KongConsumer":
            own = {name: each.fields.get(name) for name in ("username", "custom_id", "credentials")}
            file.consumers.append(Entity(each.place, own, is_from_kubernetes=True))
            references += each.references("consumer", each.place)
        elif each.kind in _ROUTES:
            for found in _ROUTES[each.kind](each, services, file.notes):
                file.routes.append(found.route)
                file.plugins.extend(found.plugins)
                references += found.references
        elif each.kind not in _PLUGINS and any(group in each.api for group in _GROUPS):
            near = near_match(each.kind, _KINDS, cutoff=_CLOSE)
            kind = Kind.ERROR if near else Kind.NOT_IMPORTED
            text = f"unknown kind{near}" if near else "no equivalent here"
            file.notes.append(Note(kind, each.place, text))
    _attach(manifests, references, file)


def _manifests(document: Document) -> Iterator[Manifest]:
    items = document.fields.get("items") if document.fields.get("kind") == "List" else None
    for fields in items if isinstance(items, list) else [document.fields]:
        if not isinstance(fields, Mapping) or not isinstance(fields.get("metadata"), Mapping):
            text = "must be a mapping with metadata"
            raise ConfigError([Problem(f"{document.at}manifest", text, "invalid_kong_file")])
        yield Manifest(document.at, fields)


def _check_names(manifests: list[Manifest]) -> None:
    known: dict[tuple[str, str, str], str] = {}
    problems = []
    for each in manifests:
        key = (each.kind, each.namespace, each.name)
        if key in known:
            text = f"has the same name as {known[key]}"
            problems.append(Problem(each.place, text, "invalid_kong_file"))
        known[key] = f"another one in {each.at.removesuffix(': ') or 'the file'}"
    if problems:
        raise ConfigError(problems)


def _attach(manifests: list[Manifest], references: list[Reference], file: KongFile) -> None:
    """Add a plugin for each route, service or consumer that refers to it.

    A plugin of routes and consumers runs for these consumers on these routes, as
    the ingress controller combines them.
    """
    plugins = [each for each in manifests if each.kind in _PLUGINS]
    used: dict[str, list[Reference]] = {each.place: [] for each in plugins}
    for reference in references:
        found = _find(reference, plugins)
        if found is None:
            text = (
                f"the plugin {reference.name!r} is in none of the files: it may be the function, "
                "or protect the route"
            )
            file.notes.append(Note(Kind.PROTECTION, reference.parent, text))
        elif reference not in used[found.place]:
            used[found.place].append(reference)
    for each in plugins:
        own = dict(_plugin_fields(each, file))
        is_global = each.kind == "KongClusterPlugin" and each.labels.get("global") == "true"
        parents = list(_parents(used[each.place])) or [{}] * is_global
        if not parents:
            file.notes.append(Note(Kind.NOT_IMPORTED, each.place, "nothing refers to it"))
        for parent in parents:
            file.plugins.append(
                Entity(
                    each.place,
                    own,
                    service=parent.get("service"),
                    route=parent.get("route"),
                    consumer=parent.get("consumer"),
                )
            )


def _find(reference: Reference, plugins: list[Manifest]) -> Manifest | None:
    """Return the plugin of the namespace, or that of the cluster.

    That of the namespace comes first.
    """
    named = [each for each in plugins if each.name == reference.name]
    ordered = sorted(named, key=lambda each: each.kind != "KongPlugin")
    found = (
        each for each in ordered if each.kind != "KongPlugin" or each.is_in(reference.namespace)
    )
    return next(found, None)


def _plugin_fields(plugin: Manifest, file: KongFile) -> Iterator[tuple[str, Any]]:
    yield "name", plugin.fields.get("plugin")
    yield "config", plugin.fields.get("config") or {}
    yield "protocols", plugin.fields.get("protocols")
    yield "enabled", plugin.fields.get("disabled") is not True
    for name in sorted(plugin.fields.keys() - _PLUGIN_FIELDS, key=str):
        text = "its values come from elsewhere, or select requests: set the options by hand"
        file.notes.append(Note(Kind.NOT_IMPORTED, f"{plugin.place}.{name}", text))


def _parents(references: list[Reference]) -> Iterator[dict[str, str]]:
    consumers = [each for each in references if each.kind == "consumer"]
    others = [each for each in references if each.kind != "consumer"]
    for other in others:
        for consumer in consumers:
            yield {other.kind: other.parent, "consumer": consumer.parent}
        if not consumers:
            yield {other.kind: other.parent}
    if not others:
        for consumer in consumers:
            yield {"consumer": consumer.parent}
