"""The parameters of a run of the bench: rounds, seconds, environment, files."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from bench.payloads import json_body

#: The measurements of a figure in one round, by name.
Measured = dict[str, float]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Run:
    """The parameters that all figures share."""

    rounds: int
    seconds: float  # of each single measurement
    is_quick: bool
    environ: Mapping[str, str]
    folder: Path
    chance: random.Random = field(default_factory=random.Random)

    def in_random_order(self, items: Iterable[T]) -> list[T]:
        """Return ``items`` shuffled, so that no contender always follows the same one."""
        shuffled = list(items)
        self.chance.shuffle(shuffled)
        return shuffled

    def body(self, size: int) -> Path:
        """Return a file with ``size`` bytes of JSON."""
        path = self.folder / f"{size}.json"
        if not path.exists():
            path.write_bytes(json_body(size))
        return path
