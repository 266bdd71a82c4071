"""Frames that are malformed, and where the error is noticed."""

from __future__ import annotations

import struct
import uuid

import pytest

from tests.conftest import parts
from tests.servers.event_stream import chunk, event, frame, frame_of, header, sealed
from wsgi_lambda.wire import event_stream
from wsgi_lambda.wire.event_stream import FrameReader

GOOD = chunk(b"tea")
LIMIT = 200_000


def damaged(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


MALFORMED = {
    "the CRC of the prelude is wrong": (damaged(GOOD, 9), "CRC of a prelude"),
    "the length of the frame is damaged": (damaged(GOOD, 3), "CRC of a prelude"),
    "the CRC of the frame is wrong": (damaged(GOOD, len(GOOD) - 1), "CRC of a frame"),
    "a byte of the payload is damaged": (damaged(GOOD, len(GOOD) - 5), "CRC of a frame"),
    "a byte of the headers is damaged": (damaged(GOOD, 13), "CRC of a frame"),
    "shorter than an empty frame": (sealed(struct.pack(">II", 15, 0), b""), "shorter than"),
    "shorter than its headers": (sealed(struct.pack(">II", 19, 4), b"abc"), "shorter than"),
    "no length at all": (sealed(struct.pack(">II", 0, 0), b""), "shorter than"),
    "headers over 128 KiB": (
        sealed(struct.pack(">II", 132_000, 131_073), b"")[:12],
        "headers of a frame exceed 131072",
    ),
    "larger than the limit": (
        sealed(struct.pack(">II", LIMIT + 1, 0), b"")[:12],
        "200001 bytes exceeds 200000",
    ),
    "a header without a name": (frame_of(b"\0\0"), "empty or a repeated"),
    "a header twice": (frame([("a", "1"), ("a", "2")]), "empty or a repeated"),
    "a header of an unknown type": (frame_of(b"\1a\x0a"), "unknown type 10"),
    "a header without a type": (frame_of(b"\1a"), "unreadable"),
    "a header whose name is cut off": (frame_of(b"\5ab"), "unreadable"),
    "a header whose value is cut off": (frame_of(b"\1a\7\0\5abc"), "unreadable"),
    "a header whose length is cut off": (frame_of(b"\1a\7\0"), "unreadable"),
    "a header whose number is cut off": (frame_of(b"\1a\4\0\0"), "unreadable"),
    "a header whose UUID is cut off": (frame_of(b"\1a\x09" + bytes(15)), "unreadable"),
    "a name that is not UTF-8": (frame_of(b"\1\xff\0"), "unreadable"),
    "a value that is not UTF-8": (frame([("a", (7, b"\xff"))]), "unreadable"),
}


@pytest.mark.parametrize(("data", "text"), MALFORMED.values(), ids=MALFORMED)
def test_malformed_frame_is_rejected(data: bytes, text: str) -> None:
    reader = FrameReader(LIMIT)
    assert reader.feed(data) == []
    assert text in str(reader.error)


@pytest.mark.parametrize(("data", "text"), MALFORMED.values(), ids=MALFORMED)
def test_frames_before_a_malformed_one_are_read(data: bytes, text: str) -> None:
    reader = FrameReader(LIMIT)
    (read,) = reader.feed(GOOD + data)
    assert read[1] == b"tea"
    assert text in str(reader.error)
    assert reader.feed(GOOD) == []


def test_frame_at_the_limit_is_read() -> None:
    reader = FrameReader(len(GOOD))
    assert [payload for _, payload in reader.feed(GOOD)] == [b"tea"]
    reader = FrameReader(len(GOOD) - 1)
    assert reader.feed(GOOD[:11]) == []
    assert reader.error is None
    reader.feed(GOOD[11:12])
    assert "exceeds" in str(reader.error)


def test_headers_of_128_kib_are_read() -> None:
    headers = [(str(number), (6, bytes(60_000))) for number in range(2)]
    rest = 128 * 1024 - len(b"".join(header(*pair) for pair in headers)) - len(header("x", ""))
    ((read, payload),) = FrameReader(LIMIT).feed(frame([*headers, ("x", "y" * rest)], b"tea"))
    assert (payload, read["x"]) == (b"tea", "y" * rest)


def test_values_of_all_types() -> None:
    name = uuid.uuid4().bytes
    headers = [("yes", (0, b"")), ("no", (1, b"")), ("byte", (2, b"\xff")), ("uuid", (9, name))]
    headers += [("short", (3, b"\x01\x00")), ("int", (4, b"\xff\xff\xff\xfe"))]
    headers += [("long", (5, bytes(7) + b"\5")), ("bytes", (6, b"\0\xff"))]
    headers += [("time", (8, bytes(7) + b"\7"))]
    ((read, _),) = FrameReader(LIMIT).feed(frame([*headers, ("text", "žába")]))
    numbers = {"byte": -1, "short": 256, "int": -2, "long": 5, "time": 7}
    others = {"yes": True, "no": False, "bytes": b"\0\xff", "uuid": name, "text": "žába"}
    assert read == numbers | others


def test_headers_are_parsed_once_and_few_are_kept() -> None:
    cache = event_stream.read_headers
    reader = FrameReader(LIMIT)
    reader.feed(GOOD)
    misses = cache.cache_info().misses
    assert len(reader.feed(GOOD * 50)) == 50
    assert cache.cache_info().misses == misses
    for number in range(100):
        reader.feed(event(f"Kind{number}", b""))
    assert cache.cache_info().currsize == cache.cache_info().maxsize == 64
    # A large block of headers is not kept.
    misses = cache.cache_info().misses
    assert len(reader.feed(frame([("large", "x" * 1025)]))) == 1
    assert cache.cache_info().misses == misses


def test_only_the_part_of_one_frame_is_kept() -> None:
    reader = FrameReader(LIMIT)
    reader.feed(GOOD * 100 + GOOD[:7])
    assert reader.is_inside_frame
    assert b"".join(parts(reader).parts) == GOOD[:7]
    assert len(reader.feed(GOOD[7:])) == 1
    assert not reader.is_inside_frame
