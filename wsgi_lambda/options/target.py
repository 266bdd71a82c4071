"""Options that name the function and state how it is invoked."""

from __future__ import annotations

from wsgi_lambda.options import aws_names, parsers
from wsgi_lambda.options.declaration import OptionGroup, choice, option


class Target(OptionGroup):
    """The function."""

    function_name: str = option(
        aws_names.function_name,
        "",
        type_name="string",
        default_doc="required",
        doc="Name, ARN or partial ARN, each with an optional `:alias`",
    )
    qualifier: str | None = option(
        aws_names.qualifier, type_name="string", doc="Version or alias of the function"
    )
    aws_region: str = option(
        aws_names.region,
        "",
        type_name="string",
        doc="The region of the function. None means the region in the ARN (which also wins over "
        "a default for all routes), else `AWS_REGION`, else `AWS_DEFAULT_REGION`, else the "
        "region of the profile¹. Without any of these the configuration is invalid. A warning is "
        "logged for a misspelt region",
    )
    invocation_type: str = choice(
        "RequestResponse",
        "Event",
        "DryRun",
        doc="`RequestResponse` waits for the result, `Event` queues the event (202), `DryRun` "
        "only checks the permission (204)",
    )
    invoke_mode: str = choice(
        "BUFFERED",
        "RESPONSE_STREAM",
        doc="`RESPONSE_STREAM` passes the response on while the function produces it. See "
        "[streaming](streaming.md)",
    )
    log_type: str = choice(
        "Tail",
        "None",
        doc="`Tail` writes the end of the function's log (4 kB) to the logger "
        "`wsgi_lambda.tail`. The string `None` does not request the log",
    )
    timeout: float = option(
        parsers.milliseconds,
        60.0,
        type_name="milliseconds",
        default_doc="60000",
        doc="Total deadline of an invocation: connect, send, wait and read; in a stream until "
        "the response begins, then for each silence. It does not limit the DNS look-up of the "
        "host. Below 100 a warning is logged",
    )
    retries: int = option(
        parsers.integer(0, 10),
        0,
        type_name="0 to 10",
        default_doc="0",
        doc="More attempts, after a short wait, if Lambda throttles (429) or the function is not "
        "ready; in both cases it did not run. All attempts together stay within `timeout`. The "
        "longer an outage lasts, the fewer are made",
    )
    max_concurrency: int | None = option(
        parsers.integer(1),
        type_name="integer",
        doc="Concurrent invocations of the route in each process; a stream counts until its "
        "end. Further requests get 503 immediately",
    )
    tenant_id: aws_names.Tenant | aws_names.TenantHeader | None = option(
        aws_names.tenant_id,
        type_name="string",
        doc="Tenant of the invocation, for functions with tenant isolation. `header:NAME` reads "
        "it from that request header; a missing or malformed header gets 400",
    )
    client_context: str | None = option(
        aws_names.client_context,
        type_name="mapping",
        doc="The function finds it in `context.client_context`. At most 3583 bytes as base64",
    )
