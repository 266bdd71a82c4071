"""wsgi-lambda check: find credentials, and ask Lambda whether each route may be invoked."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from wsgi_lambda.cli.console import complain, describe, load_named, public_facts
from wsgi_lambda.dispatcher import Dispatcher
from wsgi_lambda.errors import LambdaError
from wsgi_lambda.invoke import Invocation
from wsgi_lambda.invoke.connections import Connections
from wsgi_lambda.invoke.kinds import make_invoker
from wsgi_lambda.options import Route
from wsgi_lambda.printable import printable

_JSON_FACTS = (
    "path",
    "methods",
    "hosts",
    "headers",
    "consumers",
    "function",
    "aws_region",
    "endpoint",
)


def run_check(given: argparse.Namespace) -> int:
    """Print a line for each route and a summary; return 0 if all may be invoked, else 1."""
    dispatcher = Dispatcher(load_named(given.file))
    if not dispatcher.routes:
        complain(f"{given.file}: no routes")
        if given.json:
            print("[]")
        return 1
    with closing(dispatcher.connections) as connections:
        return check_routes(dispatcher.routes, connections, as_json=given.json)


def check_routes(
    routes: Sequence[Route], connections: Connections, *, as_json: bool = False
) -> int:
    """Print a line for each of ``routes`` and a summary; return 0 if all may be invoked, else 1."""
    if as_json:
        rows = [_row(route, connections) for route in routes]
        # ASCII: Lambda's text may contain characters that command a terminal.
        print(json.dumps(rows, indent=2))
        return 0 if all(row["is_allowed"] for row in rows) else 1
    failures: list[str] = []
    for route in routes:
        result, passed = _dry_run(route, connections)
        facts = [*_facts(route), f"credentials: {_origin(route, connections)}"]
        # A long error that many routes share is printed once.
        shown = "the same error as above" if result in failures else result
        print("ok  " if passed else "FAIL", printable("  ".join([*facts, f"DryRun: {shown}"])))
        if not passed:
            failures.append(result)
    print(f"{_routes(len(routes))}: {len(routes) - len(failures)} ok, {len(failures)} failed")
    return 1 if failures else 0


def _row(route: Route, connections: Connections) -> dict[str, Any]:
    """Return what programs may know about a route and the DryRun of its function."""
    started = time.monotonic()
    result, is_allowed = _dry_run(route, connections)
    facts = public_facts(route)
    return {
        **{name: facts[name] for name in _JSON_FACTS},
        "credentials": _origin(route, connections),
        "is_allowed": is_allowed,
        "result": result,
        "duration_ms": round((time.monotonic() - started) * 1000, 1),
    }


def _routes(count: int) -> str:
    return "1 route" if count == 1 else f"{count} routes"


def _facts(route: Route) -> list[str]:
    facts = public_facts(route)
    conditions = [
        f"{name} {','.join(facts[name])}"
        for name in ("methods", "hosts", "headers", "consumers")
        if facts[name]
    ]
    path = f"{facts['path']} (exact)" if facts["kind"] == "exact" else facts["path"]
    return [path, *conditions, facts["function"], facts["aws_region"], facts["endpoint"]]


def _dry_run(route: Route, connections: Connections) -> tuple[str, bool]:
    """Ask Lambda whether the route may invoke its function, which does not run; load a handler.

    Returns the result for the report, and whether it may: ``("ok", True)``.
    """
    if route.is_local:
        # Only a process that has local routes has the modules of the extra `local`.
        from wsgi_lambda.invoke.named_handler import loading_error

        error = loading_error(route.local.handler)
        return error or "not asked, the function runs in this process", not error
    dry = route._replace(target=route.target.replace(invocation_type="DryRun"))
    try:
        reply = make_invoker(dry, connections).invoke(Invocation(b"{}", {}, is_repeatable=False))
    except LambdaError as error:
        return describe(error), False
    if reply.status == 204:
        return "ok", True
    return f"Lambda replied {reply.status} {reply.error_type}".rstrip(), False


def _origin(route: Route, connections: Connections) -> str:
    """Return the place of the route's credentials, and nothing of the credentials."""
    if route.is_local:
        return "not needed"
    deadline = time.monotonic() + route.target.timeout
    try:
        return connections.credentials(route).origin(deadline)
    except LambdaError:
        return "none found"
