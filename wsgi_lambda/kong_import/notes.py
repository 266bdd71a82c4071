"""The report of an import: one line for each difference from Kong."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from wsgi_lambda.printable import printable


class Kind(Enum):
    """The kinds of notes, in the order of the report."""

    ERROR = "error"
    LOST = "function lost"
    PROTECTION = "protection lost"
    NOT_IMPORTED = "not imported"
    DIFFERENCE = "difference"
    ADVICE = "advice"

    @property
    def is_failure(self) -> bool:
        """Whether a note of this kind makes the import fail (exit status 1)."""
        return self in (Kind.ERROR, Kind.LOST, Kind.PROTECTION)


_MOST_PLACES = 3  # of a line of text; the JSON has all


@dataclass(frozen=True, slots=True)
class Note:
    """One fact for the report: kind, place in Kong's file, consequence or advice.

    ``not imported: upstreams: no equivalent here``
    """

    kind: Kind
    place: str
    text: str


def near_match(name: object, known: Iterable[str], *, cutoff: float = 0.75) -> str:
    """Return the known name that ``name`` probably means: ``"; did you mean 'services'?"``, or "".

    ``cutoff`` is that of `difflib.get_close_matches`.
    """
    names = {each.lower(): each for each in known}
    near = difflib.get_close_matches(str(name).lower(), names, n=1, cutoff=cutoff)
    return f"; did you mean {names[near[0]]!r}?" if near else ""


def report(notes: Iterable[Note]) -> list[str]:
    """Return a line for each text: the notes by kind, without duplicates.

    ``"difference: in Kong … (5 places: routes[0], routes[1], routes[2], …)"``.
    """
    return [_line(kind, text, places) for kind, text, places in _grouped(notes)]


def report_as_json(notes: Iterable[Note], errors: Iterable[str]) -> str:
    """Return the report as JSON, with every place; ``errors`` are those of the configuration."""
    grouped: list[dict[str, Any]] = [
        {"kind": kind.value, "text": text, "count": len(places), "places": places}
        for kind, text, places in _grouped(notes)
    ]
    return json_text({"notes": grouped, "errors": list(errors)})


def json_text(value: object) -> str:
    """Return indented JSON of printable lines."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return "".join(
        char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text
    )


def _grouped(notes: Iterable[Note]) -> list[tuple[Kind, str, list[str]]]:
    groups: dict[tuple[Kind, str], list[str]] = {}
    for note in notes:
        places = groups.setdefault((note.kind, note.text), [])
        if note.place not in places:
            places.append(note.place)
    order = list(Kind)
    found = [(kind, text, places) for (kind, text), places in groups.items()]
    return sorted(found, key=lambda group: order.index(group[0]))


def _line(kind: Kind, text: str, places: list[str]) -> str:
    if len(places) == 1:
        return printable(f"{kind.value}: {places[0]}: {text}")
    shown = ", ".join(places[:_MOST_PLACES]) + (", …" if len(places) > _MOST_PLACES else "")
    return printable(f"{kind.value}: {text} ({len(places)} places: {shown})")
