"""Percent-escapes are decoded as urllib decodes them."""

from __future__ import annotations

import random
from urllib.parse import unquote_to_bytes

import pytest

from wsgi_lambda.event import percent

PARTS = [
    b"%",
    b"4",
    b"1",
    b"a",
    b"G",
    b"=",
    b"\r",
    b"\n",
    b" ",
    b"_",
    b"\0",
    b"\xff",
    b"%41",
    b"%%",
]


@pytest.mark.parametrize("seed", range(10))
def test_decoding_equals_that_of_urllib(seed: int) -> None:
    chosen = random.Random(seed)
    for _ in range(2000):
        quoted = b"".join(chosen.choices(PARTS, k=chosen.randint(0, 12)))
        assert b"".join(percent.unquote(quoted)) == unquote_to_bytes(quoted), quoted


@pytest.mark.parametrize("unit", [b"%", b"%41", b"%4", b"%G", b"a%41", b"%%41", b"ab"])
def test_blocks_end_outside_of_escapes(unit: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(percent, "_BLOCK", 7)
    for length in range(60):
        quoted = (unit * 60)[:length]
        blocks = list(percent.unquote(quoted))
        assert b"".join(blocks) == unquote_to_bytes(quoted)
        assert all(len(block) <= 7 for block in blocks)
