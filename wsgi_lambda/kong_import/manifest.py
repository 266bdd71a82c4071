"""A Kubernetes manifest, with Kong's annotations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_PREFIX = "konghq.com/"
#: The name of the annotation `plugins` before version 0.8 of the ingress controller.
_OLD_PLUGINS = "plugins.konghq.com"


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference to a plugin by name, from a service, route or consumer (``kind``).

    ``parent`` is the place of the one that refers to it.
    """

    kind: str
    parent: str
    name: str
    namespace: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """One manifest. ``at`` begins its place if there are several files."""

    at: str
    fields: Mapping[str, Any] = field(repr=False)

    @property
    def kind(self) -> str:
        return str(self.fields.get("kind"))

    @property
    def api(self) -> str:
        return str(self.fields.get("apiVersion"))

    @property
    def name(self) -> str:
        return str(self.fields["metadata"].get("name"))

    @property
    def namespace(self) -> str:
        return str(self.fields["metadata"].get("namespace") or "")

    @property
    def place(self) -> str:
        """The place for messages: ``Ingress shop``, or ``Ingress namespace/shop``."""
        namespace = f"{self.namespace}/" if self.namespace else ""
        return f"{self.at}{self.kind} {namespace}{self.name}"

    @property
    def labels(self) -> Mapping[str, Any]:
        return mapping(self.fields["metadata"].get("labels"))

    @property
    def spec(self) -> Mapping[str, Any]:
        return mapping(self.fields.get("spec"))

    @property
    def annotations(self) -> dict[str, str]:
        """Kong's annotations without their prefix: ``{"plugins": "login, orders"}``."""
        given = mapping(self.fields["metadata"].get("annotations"))
        found = {str(name): str(value) for name, value in given.items()}
        own = {
            name.removeprefix(_PREFIX): value
            for name, value in found.items()
            if name.startswith(_PREFIX)
        }
        return {"plugins": found[_OLD_PLUGINS], **own} if _OLD_PLUGINS in found else own

    @property
    def forces_https(self) -> bool:
        given = mapping(self.fields["metadata"].get("annotations"))
        return str(given.get("ingress.kubernetes.io/force-ssl-redirect")).lower() == "true"

    def is_in(self, namespace: str) -> bool:
        """Return whether it is in ``namespace``.

        A manifest without a namespace is in the one that kubectl uses, which may be any.
        """
        return not self.namespace or not namespace or self.namespace == namespace

    def annotation(self, name: str) -> str:
        return self.annotations.get(name, "")

    def items(self, name: str, separator: str = ",") -> list[str]:
        """Return the items of an annotation that is a list: ``"GET, POST"``."""
        return split(self.annotation(name), separator)

    def references(self, kind: str, parent: str) -> Iterator[Reference]:
        """Yield the plugins that the annotation `plugins` names: ``name`` or ``namespace:name``."""
        for item in self.items("plugins"):
            namespace, _, name = item.rpartition(":")
            yield Reference(kind, parent, name.strip(), namespace.strip() or self.namespace)


def split(text: str, separator: str = ",") -> list[str]:
    return [item.strip() for item in text.split(separator) if item.strip()]


def mapping(value: object) -> Mapping[str, Any]:
    """Return ``value``, or an empty mapping if it is something else."""
    return value if isinstance(value, Mapping) else {}


def mappings(value: object) -> list[Mapping[str, Any]]:
    """Return the mappings in the list ``value``."""
    items = value if isinstance(value, list) else []
    return [item for item in items if isinstance(item, Mapping)]
