"""Choose the Invoker of a route."""

from __future__ import annotations

from wsgi_lambda.invoke import Invoker
from wsgi_lambda.invoke.connections import Connections
from wsgi_lambda.invoke.function import Function
from wsgi_lambda.options import Route


def make_invoker(route: Route, connections: Connections) -> Invoker:
    """Return the Invoker of ``route``: a function in Lambda, over shared ``connections``."""
    return Function(route, connections)
