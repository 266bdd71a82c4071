"""Every option, declared once: name, default, parser, meaning.

A value from a configuration comes in, a parsed value or a ValueError goes out.
Nothing here looks at a request, the environment or another option.

The names are those of Kong's `aws-lambda` plugin. Each step of a request has
one group of options, in a file of its own.
"""

from __future__ import annotations

from typing import NamedTuple

from wsgi_lambda.options.event import ASYNCHRONOUS_PAYLOAD, SYNCHRONOUS_PAYLOAD, EventOptions
from wsgi_lambda.options.identity import Identity
from wsgi_lambda.options.local import HandlerName, LocalOptions
from wsgi_lambda.options.match import Match
from wsgi_lambda.options.paths import Path
from wsgi_lambda.options.response import ResponseOptions
from wsgi_lambda.options.target import Target
from wsgi_lambda.options.transport import Transport
from wsgi_lambda.options.whole import WholeOptions
from wsgi_lambda.printable import printable

__all__ = [
    "ASYNCHRONOUS_PAYLOAD",
    "GROUPS",
    "OPTIONS",
    "SYNCHRONOUS_PAYLOAD",
    "EventOptions",
    "HandlerName",
    "Identity",
    "LocalOptions",
    "Match",
    "Path",
    "ResponseOptions",
    "Route",
    "Target",
    "Transport",
    "WholeOptions",
]


class Route(NamedTuple):
    """One function under one path, or under a name, with the options of every step.

    Templates are always exact: `is_exact` is true for them, whatever `exact` is.
    """

    path: Path
    match: Match
    target: Target
    identity: Identity
    transport: Transport
    event: EventOptions
    response: ResponseOptions
    local: LocalOptions
    #: Whether local mode is on and the route has a handler: nothing reaches Lambda.
    is_local: bool = False
    #: The key under `functions`, whose path is that of a view; "" for a route with a path.
    name: str = ""

    @property
    def label(self) -> str:
        """The path as configured, or the name of a named function: for logs and reports."""
        return printable(self.name or str(self.path))

    @property
    def endpoint(self) -> str:
        """The Lambda endpoint as a URL, or ``"in-process"``."""
        return self.transport.host if self.is_local else self.transport.url

    @property
    def is_exact(self) -> bool:
        """Whether the route matches whole paths only, not everything below."""
        return self.match.exact or self.path.is_template

    @property
    def precedence(self) -> tuple[bool, bool, bool]:
        """The sort key of routes under the same path: the smallest comes first."""
        return not self.is_exact, not self.match.consumers, not self.match.headers


GROUPS = (Match, Target, Identity, Transport, EventOptions, ResponseOptions, LocalOptions)

#: The declaration of every option by its name, in the order of the documentation.
OPTIONS = {name: each for group in GROUPS for name, each in group.options.items()}
