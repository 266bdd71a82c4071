"""What travels beside the event: the tenant and the trace of a request."""

from __future__ import annotations

from wsgi_lambda.errors import RequestError
from wsgi_lambda.options import Target
from wsgi_lambda.options.aws_names import HEADER_SOURCE, is_tenant
from wsgi_lambda.request import Request
from wsgi_lambda.trace import trace_of


def headers_beside(request: Request, target: Target) -> dict[str, str]:
    """Return the headers for the invocation that depend on the request, made anew.

    Raises `RequestError` where `tenant_id` names a header that the request has
    not, or that holds no tenant's id.
    """
    headers = {}
    trace = trace_of(request.header("x-amzn-trace-id"), request.header("traceparent"))
    if trace:
        headers["X-Amzn-Trace-Id"] = trace
    if target.tenant_id and target.tenant_id.startswith(HEADER_SOURCE):
        headers["X-Amz-Tenant-Id"] = _tenant(request, target.tenant_id.removeprefix(HEADER_SOURCE))
    return headers


def _tenant(request: Request, name: str) -> str:
    tenant = request.header(name)
    if not tenant:
        raise RequestError(f"The request has no header {name}")
    if not is_tenant(tenant):
        raise RequestError(f"The request's header {name} is no tenant's id")
    return tenant
