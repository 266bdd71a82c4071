"""Write the record of a request as one line of the logger `wsgi_lambda.access`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

log = logging.getLogger("wsgi_lambda.access")


def is_enabled() -> bool:
    """Return whether a line would be written."""
    return log.isEnabledFor(logging.INFO)


def write(fields: Mapping[str, Any], *, path: str) -> None:
    """Log a line; ``fields`` are the record's, and become attributes of the LogRecord.

    Foreign text in them must be printable. ``path`` is the path as the client sent it,
    decoded; the line quotes and escapes it as the lines about failures do.
    """
    log.info(
        "%s %r %d %s %s %s %.1f ms request %s",
        fields["method"],
        path,
        fields["status"],
        fields["route"],
        fields["function"],
        fields["outcome"],
        fields["total_ms"],
        fields["aws_request_id"] or "-",
        extra=fields,
    )
