"""wsgi-lambda check: find credentials, and ask Lambda whether each route may be invoked."""

from __future__ import annotations

import argparse

from wsgi_lambda.cli.console import complain, load, public_facts
from wsgi_lambda.cli.sample_request import (
    dry_run,
    identity,
)
from wsgi_lambda.options import Route


def run_check(given: argparse.Namespace) -> int:
    routes = load(given.file)
    if not routes:
        complain(f"{given.file}: no routes")
    is_well = bool(routes)
    for route in routes:
        result, is_right = dry_run(route)
        is_well &= is_right
        facts = [*_facts(route), f"credentials: {identity(route)}", f"DryRun: {result}"]
        print("ok  " if is_right else "FAIL", "  ".join(facts))
    return 0 if is_well else 1


def _facts(route: Route) -> list[str]:
    facts = public_facts(route)
    narrowed = [
        f"{name} {','.join(facts[name])}"
        for name in ("methods", "hosts", "consumers")
        if facts[name]
    ]
    where = [facts["function"], facts["aws_region"], facts["endpoint"]]
    return [facts["path"], *narrowed, *where]
