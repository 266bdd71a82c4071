"""Say what a file is that is neither Kong's nor a Kubernetes manifest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wsgi_lambda.kong_import.notes import near_match

FORMAT = "_format_version"

_OPENAPI = "it is an OpenAPI file: convert it with deck file openapi2kong first"
_OURS = "it is a configuration of wsgi_lambda already"
_MANIFEST = "a Kubernetes manifest has both apiVersion and kind"

#: Keys at the top of other files.
_KEYS = {
    "openapi": _OPENAPI,
    "swagger": _OPENAPI,
    "WSGI_LAMBDA": _OURS,
    "AWSTemplateFormatVersion": "it is a template of CloudFormation",
    "apiVersion": _MANIFEST,
    "kind": _MANIFEST,
}

#: Keys at the top whose values are mappings there, and lists in Kong's files.
_MAPPINGS = {
    "routes": _OURS,
    "services": "it is a file of Docker Compose, or another tool's",
}


def what_it_is(document: Mapping[str, Any]) -> str:
    """Return what a document without a format version is, or which key is misspelt, or "".

    ``"; it is an OpenAPI file: convert it with deck file openapi2kong first"``.
    """
    found = [text for key, text in _KEYS.items() if key in document]
    found += [text for key, text in _MAPPINGS.items() if isinstance(document.get(key), Mapping)]
    if isinstance(document.get("data"), list):
        found.append("it is a reply of Kong's Admin API: write the file with deck gateway dump")
    if found:
        return f"; {found[0]}"
    misspelt = next((key for key in document if near_match(key, [FORMAT])), None)
    return "" if misspelt is None else f"; the key {str(misspelt)[:40]!r} is misspelt"
