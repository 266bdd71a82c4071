"""Invocations of one handler wait for their turn."""

from __future__ import annotations

import threading
import time

import pytest

from wsgi_lambda.errors import DeadlinePassed
from wsgi_lambda.invoke.turns import Turns


def test_turns_are_unlimited_without_a_limit() -> None:
    turns = Turns()
    assert len({turns.take(0.0) for _ in range(100)}) == 100


def test_smallest_limit_applies() -> None:
    turns = Turns()
    for limit in (3, 2, 5):
        turns.limit_to(limit)
    taken = [turns.take(0.0), turns.take(0.0)]
    with pytest.raises(DeadlinePassed) as caught:
        turns.take(0.0)
    assert "handler_concurrency is 2" in caught.value.detail
    taken[0].release()
    assert turns.take(0.0)


def test_turn_is_released_once() -> None:
    turns = Turns()
    turns.limit_to(1)
    turn = turns.take()
    for _ in range(3):
        turn.release()
    turns.take(0.0)
    with pytest.raises(DeadlinePassed):
        turns.take(0.0)


def test_waiting_ends_at_the_deadline() -> None:
    turns = Turns()
    turns.limit_to(1)
    turns.take()
    started = time.monotonic()
    with pytest.raises(DeadlinePassed):
        turns.take(started + 0.05)
    assert time.monotonic() >= started + 0.05


def test_waiting_ends_when_a_turn_is_released() -> None:
    turns = Turns()
    turns.limit_to(1)
    turn, done = turns.take(), threading.Event()

    def wait() -> None:
        turns.take().release()
        done.set()

    threads = [threading.Thread(target=wait, daemon=True) for _ in range(5)]
    for thread in threads:
        thread.start()
    assert not done.wait(0.05)
    turn.release()
    for thread in threads:
        thread.join(20)
    assert turns.take(0.0)
