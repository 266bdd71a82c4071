"""What an operator of the shop sees: the last invocations, and the page for Prometheus."""

from __future__ import annotations

import json
import os
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    generate_latest,
    multiprocess,
)

from wsgi_lambda.observe import InvocationRecord, Observer

#: The invocations that the page shows.
SHOWN = 50

# Without a file, a worker process shows only its own invocations.
_own: deque[dict[str, Any]] = deque(maxlen=SHOWN)


class LastInvocations(Observer):
    """Keeps the last invocations, in the file that DEMO_INVOCATIONS names for all workers."""

    def __init__(self) -> None:
        self._file = os.environ.get("DEMO_INVOCATIONS")

    def ended(self, record: InvocationRecord) -> None:
        row = _row(record)
        if self._file is None:
            _own.append(row)
            return
        # One write of less than a page: lines of several processes do not mix.
        with Path(self._file).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def last_invocations() -> list[dict[str, Any]]:
    """Return the rows of the page, the newest first."""
    name = os.environ.get("DEMO_INVOCATIONS")
    if name is None:
        return list(_own)[::-1]
    if not Path(name).exists():
        return []
    with Path(name).open(encoding="utf-8") as file:
        lines = deque(file, maxlen=SHOWN)
    # Another process may be writing the last one.
    return [json.loads(line) for line in lines if line.endswith("\n")][::-1]


def metrics_page() -> tuple[bytes, str]:
    """Return the page that Prometheus reads, and its Content-Type."""
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)
    return generate_latest(registry), CONTENT_TYPE_LATEST


def _row(record: InvocationRecord) -> dict[str, Any]:
    billed = "" if record.billed_ms is None else f"{record.billed_ms:.0f} ms"
    return {
        "time": datetime.now(UTC).strftime("%H:%M:%S"),
        "route": record.route,
        "function": record.function,
        "outcome": record.outcome,
        "status": record.status,
        "duration": f"{record.duration_ms:.1f} ms",
        "billed": billed,
        "cold": {True: "yes", False: "no", None: ""}[record.is_cold],
    }
