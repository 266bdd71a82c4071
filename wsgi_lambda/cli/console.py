"""What the commands share: loading, the public facts about a route, standard error."""

from __future__ import annotations

import sys
from typing import Any

from wsgi_lambda.config import read_routes
from wsgi_lambda.config.sources import load_configuration
from wsgi_lambda.errors import LambdaError
from wsgi_lambda.options import Route

FACTS = ("path", "methods", "hosts", "consumers", "function", "aws_region", "endpoint")


def public_facts(route: Route) -> dict[str, Any]:
    """Return the public facts about a route (no credentials), by the names in `FACTS`."""
    target, match = route.target, route.match
    alias = f":{target.qualifier}" if target.qualifier else ""
    return {
        "path": route.path,
        "methods": sorted(match.methods),
        "hosts": list(match.hosts),
        "consumers": sorted(match.consumers),
        "function": target.function_name.removesuffix(alias) + alias,
        "aws_region": target.aws_region,
        "endpoint": route.transport.url,
    }


def load(source: str) -> tuple[Route, ...]:
    """Return the routes of the configuration that ``source`` names; raises `ConfigError`."""
    return read_routes(load_configuration(source))


def describe(error: LambdaError) -> str:
    """Return the type and the detail of an error, as the log would contain them."""
    return f"{type(error).__name__}: {error.detail or error.message}"


def complain(*lines: str) -> None:
    """Write lines to standard error."""
    for line in lines:
        print(line, file=sys.stderr)
