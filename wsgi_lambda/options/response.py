"""Options that choose how a reply becomes a response."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from wsgi_lambda.options import parsers
from wsgi_lambda.options.declaration import OptionGroup, choice, flag, option

if TYPE_CHECKING:
    from werkzeug.wrappers import Request, Response

#: Lambda's limit for a result (6 MiB), and room for the envelope of an error,
#: which Lambda does not count. Bytes.
BUFFERED_RESPONSE = (6 * 1024 + 64) * 1024


class ResponseOptions(OptionGroup):
    """The response."""

    is_proxy_integration: bool = flag(
        False, doc="The function's result contains the status, headers and body of the response"
    )
    unhandled_status: int | None = option(
        parsers.integer(200, 999),
        type_name="200 to 999",
        doc="Status of the response if the function raised an error. In proxy integration it is "
        "always 502, or 504 for a timeout",
    )
    empty_arrays_mode: str = choice(
        "correct",
        "legacy",
        doc="`legacy` turns each `[]` in a JSON result into `{}`, as old versions of Kong did; "
        "not in proxy integration",
    )
    max_response_size: int = option(
        parsers.integer(1),
        BUFFERED_RESPONSE,
        type_name="bytes",
        default_doc="6 MiB + 64 KiB",
        doc="Size of Lambda's reply, in a stream of one frame. A larger one becomes 502",
    )
    on_error: Callable[[Request, Any], Response | None] | None = option(
        parsers.function,
        type_name="callable or string",
        doc="Called for each failure with the Werkzeug `Request`, whose body is empty, and an "
        "error with `status`, `message`, `request_id` and `retry_after`. It returns a `Response` "
        "to send, or None for the JSON. See [failures](failures.md#your-own-error-pages)",
    )
    expose_log_result: bool = flag(
        False,
        doc="Send `X-Amz-Log-Result`, the end of the function's log, to the client; never in a "
        "stream",
    )
    expose_stack_trace: bool = flag(
        False, doc="Send the stack trace of a function's error to the client"
    )
