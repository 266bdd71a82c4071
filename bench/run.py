"""One run of the bench: how long, how often, and against which far end."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from bench.payloads import json_body

#: What one round of a figure measured, by the name of the quantity.
Measured = dict[str, float]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Run:
    """The settings that all figures share."""

    rounds: int
    seconds: float  # of each single measurement
    is_quick: bool
    environ: Mapping[str, str]
    folder: Path
    chance: random.Random = field(default_factory=random.Random)

    def in_random_order(self, items: Iterable[T]) -> list[T]:
        """Return ``items`` shuffled anew, so that no contender always has the same neighbour."""
        found = list(items)
        self.chance.shuffle(found)
        return found

    def body(self, size: int) -> Path:
        """Return a file of ``size`` bytes of JSON."""
        path = self.folder / f"{size}.json"
        if not path.exists():
            path.write_bytes(json_body(size))
        return path
