"""Every option, declared once: name, default, parser, meaning.

The names are those of Kong's `aws-lambda` plugin. A group is what one step
needs to know: which requests (`Match`), what to invoke (`Target`), as whom
(`Identity`), over which connection (`Transport`), what to send
(`EventOptions`), what to answer (`ResponseOptions`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from wsgi_lambda.options import addresses, aws_names, parsers

if TYPE_CHECKING:
    from werkzeug.wrappers import Request, Response

MEBIBYTE = 1024 * 1024  # bytes

#: What Lambda takes as a synchronous or asynchronous event, bytes.
#: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
SYNCHRONOUS_PAYLOAD = 6 * MEBIBYTE
ASYNCHRONOUS_PAYLOAD = 1 * MEBIBYTE

#: Lambda's limit for a result, with room for the few bytes of envelope (an
#: error's JSON) that it does not count.
BUFFERED_RESPONSE = 6 * MEBIBYTE + 64 * 1024


#: What these read may be secret.
HIDDEN = (parsers.secret, aws_names.external_id, addresses.proxy_url, aws_names.client_context)


def option(parse: Callable[[object], Any], default: Any = None, *, doc: str) -> Any:
    """Declare one option as a dataclass field; a secret never shows in a repr."""
    shown = parse not in HIDDEN
    return field(default=default, repr=shown, metadata={"parse": parse, "doc": doc})


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Which requests below the route's path are the route's; empty means all."""

    methods: frozenset[str] = option(
        parsers.methods, frozenset(), doc="HTTP methods, as a list; HEAD is not implied by GET"
    )
    hosts: tuple[str, ...] = option(
        addresses.hosts,
        (),
        doc="names of the Host header, as a list; `*.` before or `.*` after a name as in Kong",
    )
    consumers: frozenset[str] = option(
        parsers.names, frozenset(), doc="values of `REMOTE_USER`, as a list"
    )
    authorize: Callable[[Request], Response | None] | None = option(
        parsers.function,
        doc="called with each Werkzeug Request; None lets it go on, a Response is the answer",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What to invoke."""

    function_name: str = option(
        aws_names.function_name,
        "",
        doc="name, ARN or partial ARN, with optional `:alias`; required",
    )
    qualifier: str | None = option(aws_names.qualifier, doc="version or alias")
    aws_region: str = option(
        aws_names.region,
        "",
        doc="else the ARN's, the environment's `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile's",
    )
    invocation_type: str = option(
        parsers.one_of("RequestResponse", "Event", "DryRun"),
        "RequestResponse",
        doc="wait for the result, queue the event (202), or only check permissions (204)",
    )
    log_type: str = option(
        parsers.one_of("Tail", "None"),
        "Tail",
        doc="`Tail` fetches the last 4 kB of the function's log into the logger `wsgi_lambda.tail`",
    )
    timeout: float = option(
        parsers.milliseconds, 60.0, doc="ms; a total deadline for the invocation"
    )
    retries: int = option(
        parsers.integer(0, 10),
        0,
        doc="more tries after throttling (429) and while the function is not ready",
    )
    max_concurrency: int | None = option(
        parsers.integer(1), doc="invocations at once in each process; the surplus gets 503"
    )
    tenant_id: str | None = option(
        aws_names.tenant_id, doc="of the invocation; `header:NAME` takes it from the request"
    )
    client_context: str | None = option(
        aws_names.client_context,
        doc="mapping that the function finds in its context's client_context",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """As whom to invoke it."""

    aws_key: str | None = option(
        parsers.secret, doc="access key id, with `aws_secret`; else the environment's"
    )
    aws_secret: str | None = option(parsers.secret, doc="secret access key")
    aws_session_token: str | None = option(
        parsers.secret, doc="session token of temporary `aws_key` and `aws_secret`"
    )
    aws_assume_role_arn: str | None = option(
        aws_names.role_arn, doc="role to assume with the credentials found so far"
    )
    aws_role_session_name: str = option(
        aws_names.role_session_name, "wsgi_lambda", doc="name of the role's session"
    )
    aws_external_id: str | None = option(
        aws_names.external_id, doc="external id, where the role's trust policy wants one"
    )
    aws_sts_endpoint_url: str | None = option(
        addresses.sts_endpoint_url, doc="URL of STS; else AWS's own, in the region"
    )
    aws_imds_protocol_version: str = option(
        parsers.one_of("v1", "v2"),
        "v1",
        doc="of an instance's metadata; `v2` never falls back to v1",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Transport:
    """One endpoint and its pool; routes with the same values share connections."""

    host: str = option(
        addresses.host,
        "",
        doc="of the endpoint; else the environment's `AWS_ENDPOINT_URL_LAMBDA` or "
        "`AWS_ENDPOINT_URL`, else `lambda.<region>.<suffix of the partition>`",
    )
    port: int = option(parsers.integer(1, 65535), 0, doc="else 443, with `disable_https` 80")
    disable_https: bool = option(parsers.boolean, False, doc="speak plain HTTP to the endpoint")
    tls_verify: bool | str = option(
        addresses.tls_verify, True, doc="true, false, or the path of a CA bundle (PEM)"
    )
    proxy_url: str | None = option(
        addresses.proxy_url, doc="forward proxy, `http://host:port`, for Lambda and STS"
    )
    keepalive: float = option(
        parsers.milliseconds,
        60.0,
        doc="ms; a pooled connection that was idle for longer is closed, not used",
    )
    pool_size: int = option(parsers.integer(1), 100, doc="idle connections kept for the endpoint")

    @property
    def scheme(self) -> str:
        return "http" if self.disable_https else "https"

    @property
    def default_port(self) -> int:
        return 80 if self.disable_https else 443

    @property
    def url(self) -> str:
        """The Lambda endpoint, as in ``https://lambda.us-east-1.amazonaws.com``."""
        return f"{self.scheme}://{self.authority}"

    @property
    def authority(self) -> str:
        """Host and, where it is not the scheme's own, port: the Host header that is signed."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == self.default_port else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventOptions:
    """How a request becomes an event."""

    forward_request_method: bool = option(
        parsers.boolean, False, doc="put `request_method` into the event"
    )
    forward_request_uri: bool = option(
        parsers.boolean, False, doc="put `request_uri`, `request_uri_args` into the event"
    )
    forward_request_headers: bool = option(
        parsers.boolean, False, doc="put `request_headers` into the event"
    )
    forward_request_body: bool = option(
        parsers.boolean, False, doc="put `request_body`, `request_body_args` into the event"
    )
    base64_encode_body: bool = option(
        parsers.boolean, True, doc="`request_body` of a type that is no text goes as base64"
    )
    awsgateway_compatible: bool = option(
        parsers.boolean, False, doc="API Gateway's event; wins over `forward_request_*`"
    )
    awsgateway_compatible_payload_version: str = option(
        parsers.one_of("1.0", "2.0"), "1.0", doc="of that event; with 2.0 of the answer, too"
    )
    strip_path: bool = option(
        parsers.boolean,
        False,
        doc="leave the route's path out of the path in API Gateway's event",
    )
    skip_large_bodies: bool = option(
        parsers.boolean, True, doc="accepted for Kong's sake; a body is never dropped"
    )
    max_payload_size: int = option(
        parsers.integer(1), 0, doc="bytes of the encoded event: 6 MiB, for `Event` 1 MiB"
    )
    max_arguments: int = option(
        parsers.integer(1),
        1000,  # as in Django (DATA_UPLOAD_MAX_NUMBER_FIELDS) and Werkzeug (max_form_parts)
        doc="arguments of a query, and of a form or multipart body; above it 413",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseOptions:
    """How Lambda's reply becomes an HTTP answer."""

    is_proxy_integration: bool = option(
        parsers.boolean, False, doc="the function's result says status, headers and body"
    )
    unhandled_status: int | None = option(
        parsers.integer(200, 999), doc="status when the function failed and did not handle it"
    )
    empty_arrays_mode: str = option(
        parsers.one_of("correct", "legacy"), "correct", doc="`legacy` turns every `[]` into `{}`"
    )
    max_response_size: int = option(
        parsers.integer(1), BUFFERED_RESPONSE, doc="bytes of Lambda's answer; above it 502"
    )
    expose_log_result: bool = option(
        parsers.boolean, False, doc="pass `X-Amz-Log-Result`, the function's log, to the client"
    )
    expose_stack_trace: bool = option(
        parsers.boolean, False, doc="pass the stack trace of a function error to the client"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One function under one path, with all that the steps need to know."""

    path: str
    match: Match
    target: Target
    identity: Identity
    transport: Transport
    event: EventOptions
    response: ResponseOptions


GROUPS = (Match, Target, Identity, Transport, EventOptions, ResponseOptions)

#: Every option by its name: its dataclass field, with default, parser and meaning.
OPTIONS = {item.name: item for group in GROUPS for item in fields(group)}
