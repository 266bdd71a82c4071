"""Options of the whole configuration, which no route can have."""

from __future__ import annotations

from wsgi_lambda.options import parsers
from wsgi_lambda.options.declaration import OptionGroup, option


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
