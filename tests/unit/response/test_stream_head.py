"""Where the head of a stream ends, however the stream is cut."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.servers.event_stream import NULS
from wsgi_lambda.response.stream_head import LIMIT, Head, Undecided

YET, NEVER = Undecided.YET, Undecided.NEVER


def filled(size: int) -> bytes:
    """Return a JSON object of ``size`` bytes."""
    return b'{"a":"' + b"x" * (size - 8) + b'"}'


FOUND = {
    "an object and the NULs": (b"{}" + NULS, 2),
    "white space before it": (b" \t\r\n{}" + NULS, 6),
    "body behind it": (b"{}" + NULS + b"body", 2),
    "a body of NULs": (b"{}" + NULS + NULS, 2),
    "objects inside": (b'{"a":{"b":[{}]}}' + NULS, 16),
    "braces and quotes in strings": (rb'{"a":"}{\"}\\"}' + NULS, 15),
    "NULs inside an object": (b'{"a":' + NULS + b"}", 5),
    "NULs that begin with the last byte of 16 KiB": (filled(LIMIT - 1) + NULS, LIMIT - 1),
    "an unfinished object up to the last byte of 16 KiB": (
        b"{" + b"x" * (LIMIT - 2) + NULS,
        LIMIT - 1,
    ),
    "an array": (b"[]" + NULS, NEVER),
    "text": (b"data: tea\n\n", NEVER),
    "a NUL": (NULS, NEVER),
    "an object and text": (b"{}x", NEVER),
    "an object and white space": (b"{}\n" + NULS, NEVER),
    "an object and another": (b"{}{}" + NULS, NEVER),
    "an object and seven NULs": (b"{}" + NULS[:7] + b"x", NEVER),
    "16 KiB of white space": (b" " * LIMIT, NEVER),
    "16 KiB of an object": (b"{" + b"x" * (LIMIT - 1), NEVER),
    "an object of 16 KiB": (filled(LIMIT) + NULS, NEVER),
    "NULs that begin after 16 KiB": (b"{" + b"x" * (LIMIT - 1) + NULS, NEVER),
    "NULs at 16 KiB that are too few": (b"{" + b"x" * (LIMIT - 2) + NULS[:7] + b"x", NEVER),
    "nothing": (b"", YET),
    "white space": (b" \n", YET),
    "half an object": (b'{"a', YET),
    "an object": (b"{}", YET),
    "a few NULs": (b"{}" + NULS[:7], YET),
    "a string that ends with a backslash": (b'{"a\\', YET),
    "16 KiB of an object that ends with a NUL": (b"{" + b"x" * (LIMIT - 2) + b"\0", YET),
}


def fed(data: bytes, size: int, *, is_required: bool = False) -> int | Undecided:
    head = Head(is_required=is_required)
    found: int | Undecided = YET
    for start in range(0, len(data), size):
        found = head.feed(data[start : start + size])
        if found is not YET:
            break
    return found


@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize(("data", "expected"), FOUND.values(), ids=FOUND)
def test_end_of_a_head(data: bytes, expected: int | Undecided, size: int) -> None:
    assert fed(data, size) == expected


REQUIRED = {
    "an object and the NULs": (b"{}" + NULS + b"body", 2),
    "white space behind the object": (b"{}\n" + NULS, 3),
    "not JSON, but an end": (b"{]" + NULS, 2),
    "NULs up to the last byte of 16 KiB": (filled(LIMIT - 8) + NULS, LIMIT - 8),
    "NULs that end after 16 KiB": (filled(LIMIT - 7) + NULS, NEVER),
    "an object without NULs": (b'{"statusCode":200}xyz', YET),
    "16 KiB without NULs": (filled(LIMIT), NEVER),
    "an array": (b"[", NEVER),
    "text": (b"x", NEVER),
}


@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize(("data", "expected"), REQUIRED.values(), ids=REQUIRED)
def test_end_of_a_required_head(data: bytes, expected: int | Undecided, size: int) -> None:
    assert fed(data, size, is_required=True) == expected


def test_bytes_behind_a_head_belong_to_the_body() -> None:
    head = Head(is_required=False)
    assert head.feed(b"{}" + NULS + b"body") == 2
    assert head.after(2) == b"body"
    assert head.begins_an_object


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), JSON), st.booleans(), st.booleans(), st.integers(1, 50))
def test_any_object_is_found(
    fields: dict[str, object], is_ascii: bool, is_required: bool, size: int
) -> None:
    written = json.dumps(fields, ensure_ascii=is_ascii).encode()
    assert fed(written + NULS, size, is_required=is_required) == len(written)
    if not is_required:
        # The object alone decides, however long the stream pauses then.
        assert fed(written + b"x", len(written) + 1) is NEVER


@pytest.mark.promise("bounded")
def test_a_head_in_single_bytes_is_not_searched_again() -> None:
    head = Head(is_required=False)
    data = b'{"' + rb"\"" * (LIMIT // 2 - 2)
    assert {head.feed(data[at : at + 1]) for at in range(len(data))} == {YET}
