"""Which resource a request is for: its path parameters, and its route in API Gateway's words.

A configured route knows both from its path. For a view, the framework has routed
the request: its url is the template, and the values are what the url captured.
"""

from __future__ import annotations

from wsgi_lambda.options import Route
from wsgi_lambda.request import Request, encode

STAGE = "$default"


def path_parameters(request: Request, route: Route) -> dict[str, str]:
    """Return the values of the parameters in the path: ``{"id": "7"}``."""
    captured = request.framework.path_parameters
    return route.path.parameters(request.path_info) if captured is None else dict(captured)


def resource_of(request: Request, route: Route, path: str) -> tuple[str, dict[str, str] | None]:
    """Return `resource` and `pathParameters` of payload 1.0; ``path`` is that of the event.

    A prefix is a resource with a greedy parameter, as at AWS:
    ``("/shop/{proxy+}", {"proxy": "items/7"})``.
    """
    if route.name:
        return request.framework.template or path, path_parameters(request, route) or None
    own = route.path
    if route.is_exact:
        return str(own), path_parameters(request, route) or None
    rest = f"/{request.path_info.lstrip('/')}"[own.prefix_length :]
    proxy = rest.removeprefix("/").removesuffix("/")
    if not proxy:
        return str(own), None
    resource = f"{str(own).rstrip('/')}/{{proxy+}}"
    return resource, {"proxy": encode(proxy).decode(errors="replace")}


def resource_path(request: Request, route: Route, path: str) -> str:
    """Return `requestContext.resourcePath` of payload 1.0.

    Of a prefix it is the event's own path: Kong sends it, and Chalice matches it.
    """
    if route.name:
        return request.framework.template or path
    return str(route.path) if route.is_exact else path


def route_key(request: Request, route: Route) -> str:
    """Return the route key of payload 2.0.

    ``"GET /todos/{id}"`` for a template, ``"$default"`` for another route; for a
    view ``"POST /pay/{order_id}"`` with the method of the request.
    """
    if route.name:
        template = request.framework.template
        return f"{request.method} {template}" if template else STAGE
    if not route.path.is_template:
        return STAGE
    methods = route.match.methods
    return f"{next(iter(methods)) if len(methods) == 1 else 'ANY'} {route.path}"
