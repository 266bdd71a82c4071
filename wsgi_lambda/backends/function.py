"""The backend of a function: event, invocation, response."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wsgi_lambda.response.result import Result

from wsgi_lambda.errors import PayloadTooLarge
from wsgi_lambda.event import EventBuilder
from wsgi_lambda.invoke import Invocation, Invoker
from wsgi_lambda.invoke.concurrency import Slots
from wsgi_lambda.invoke.reply import Reply
from wsgi_lambda.invoke.request_headers import own_headers, request_headers
from wsgi_lambda.options import Route
from wsgi_lambda.options.aws_names import split_function_name
from wsgi_lambda.request import NoRequest, Request
from wsgi_lambda.response import LogStreamEnd, mapping_of
from wsgi_lambda.response.wsgi import Response

# RFC 9110, 9.2.1: the methods that a client may repeat without asking.
_SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))


class FunctionBackend:
    """Builds the event of a request, invokes the function, and maps its reply."""

    def __init__(self, route: Route, invoker: Invoker, log_stream_end: LogStreamEnd) -> None:
        self.route = route
        self._invoker = invoker
        self._slots = Slots(route.target.max_concurrency)
        self._events = EventBuilder(route)
        self._from_reply = mapping_of(route, log_stream_end)

    def respond(self, request: Request) -> Response:
        """Return the response of the function; raises what each step raises."""
        invocation = Invocation(
            payload=self._events.build(request),
            headers=request_headers(request, self.route.target),
            is_repeatable=request.method in _SAFE_METHODS,
            delivery=request.delivery,
        )
        return self._from_reply(self._invoke(invocation), self.route)

    def invoke(
        self, payload: bytes, call: NoRequest, *, tenant_id: str | None, is_safe: bool
    ) -> Result:
        """Invoke the function with an event of the app's own; raises what each step raises."""
        limit = self.route.event.max_payload_size
        if len(payload) > limit:
            raise PayloadTooLarge(detail=f"an event of {len(payload)} bytes, limit {limit} bytes")
        invocation = Invocation(
            payload=payload,
            headers=own_headers(tenant_id, self.route.target, call),
            is_repeatable=is_safe,
            may_stream=False,
            delivery=call.delivery,
        )
        from wsgi_lambda.response.result import result_of

        return result_of(self._invoke(invocation))

    def snapshot(self) -> dict[str, Any]:
        """Return the state of the route in this process."""
        target = self.route.target
        return {
            "path": self.route.label,
            "function": split_function_name(target.function_name).name,
            "in_flight": len(self._slots),
            "max_concurrency": target.max_concurrency,
        }

    def _invoke(self, invocation: Invocation) -> Reply:
        delivery = invocation.delivery
        delivery.payload_bytes = len(invocation.payload)
        reply = self._slots.invoke(self._invoker, invocation)
        delivery.status, delivery.headers = reply.status, reply.headers
        delivery.response_bytes = len(reply.body)
        delivery.log_result = reply.header("x-amz-log-result")
        return reply
