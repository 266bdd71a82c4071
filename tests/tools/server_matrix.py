"""The table of servers and requests: what was seen, as Markdown for docs/deploy.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

#: Everything is as the documentation says.
GOOD = "✓"

#: The outcome of one request to one server, by the names of both.
Outcomes = Mapping[tuple[str, str], str]


def to_markdown(outcomes: Outcomes, servers: Iterable[str], requests: Iterable[str]) -> str:
    """Return the table, one line for each server; a cell without an outcome is empty."""
    names = list(requests)
    lines = [["server", *names], ["---"] * (len(names) + 1)]
    lines += [[server, *(outcomes.get((server, name), "") for name in names)] for server in servers]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines).replace("| --- |", "|---|", 1)
