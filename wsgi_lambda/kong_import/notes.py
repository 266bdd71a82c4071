"""What an import has to say: one line for each thing that is not as it was."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What a note is about; the order is that of the report."""

    PROTECTION = "protection left behind"
    LEFT_OUT = "left out"
    DIFFERENCE = "difference"
    ADVICE = "advice"


@dataclass(frozen=True, slots=True)
class Note:
    """One line of the report: its kind, the place in Kong's file, why, and what to do."""

    kind: Kind
    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind.value}: {self.place}: {self.text}"


def report(notes: list[Note]) -> list[str]:
    """Return the lines of ``notes``, each once, what protects first."""
    order = list(Kind)
    lines = [str(note) for note in sorted(notes, key=lambda note: order.index(note.kind))]
    return list(dict.fromkeys(lines))
