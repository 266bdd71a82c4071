"""wsgi-lambda routes: list the routes in the order of matching, then the named functions."""

from __future__ import annotations

import argparse
import json
from typing import Any

from wsgi_lambda.cli.console import FACTS, load_named, public_facts
from wsgi_lambda.dispatcher import Dispatcher


def run_routes(given: argparse.Namespace) -> int:
    """Print the routes as a table, or as JSON."""
    print_routes(Dispatcher(load_named(given.file)), as_json=given.json)
    return 0


def print_routes(dispatcher: Dispatcher, *, as_json: bool) -> None:
    """Print the routes and named functions of ``dispatcher``."""
    rows = [public_facts(route) for route in dispatcher.routes]
    if as_json:
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    cells = [[name.upper().replace("_", " ") for name in FACTS]]
    cells += [[_cell(row[name]) for name in FACTS] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        print("  ".join(map(str.ljust, line, widths)).rstrip())


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name}={','.join(values)}" for name, values in value.items())
    return value if isinstance(value, str) else ",".join(value or "-")
