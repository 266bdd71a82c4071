"""Headers of one invocation alone: the trace, the tenant, and a client context with the trace.

No other header of a client reaches AWS, and both are validated: the trace is
rebuilt from its parts, a tenant id must match AWS's pattern.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from wsgi_lambda.errors import RequestError
from wsgi_lambda.options import Target
from wsgi_lambda.options.aws_names import TenantHeader, is_tenant
from wsgi_lambda.request import NoRequest, Request


def request_headers(request: Request, target: Target) -> dict[str, str]:
    """Return the headers of the invocation for ``request``.

    Raises `RequestError` if `tenant_id` names a header that is missing from the
    request or is not a valid tenant id. Example:
    ``{"X-Amzn-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793"}``.
    """
    headers = {"X-Amzn-Trace-Id": request.trace}
    if isinstance(target.tenant_id, TenantHeader):
        headers["X-Amz-Tenant-Id"] = _tenant(request, target.tenant_id.name)
    if request.propagated:
        _add_client_context(headers, request.propagated, target)
    return headers


def own_headers(tenant_id: str | None, target: Target, call: NoRequest) -> dict[str, str]:
    """Return the headers of an invocation without a request.

    ``tenant_id`` wins over the option. Raises `RequestError` if it is invalid, or None
    although the option names a header of the request.
    """
    headers = {"X-Amzn-Trace-Id": call.trace}
    if call.propagated:
        _add_client_context(headers, call.propagated, target)
    if tenant_id is not None:
        if not is_tenant(tenant_id):
            raise RequestError("The tenant_id is not a valid tenant id")
        headers["X-Amz-Tenant-Id"] = tenant_id
    elif isinstance(target.tenant_id, TenantHeader):
        raise RequestError("The function needs a tenant_id")
    return headers


def _add_client_context(
    headers: dict[str, str], propagated: Mapping[str, str], target: Target
) -> None:
    # Lambda hands a client context only to functions that it waits for.
    if target.invocation_type == "RequestResponse":
        context = _with_w3c()(target.client_context, propagated)
        if context is not None:
            headers["X-Amz-Client-Context"] = context


@cache
def _with_w3c() -> Callable[[str | None, Mapping[str, str]], str | None]:
    # Only a configuration with observers pays for this import.
    from wsgi_lambda.invoke.client_context import with_w3c

    return with_w3c


def _tenant(request: Request, name: str) -> str:
    tenant = request.header(name)
    if not tenant:
        raise RequestError(f"The request has no header {name}")
    if not is_tenant(tenant):
        raise RequestError(f"The request's header {name} is not a valid tenant id")
    return tenant
