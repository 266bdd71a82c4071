"""Options that choose what the event contains."""

from __future__ import annotations

from wsgi_lambda.options import parsers, paths
from wsgi_lambda.options.declaration import OptionGroup, choice, flag, option

MEBIBYTE = 1024 * 1024  # bytes

#: Lambda's limits for a synchronous and an asynchronous event, bytes.
#: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
SYNCHRONOUS_PAYLOAD = 6 * MEBIBYTE
ASYNCHRONOUS_PAYLOAD = 1 * MEBIBYTE


class EventOptions(OptionGroup):
    """The event."""

    forward_request_method: bool = flag(False, doc="Put `request_method` into the event")
    forward_request_uri: bool = flag(
        False,
        doc="Put `request_uri` (path and query as the client sent them) and `request_uri_args` "
        "into the event",
    )
    forward_request_headers: bool = flag(
        False, doc="Put `request_headers` into the event, with names in lower case"
    )
    forward_request_body: bool = flag(
        False,
        doc="Put `request_body` and `request_body_args` into the event, and "
        "`request_body_base64: true` if the body is base64",
    )
    base64_encode_body: bool = flag(
        True,
        doc="Encode a `request_body` as base64 if its type is not text; in API Gateway events of "
        "version 1.0, every body. A body that is not valid UTF-8 is always encoded",
    )
    awsgateway_compatible: bool = flag(
        False, doc="Send an API Gateway event. It wins over `forward_request_*`"
    )
    awsgateway_compatible_payload_version: str = choice(
        "1.0",
        "2.0",
        doc="Version of the API Gateway event, a string. With `2.0` and `is_proxy_integration`, "
        "a result without `statusCode` becomes a 200 response with JSON",
    )
    strip_path: bool = flag(
        False,
        doc="Remove the route's path from the path in API Gateway events. `request_uri` is never "
        "stripped",
    )
    add_path: str | None = option(
        paths.parse_prefix,
        type_name="string",
        doc="Put a path, such as `/internal/v2`, in front of the path in API Gateway events, "
        "after `strip_path`",
    )
    skip_large_bodies: bool = flag(
        True,
        doc="Accepted so that a Kong configuration loads; a body is never dropped because of "
        "its size",
    )
    max_payload_size: int = option(
        parsers.integer(1),
        0,
        type_name="bytes",
        default_doc="6 MiB",
        doc="Size of the event as JSON. A larger one gets 413, and the function is not invoked. "
        "The default with `Event` is 1 MiB",
    )
    reject_unparsed_body: bool = flag(
        False,
        doc="Reject a request whose body the default event cannot contain, instead of ignoring "
        "the body: 415 for its type, else 400. The default with `authorize` is true. It does not "
        "apply to `forward_request_*` and API Gateway events",
    )
    max_arguments: int = option(
        parsers.integer(1),
        1000,  # as in Django (DATA_UPLOAD_MAX_NUMBER_FIELDS) and Werkzeug (max_form_parts)
        type_name="integer",
        default_doc="1000",
        doc="Number of query arguments, and of fields and files in a form or multipart body. "
        "More get 413, and the function is not invoked",
    )
