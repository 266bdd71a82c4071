"""What the commands share: configurations read, routes as rows, complaints on standard error."""

from __future__ import annotations

import sys
from typing import Any

from wsgi_lambda.cli.sample_request import (
    endpoint,
)
from wsgi_lambda.config import read_routes
from wsgi_lambda.config.files import load_setting
from wsgi_lambda.options import Route

FACTS = ("path", "methods", "hosts", "consumers", "function", "aws_region", "endpoint")


def public_facts(route: Route) -> dict[str, Any]:
    """Return what a person or a machine may know of ``route``."""
    target, match = route.target, route.match
    alias = f":{target.qualifier}" if target.qualifier else ""
    return {
        "path": route.path,
        "methods": sorted(match.methods),
        "hosts": list(match.hosts),
        "consumers": sorted(match.consumers),
        "function": target.function_name.removesuffix(alias) + alias,
        "aws_region": target.aws_region,
        "endpoint": endpoint(route),
    }


def load(source: str) -> tuple[Route, ...]:
    return read_routes(load_setting(source))


def complain(*lines: str) -> None:
    for line in lines:
        print(line, file=sys.stderr)
