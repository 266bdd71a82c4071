"""Write the record of a request as one line of the logger `wsgi_lambda.access`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

log = logging.getLogger("wsgi_lambda.access")

_TEMPLATE = "%s %r %d %s %s %s %.1f ms request %s"


def is_enabled() -> bool:
    """Return whether a line would be written."""
    return log.isEnabledFor(logging.INFO)


def write(fields: Mapping[str, Any], *, path: str) -> None:
    """Log a line; ``fields`` are the record's, and become attributes of the LogRecord.

    Foreign text in them must be printable. ``path`` is the path as the client sent it,
    decoded; the line quotes and escapes it as the lines about failures do.
    """
    values = (
        fields["method"] or "invoke",
        path or fields["route"],
        fields["status"],
        fields["route"],
        fields["function"],
        fields["outcome"],
        fields["total_ms"],
        fields["aws_request_id"] or "-",
    )
    record = log.makeRecord(log.name, logging.INFO, __file__, 0, _TEMPLATE, values, None, "write")
    # Not `extra=`: it raises a KeyError if the app's LogRecordFactory sets one of the names.
    vars(record).update(fields)
    log.handle(record)
