"""The report of an import: one line for each difference from Kong."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """The kinds of notes, in the order of the report."""

    PROTECTION = "protection lost"
    NOT_IMPORTED = "not imported"
    DIFFERENCE = "difference"
    ADVICE = "advice"


#: The advice about a value such as ``${REGION}``. It does not quote the value, a possible secret.
SHELL_PLACEHOLDER = (
    "contains a placeholder ${...}, which is not replaced: fill it in before the import, "
    "for example with envsubst"
)


@dataclass(frozen=True, slots=True)
class Note:
    """One line of the report: kind, place in Kong's file, reason or advice.

    ``not imported: plugins[0] (cors): no equivalent here; it does not protect a route``
    """

    kind: Kind
    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind.value}: {self.place}: {self.text}"


def report(notes: list[Note]) -> list[str]:
    """Return the lines of ``notes`` without duplicates, lost protections first."""
    order = list(Kind)
    lines = [str(note) for note in sorted(notes, key=lambda note: order.index(note.kind))]
    return list(dict.fromkeys(lines))
