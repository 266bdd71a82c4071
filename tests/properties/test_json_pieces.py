"""Large JSON means the same as `json` reads in it, valid or not, wherever a piece ends."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgi_lambda import json_pieces, strict_json
from wsgi_lambda.event import json_encoding

TEXTS = st.text(max_size=60) | st.sampled_from(["😀" * 30, "x" * 100, '"\\\n' * 20, "\ud83d\ude00"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=60,
)
#: Parts of JSON, valid and invalid.
PARTS = ['"', "[", "]", "{", "}", ",", ":", "1", "-", ".", "e9", "\\u0041", "\\ud83d", "\\ude00",
         "\\n", "\\", "a", " ", "true", "NaN", '"a"', "1e999", '"k":', "[]", "{}", "é"]  # fmt: skip
INVALID = (ValueError, RecursionError)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every limit of a piece is met by short texts."""
    for module in (json_pieces, json_encoding):
        monkeypatch.setattr(module, "PIECE", 40)


def outcome(parse: Any, text: Any) -> str:
    """Return what was parsed, as JSON, or ``"invalid"``."""
    try:
        return json.dumps(parse(text))
    except INVALID:
        return "invalid"


def is_finite(value: Any) -> bool:
    """Return whether ``value`` contains no number beyond a float."""
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True


def check(text: str) -> None:
    expected = outcome(strict_json.loads, text.encode("utf-8", "surrogatepass"))
    assert outcome(lambda each: json_pieces.parse(each, 1000), text) == expected
    reencoded = outcome(parsed_again, text)
    if expected[0] in "[{":
        # A number beyond a float cannot be encoded again.
        assert reencoded == (expected if is_finite(json.loads(expected)) else "invalid")
    else:
        assert reencoded in ("invalid", "null")


def parsed_again(text: str) -> Any:
    value = json_encoding.reencode(text)
    encoded = "".join(json_encoding.encode(value)).encode(errors="backslashreplace")
    return json.loads(encoded)


@given(VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_valid_json(value: Any, ascii_only: bool, indent: int | None) -> None:
    check(json.dumps(value, ensure_ascii=ascii_only, indent=indent))


@given(st.lists(st.sampled_from(PARTS), max_size=60).map("".join))
def test_any_text(text: str) -> None:
    check(text)


@given(VALUES, st.data())
def test_damaged_json(value: Any, data: st.DataObject) -> None:
    text = json.dumps(value)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 2)))
    check(text[:start] + data.draw(st.sampled_from(["", *PARTS])) + text[end:])


BLANKS = " " * 100
LONG = "x" * 100


@pytest.mark.parametrize(
    "text",
    [
        f"{{{BLANKS}}}",
        f"[{BLANKS}]",
        f'[{{{BLANKS}}}, {{"a": {{}}}}]',
        f"{{{BLANKS}1: 2}}",
        f'{{{BLANKS}"a" 1}}',
        f'{{"a": 1{BLANKS} "b": 2}}',
        f"[1{BLANKS} 2]",
        f'{{"a": [1, 2], "{LONG}": "{LONG}", "a": {{"{LONG}": [3]}}}}',
        f'["{LONG}", "{LONG}',
        f'["{LONG}\\u12"]',
        f"{BLANKS}7{BLANKS}",
        f"[1]{BLANKS}2",
        f'[{"[1, 2], " * 30} "]"]',
        f"[{'[{}, 1], ' * 30} 1]",
        json.dumps({str(number): number for number in range(200)}),
    ],
)
def test_edges(text: str) -> None:
    check(text)


def test_brackets_in_strings_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_pieces, "PIECE", 32 * 1024)
    assert json_pieces.parse(json.dumps(["[" * 1000] * 9), 1000) == ["[" * 1000] * 9


def test_number_that_is_longer_than_a_piece() -> None:
    """Python rejects numbers of 4,300 digits in any case."""
    with pytest.raises(ValueError, match="not a JSON value"):
        json_pieces.parse("1" * 41, 1000)


def test_too_many_arrays() -> None:
    with pytest.raises(json_pieces.TooManyContainers):
        json_pieces.parse("[" + "[], " * 100 + "1]", 50)


def test_too_many_members_of_a_large_object() -> None:
    with pytest.raises(RecursionError):
        json_pieces.parse("{" + '"":0,' * 500_001 + '"":0}', 1000)


@pytest.mark.parametrize("value", [7, LONG * 3, {"a": LONG * 30}, {str(n): n for n in range(200)}])
def test_encoding(value: Any) -> None:
    assert json.loads("".join(json_encoding.encode(value))) == value
