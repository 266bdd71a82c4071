"""Choose the Invoker of a route."""

from __future__ import annotations

from wsgi_lambda.invoke import Invoker
from wsgi_lambda.invoke.connections import Connections
from wsgi_lambda.invoke.function import Function
from wsgi_lambda.options import Route


def make_invoker(route: Route, connections: Connections) -> Invoker:
    """Return the Invoker of ``route``: its handler in this process, or a function in Lambda.

    Routes share ``connections``.
    """
    if route.is_local:
        # Nobody else needs the runtime and simplejson.
        from wsgi_lambda.invoke.in_process import InProcess

        return InProcess(route, connections)
    return invoker_in_lambda(route, connections)


def invoker_in_lambda(route: Route, connections: Connections) -> Invoker:
    """Return the Invoker of the function in Lambda, even if the route has a handler here."""
    if route.target.invoke_mode == "BUFFERED":
        return Function(route, connections)
    # Only loaded by apps that stream.
    from wsgi_lambda.invoke.stream import StreamedFunction

    return StreamedFunction(route, connections)
