"""Every option, declared once: name, default, parser, meaning.

A value from a configuration comes in, a parsed value or a ValueError goes out.
Nothing here looks at a request, the environment or another option.

The names are those of Kong's `aws-lambda` plugin. Each step of a request has
one group of options, in a file of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from wsgi_lambda.options.event import ASYNCHRONOUS_PAYLOAD, SYNCHRONOUS_PAYLOAD, EventOptions
from wsgi_lambda.options.identity import Identity
from wsgi_lambda.options.match import Match
from wsgi_lambda.options.response import ResponseOptions
from wsgi_lambda.options.target import Target
from wsgi_lambda.options.transport import Transport

__all__ = [
    "ASYNCHRONOUS_PAYLOAD",
    "GROUPS",
    "OPTIONS",
    "SYNCHRONOUS_PAYLOAD",
    "EventOptions",
    "Identity",
    "Match",
    "ResponseOptions",
    "Route",
    "Target",
    "Transport",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One function under one path, with the options of every step."""

    path: str
    match: Match
    target: Target
    identity: Identity
    transport: Transport
    event: EventOptions
    response: ResponseOptions


GROUPS = (Match, Target, Identity, Transport, EventOptions, ResponseOptions)

#: The dataclass field of every option by its name, in the order of the documentation.
OPTIONS = {item.name: item for group in GROUPS for item in fields(group)}
