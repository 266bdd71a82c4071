"""Headers of one invocation that come from its request: the trace and the tenant.

No other header of a client reaches AWS, and both are validated: the trace is
rebuilt from its parts, a tenant id must match AWS's pattern.
"""

from __future__ import annotations

from wsgi_lambda.errors import RequestError
from wsgi_lambda.options import Target
from wsgi_lambda.options.aws_names import TenantHeader, is_tenant
from wsgi_lambda.request import Request


def request_headers(request: Request, target: Target) -> dict[str, str]:
    """Return the headers of the invocation for ``request``.

    Raises `RequestError` if `tenant_id` names a header that is missing from the
    request or is not a valid tenant id. Example:
    ``{"X-Amzn-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793"}``.
    """
    headers = {"X-Amzn-Trace-Id": request.trace}
    if isinstance(target.tenant_id, TenantHeader):
        headers["X-Amz-Tenant-Id"] = _tenant(request, target.tenant_id.name)
    return headers


def _tenant(request: Request, name: str) -> str:
    tenant = request.header(name)
    if not tenant:
        raise RequestError(f"The request has no header {name}")
    if not is_tenant(tenant):
        raise RequestError(f"The request's header {name} is not a valid tenant id")
    return tenant
