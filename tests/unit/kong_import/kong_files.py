"""Build declarative files of Kong, and read what the importer makes of them."""

from __future__ import annotations

from typing import Any

import yaml

from wsgi_lambda.kong_import import Import, convert
from wsgi_lambda.kong_import.notes import Kind
from wsgi_lambda.kong_import.variables import mark_templates

#: How the notes about options that a plugin lacks begin.
MISSING = ("no aws_region;", "without empty_arrays_mode ")

FUNCTION = {"function_name": "f"}
PLUGIN: dict[str, Any] = {"name": "aws-lambda", "config": FUNCTION}


def kong_file(text: str = "", version: str = "3.0", **document: Any) -> dict[str, Any]:
    """Return a parsed file with the YAML in ``text`` and the keys in ``document``."""
    return {"_format_version": version, **(yaml.safe_load(mark_templates(text)) or {}), **document}


def plugin(**options: Any) -> dict[str, Any]:
    """Return an aws-lambda plugin with these options."""
    return {"name": "aws-lambda", "config": {**FUNCTION, **options}}


def route(*plugins: dict[str, Any], path: str = "/", **fields: Any) -> dict[str, Any]:
    """Return a route with the function ``f`` and with ``plugins``."""
    return {"paths": [path], "plugins": [PLUGIN, *plugins], **fields}


def imported(text: str = "", **document: Any) -> Import:
    return convert(kong_file(text, **document))


def routes_of(text: str = "", **document: Any) -> dict[str, Any]:
    """Return the routes of the imported configuration."""
    routes: dict[str, Any] = imported(text, **document).configuration["routes"]
    return routes


def entry_of(**options: Any) -> dict[str, Any]:
    """Return the entry for a plugin with these options."""
    entry: dict[str, Any] = routes_of(routes=[{"paths": ["/"], "plugins": [plugin(**options)]}])[
        "/"
    ]
    return entry


def notes_of(text: str = "", **document: Any) -> list[tuple[Kind, str, str]]:
    """Return the notes as tuples, without those about options that a plugin lacks."""
    notes = imported(text, **document).notes
    return [(n.kind, n.place, n.text) for n in notes if not n.text.startswith(MISSING)]


def places(kind: Kind, text: str = "", **document: Any) -> list[str]:
    """Return the places of the notes of one kind."""
    return [place for own, place, _ in notes_of(text, **document) if own is kind]
