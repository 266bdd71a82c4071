"""Options of the whole configuration, which no route can have."""

from __future__ import annotations

from wsgi_lambda.options import parsers
from wsgi_lambda.options.declaration import OptionGroup, option


def _observers(value: object) -> tuple[object, ...]:
    # Only a configuration with observers pays for this import.
    from wsgi_lambda.options.observing import observers

    return observers(value)


class WholeOptions(OptionGroup):
    """The whole configuration.

    These options are allowed at the top level only.
    """

    local: bool | None = option(
        parsers.boolean,
        type_name="boolean",
        doc="Whether routes with a `handler` run in this process: [local mode]"
        "(local.md#your-app-without-aws). None means the environment variable "
        "`WSGI_LAMBDA_LOCAL`: `1` or `true`",
    )
    observers: tuple[object, ...] = option(
        _observers,
        (),
        type_name="list",
        doc="Objects that see each request to a route: [observers](operations.md#observers). An "
        "item may be the import path of an object, a class or a function, or one of "
        "[`prometheus`](operations.md#prometheus) and [`otel`](operations.md#opentelemetry)",
    )
    failure_log_limit: int | None = option(
        parsers.integer(1),
        60,
        type_name="integer",
        default_doc="60",
        doc="Log lines for each kind of failure per minute, in each process. Null sets no limit: "
        "[the log during an outage](operations.md#the-log-during-an-outage)",
    )
