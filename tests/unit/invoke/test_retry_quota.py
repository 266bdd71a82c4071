"""The quota of retries, and the number of invocations at once."""

import os
import random

import pytest

from wsgi_lambda.errors import TooManyInvocations
from wsgi_lambda.invoke.concurrency import Slots
from wsgi_lambda.invoke.retry_quota import CAPACITY, RETRY_COST, RetryQuota, wait_before


def takes(quota):
    """Return how many retries the quota still allows."""
    count = 0
    while quota.take():
        count += 1
    return count


def test_a_quota_runs_dry():
    quota = RetryQuota()
    assert (takes(quota), quota.take()) == (CAPACITY // RETRY_COST, False)


def test_a_success_gives_back_what_its_retries_took():
    quota = RetryQuota()
    takes(quota)
    quota.give_back(retries=2)
    assert takes(quota) == 2


def test_successes_without_retries_give_back_a_little():
    quota = RetryQuota()
    takes(quota)
    for _ in range(RETRY_COST):
        quota.give_back(retries=0)
    assert takes(quota) == 1


def test_a_quota_is_never_over_full():
    quota = RetryQuota()
    quota.take()
    quota.give_back(retries=5)
    quota.give_back(retries=5)
    assert takes(quota) == CAPACITY // RETRY_COST


@pytest.mark.promise("calm")
def test_an_outage_of_a_minute_adds_less_than_a_tenth():
    """Ten requests a second, each with three retries, all throttled."""
    quota = RetryQuota()
    sent = 0
    for _ in range(600):
        sent += 1
        for _ in range(3):
            if not quota.take():
                break
            sent += 1
    assert sent <= 600 * 1.1


@pytest.mark.parametrize(("retry", "longest"), [(1, 1), (2, 2), (3, 4), (5, 16), (9, 20)])
def test_jitter_is_full_and_grows(retry, longest):
    random.seed(1)
    waits = [wait_before(retry) for _ in range(2000)]
    assert 0 <= min(waits) < longest * 0.01
    assert longest * 0.99 < max(waits) <= longest


def test_slots_are_taken_and_given_back():
    slots = Slots(2)
    with slots, slots, pytest.raises(TooManyInvocations) as caught, slots:
        pass
    assert (caught.value.status, caught.value.retry_after) == (503, "1")
    with slots, slots:
        pass


def test_a_slot_is_given_back_whatever_happens():
    slots = Slots(1)
    with pytest.raises(ZeroDivisionError), slots:
        raise ZeroDivisionError
    with slots:
        pass


def test_no_number_is_no_limit():
    slots = Slots(None)
    with slots, slots, slots:
        pass


def test_a_child_process_begins_anew():
    slots, quota = Slots(1), RetryQuota()
    takes(quota)
    with slots, quota._lock, slots._lock:
        # Held by this thread, which the child has not.
        pid = os.fork()
        if pid == 0:
            with slots:
                os._exit(0 if quota.take() else 1)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
