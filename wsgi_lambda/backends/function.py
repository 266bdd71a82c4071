"""The backend of a function: event, invocation, response."""

from __future__ import annotations

from wsgi_lambda.event import EventBuilder
from wsgi_lambda.invoke import Invocation, Invoker
from wsgi_lambda.invoke.request_headers import request_headers
from wsgi_lambda.options import Route
from wsgi_lambda.request import Request
from wsgi_lambda.response import from_reply
from wsgi_lambda.response.wsgi import Response

# RFC 9110, 9.2.1: the methods that a client may repeat without asking.
_SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))


class FunctionBackend:
    """Builds the event of a request, invokes the function, and maps its reply."""

    def __init__(self, route: Route, invoker: Invoker) -> None:
        self.route = route
        self._invoker = invoker
        self._events = EventBuilder(route)

    def respond(self, request: Request) -> Response:
        """Return the response of the function; raises what each step raises."""
        delivery = request.delivery
        invocation = Invocation(
            payload=self._events.build(request),
            headers=request_headers(request, self.route.target),
            is_repeatable=request.method in _SAFE_METHODS,
            delivery=delivery,
        )
        reply = self._invoker.invoke(invocation)
        delivery.status, delivery.headers = reply.status, reply.headers
        delivery.log_result = reply.header("x-amz-log-result")
        return from_reply(reply, self.route)
