"""An invocation goes out, a reply comes back.

Takes an `Invocation` (the bytes of one event, with its own headers) and returns
a `Reply`, through any `Invoker`. Never decides what the client gets.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from wsgi_lambda.delivery import Delivery
from wsgi_lambda.invoke.reply import Reply


class Invocation:
    """One event on its way to a function."""

    __slots__ = ("delivery", "headers", "is_repeatable", "may_stream", "payload")

    def __init__(
        self,
        payload: bytes,
        headers: Mapping[str, str],
        *,
        is_repeatable: bool,
        may_stream: bool = True,
        delivery: Delivery | None = None,
    ) -> None:
        #: The event: JSON in UTF-8.
        self.payload = payload
        #: Headers of this request alone: ``{"X-Amzn-Trace-Id": …, "X-Amz-Tenant-Id": …}``.
        self.headers = headers
        #: Whether the client's method is safe to repeat (RFC 9110, 9.2.1).
        self.is_repeatable = is_repeatable
        #: Whether the reply may be a `StreamedReply`; False if the app needs it whole.
        self.may_stream = may_stream
        #: Filled on the way.
        self.delivery = delivery or Delivery()


class Invoker(Protocol):
    """Runs the function of one route, from any number of threads.

    ::

        class InProcess:
            def __init__(self, handler):
                self.handler = handler

            def invoke(self, invocation):
                result = self.handler(json.loads(invocation.payload), None)
                return Reply(200, (), json.dumps(result).encode())
    """

    def invoke(self, invocation: Invocation) -> Reply:
        """Return the reply; raise `LambdaError` if there is none."""
        ...
