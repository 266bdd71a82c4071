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


def test_turn_is_free_at_its_end() -> None:
    turns = Turns()
    turns.limit_to(1)
    started = time.monotonic()
    turns.take().release_at(started + 0.05)
    second = turns.take(started + 20)
    assert started + 0.05 <= time.monotonic() < started + 10
    second.release_at(started + 20)
    second.release()
    second.release_at(0.0)
    third = turns.take(0.0)
    with pytest.raises(DeadlinePassed):
        turns.take(0.0)
    third.release()
    assert turns.take(0.0)


def test_turn_is_not_taken_after_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would run a handler whose result nobody awaits; the next one gets the turn."""
    turns = Turns()
    turns.limit_to(1)
    turn, ended = turns.take(), threading.Semaphore(0)
    waiting, wait = threading.Semaphore(0), threading.Condition.wait
    threads: list[threading.Thread] = []
    outcomes: list[str] = []

    def take(deadline: float) -> None:
        try:
            turns.take(deadline)
        except DeadlinePassed:
            outcomes.append("late")
        else:
            outcomes.append("taken")
        ended.release()

    def wake_up_late(condition: threading.Condition, timeout: float | None = None) -> bool:
        """Wait until a turn is free, as on a busy machine."""
        if threading.current_thread() not in threads:
            return wait(condition, timeout)
        waiting.release()
        return wait(condition)

    monkeypatch.setattr(threading.Condition, "wait", wake_up_late)
    deadline = time.monotonic() + 0.2
    for each in (deadline, deadline + 20):
        threads.append(threading.Thread(target=take, args=(each,), daemon=True))
        threads[-1].start()
        assert waiting.acquire(timeout=20)
    time.sleep(max(0.0, deadline - time.monotonic()))
    turn.release()
    assert ended.acquire(timeout=20)
    assert ended.acquire(timeout=20)
    assert sorted(outcomes) == ["late", "taken"]
