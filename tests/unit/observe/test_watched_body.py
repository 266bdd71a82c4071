"""A watched body calls `end` once, however it ends."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from wsgi_lambda.observe.calling import WatchedBody


class Body:
    """A body of two chunks that may fail after them."""

    def __init__(self, failure: Exception | None = None) -> None:
        self._failure = failure
        self.is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        yield b"a"
        yield b"b"
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        self.is_closed = True


def test_exhausted() -> None:
    ends: list[WatchedBody] = []
    body = Body()
    watched = WatchedBody(body, ends.append)
    assert (list(watched), ends) == ([b"a", b"b"], [watched])
    watched.close()
    assert (ends, body.is_closed) == ([watched], True)
    assert (watched.is_exhausted, watched.error, watched.sent) == (True, None, 2)
    assert watched.first_byte is not None


def test_failed() -> None:
    ends: list[WatchedBody] = []
    failure = OSError("reset")
    watched = WatchedBody(Body(failure), ends.append)
    assert [next(watched), next(watched)] == [b"a", b"b"]
    with pytest.raises(OSError, match="reset"):
        next(watched)
    watched.close()
    assert (ends, watched.error, watched.is_exhausted) == ([watched], failure, False)


def test_closed_before_its_end() -> None:
    ends: list[WatchedBody] = []
    body = Body()
    watched = WatchedBody(body, ends.append)
    assert (next(watched), ends) == (b"a", [])
    watched.close()
    watched.close()
    assert (ends, body.is_closed, watched.is_exhausted) == ([watched], True, False)


def test_without_a_close() -> None:
    ends: list[int] = []
    WatchedBody(iter([b"a"]), lambda watched: ends.append(watched.sent)).close()
    assert ends == [0]


def test_garbage_collected() -> None:
    ends: list[int] = []
    watched = WatchedBody(Body(), lambda watched: ends.append(watched.sent))
    next(watched)
    del watched
    assert ends == [1]
