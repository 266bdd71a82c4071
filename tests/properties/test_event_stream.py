"""Frames of any kind, split anywhere, are those that botocore's parser reads."""

from __future__ import annotations

import struct
import time

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import example, given
from hypothesis import strategies as st

from tests.servers.event_stream import Typed, chunk, frame
from wsgi_lambda.wire.event_stream import FrameReader

LIMIT = 1 << 20

NUMBERS = {2: ">b", 3: ">h", 4: ">i", 5: ">q", 8: ">q"}


def typed(kind: int) -> st.SearchStrategy[Typed]:
    if kind in NUMBERS:
        size = struct.calcsize(NUMBERS[kind])
        return st.tuples(st.just(kind), st.binary(min_size=size, max_size=size))
    if kind == 7:
        return st.tuples(st.just(kind), st.text(max_size=20).map(str.encode))
    size = {0: 0, 1: 0, 9: 16}.get(kind)
    data = st.binary(max_size=20) if size is None else st.binary(min_size=size, max_size=size)
    return st.tuples(st.just(kind), data)


NAMES = st.text(min_size=1, max_size=20).filter(lambda name: len(name.encode()) < 256)
VALUES = st.integers(0, 9).flatmap(typed)
HEADERS = st.dictionaries(NAMES, VALUES, max_size=4).map(lambda headers: list(headers.items()))
FRAMES = st.lists(st.builds(frame, HEADERS, st.binary(max_size=100)), min_size=1, max_size=6)


def split(data: bytes, sizes: list[int]) -> list[bytes]:
    parts = []
    for size in sizes:
        parts.append(data[:size])
        data = data[size:]
    return [*parts, data]


@given(FRAMES, st.lists(st.integers(0, 200), max_size=30))
@example([chunk(b"tea")] * 3, [1] * 300)
def test_frames_are_those_of_botocore_however_they_are_split(
    frames: list[bytes], sizes: list[int]
) -> None:
    data = b"".join(frames)
    oracle = EventStreamBuffer()
    oracle.add_data(data)
    reader = FrameReader(LIMIT)
    read = [each for part in split(data, sizes) for each in reader.feed(part)]
    assert reader.error is None
    assert not reader.is_inside_frame
    expected = [(message.headers, message.payload) for message in oracle]
    assert [(dict(headers), payload) for headers, payload in read] == expected


@given(FRAMES, st.data())
def test_no_byte_of_a_damaged_frame_is_used(frames: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(frames)
    place = data.draw(st.integers(0, len(whole) - 1))
    damaged = bytearray(whole)
    damaged[place] ^= data.draw(st.integers(1, 255))
    sizes = data.draw(st.lists(st.integers(0, 200), max_size=10))
    reader, good = FrameReader(LIMIT), FrameReader(LIMIT)
    read = [each for part in split(bytes(damaged), sizes) for each in reader.feed(part)]
    # The frames before the damaged one, and nothing else.
    assert read == good.feed(whole)[: len(read)]
    assert sum(map(len, frames[: len(read)])) <= place < sum(map(len, frames[: len(read) + 1]))
    assert reader.error is not None


@pytest.mark.promise("bounded")
def test_time_for_a_frame_is_linear_in_its_size() -> None:
    def seconds(size: int) -> float:
        data = chunk(bytes(size))
        reader = FrameReader(len(data))
        started = time.process_time()
        frames = [
            each for at in range(0, len(data), 512) for each in reader.feed(data[at : at + 512])
        ]
        assert len(frames) == 1
        return time.process_time() - started

    small = min(seconds(1 << 20) for _ in range(3))
    assert seconds(8 << 20) < 40 * small + 0.05
