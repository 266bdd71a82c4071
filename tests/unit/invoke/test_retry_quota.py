"""The quota of retries, and the number of invocations at once."""

import os
import random

import pytest

from tests.conftest import parts
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


def test_a_child_process_starts_with_a_full_quota_and_a_free_lock():
    quota = RetryQuota()
    takes(quota)
    # This thread, which holds the lock, does not exist in the child.
    with parts(quota).lock:
        pid = os.fork()
        if pid == 0:
            os._exit(0 if quota.take() else 1)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
