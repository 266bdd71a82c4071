"""The leases of `max_concurrency`."""

import os

import pytest

from tests.conftest import parts
from wsgi_lambda.errors import TooManyInvocations
from wsgi_lambda.invoke.concurrency import Slots


def test_surplus_is_rejected_until_a_lease_is_released():
    slots = Slots(2)
    first, _ = slots.take(), slots.take()
    with pytest.raises(TooManyInvocations) as caught:
        slots.take()
    assert (caught.value.status, caught.value.retry_after) == (503, "1")
    first.release()
    slots.take()


def test_a_lease_is_released_once():
    slots = Slots(1)
    lease = slots.take()
    lease.release()
    lease.release()
    slots.take()
    with pytest.raises(TooManyInvocations):
        slots.take()


def test_the_end_of_a_with_releases_the_lease_whatever_happens():
    slots = Slots(1)
    with pytest.raises(ZeroDivisionError), slots.take():
        raise ZeroDivisionError
    slots.take()


def test_without_a_number_there_is_no_limit():
    slots = Slots(None)
    with slots.take(), slots.take(), slots.take() as lease:
        lease.release()


def test_a_child_process_counts_from_zero():
    slots = Slots(1)
    lease = slots.take()
    # This thread, which holds the lock, does not exist in the child.
    with parts(parts(slots).taken).lock:
        pid = os.fork()
        if pid == 0:
            with slots.take():
                pass
            inherited_is_of_the_parent = slots.take()
            os._exit(0 if inherited_is_of_the_parent else 1)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    lease.release()
    slots.take()
