"""The pages state the costs that `make cost` has measured."""

from __future__ import annotations

import json
import re

from tests.tools.cost_search import KINDS, table
from tests.unit.docs.pages import page

RESULTS = json.loads(page("docs/measured/cost.json"))


# Two searches find different bodies: what is stated has room, at most twice the number.
def highest(column: str) -> float:
    return max(row[column] for row in RESULTS["costs"])


def test_table_is_that_of_the_results() -> None:
    assert page("docs/measured/cost.md") == table(RESULTS)
    assert {row["kind"] for row in RESULTS["costs"]} == KINDS.keys()


def test_security_states_the_highest_costs() -> None:
    text = " ".join(page("SECURITY.md").split())
    (stated,) = re.findall(
        r"takes more than (\d+) MB of memory or ([\d.]+) s of CPU, .{,80}"
        r"waiting for more than (\d+) ms; .{,60}\[the most expensive ones\]"
        r"\(docs/measured/cost\.md\)",
        text,
    )
    for number, column in zip(stated, ("peak_mb", "cpu_s", "hold_ms"), strict=True):
        assert highest(column) <= float(number) < 2 * highest(column), column


def test_performance_states_the_highest_memory() -> None:
    text = " ".join(page("docs/performance.md").split())
    (stated,) = re.findall(r"\(measured/cost\.md\) found takes at most (\d+) MB", text)
    assert highest("peak_mb") <= float(stated) < 2 * highest("peak_mb")
