"""An invocation goes out, a reply comes back.

Takes an `Invocation` (the bytes of one event, with its own headers) and returns
a `Reply`, through any `Invoker`. Never decides what the client gets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from wsgi_lambda.delivery import Delivery
from wsgi_lambda.invoke.reply import Reply


@dataclass(frozen=True, slots=True)
class Invocation:
    """One event on its way to a function."""

    #: The event: JSON in UTF-8.
    payload: bytes
    #: Headers of this request alone: ``{"X-Amzn-Trace-Id": …, "X-Amz-Tenant-Id": …}``.
    headers: Mapping[str, str]
    #: Whether the client's method is safe to repeat (RFC 9110, 9.2.1).
    is_repeatable: bool
    #: Filled on the way.
    delivery: Delivery = field(default_factory=Delivery)


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
