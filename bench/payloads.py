"""Generate JSON bodies of a given size, the same in every run."""

from __future__ import annotations

import json

SMALL = 1_000  # bytes
LARGE = 5_000_000
LARGEST = 6_000_000  # the limit of Lambda


def json_body(size: int) -> bytes:
    """Return a JSON object of exactly ``size`` bytes: records like those of a shop."""
    record = json.dumps({"id": 100_000, "name": "A thing", "price": 12.5, "tags": ["a", "b"]})
    count = max(0, (size - 100) // (len(record) + 2))
    head = '{"records": [' + ", ".join([record] * count) + '], "note": "'
    return (head + "x" * (size - len(head) - 2) + '"}').encode()
