"""wsgi-lambda routes: list the routes in the order of matching."""

from __future__ import annotations

import argparse
import json
from typing import Any

from wsgi_lambda.cli.console import FACTS, load, public_facts
from wsgi_lambda.routing import RouteTable


def run_routes(given: argparse.Namespace) -> int:
    rows = [public_facts(route) for route in RouteTable(load(given.file)).routes]
    if given.json:
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return 0
    cells = [[name.upper().replace("_", " ") for name in FACTS]]
    cells += [[_cell(public_facts[name]) for name in FACTS] for public_facts in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        print("  ".join(map(str.ljust, line, widths)).rstrip())
    return 0


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else ",".join(value) or "-"
