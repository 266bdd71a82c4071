"""The slots of `max_concurrency`."""

import os
import threading
from contextlib import suppress

import pytest

from tests.conftest import parts
from wsgi_lambda.errors import TooManyInvocations
from wsgi_lambda.invoke import Invocation
from wsgi_lambda.invoke.concurrency import Slots
from wsgi_lambda.invoke.reply import Reply, StreamedReply


class Invoking:
    """An Invoker that calls ``work``."""

    def __init__(self, work):
        self.work = work

    def invoke(self, invocation):
        return self.work() or Reply(200, (), b"{}")


class Stream:
    """The `Chunks` of a stream: the first read returns bytes, the second what ``end`` returns."""

    log_result = "bG9n"

    def __init__(self, end=lambda: b""):
        self.reads = iter([lambda: b"tea", end])
        self.closed = 0

    def read(self, silence=None):
        return next(self.reads)()

    def close(self):
        self.closed += 1


def invoke(slots, work=lambda: None):
    return slots.invoke(Invoking(work), Invocation(b"{}", {}, is_repeatable=False))


def test_surplus_is_rejected_until_an_invocation_ends():
    slots, counts = Slots(2), []

    def third():
        counts.append(len(slots))
        with pytest.raises(TooManyInvocations) as caught:
            invoke(slots)
        assert (caught.value.status, caught.value.retry_after) == (503, "1")

    invoke(slots, lambda: invoke(slots, third) and None)
    assert (counts, len(slots)) == ([2], 0)
    invoke(slots, lambda: invoke(slots) and None)


def test_an_error_frees_the_slot():
    slots = Slots(1)

    def fail():
        raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            invoke(slots, fail)
    assert len(slots) == 0


def test_without_a_number_there_is_no_limit():
    slots, counts = Slots(None), []
    invoke(slots, lambda: invoke(slots, lambda: counts.append(len(slots))) and None)
    assert (counts, len(slots)) == ([2], 0)


def broken():
    raise ZeroDivisionError


def forgotten(stream):
    # A garbage collector calls it.
    stream.__del__()


@pytest.mark.parametrize(
    ("end", "stop"),
    [
        pytest.param(lambda: b"", lambda stream: stream.read(), id="complete"),
        pytest.param(broken, lambda stream: stream.read(), id="failed"),
        pytest.param(broken, lambda stream: stream.close(), id="closed"),
        pytest.param(broken, forgotten, id="forgotten"),
    ],
)
def test_a_stream_keeps_its_slot_until_its_end(end, stop):
    slots = Slots(1)
    chunks = invoke(slots, lambda: StreamedReply((), Stream(end))).chunks
    assert (chunks.read(), chunks.log_result, len(slots)) == (b"tea", "bG9n", 1)
    with pytest.raises(TooManyInvocations):
        invoke(slots)
    with suppress(ZeroDivisionError):
        stop(chunks)
    assert len(slots) == 0
    invoke(slots)


def test_the_end_of_a_stream_does_not_free_the_slot_of_another():
    slots = Slots(1)
    chunks = invoke(slots, lambda: StreamedReply((), Stream())).chunks
    chunks.close()
    second = invoke(slots, lambda: StreamedReply((), Stream())).chunks
    chunks.close()
    with pytest.raises(TooManyInvocations):
        invoke(slots)
    second.close()
    invoke(slots)


def test_a_stream_is_closed_when_its_slot_is_free():
    slots, stream = Slots(1), Stream()
    counts = []
    stream.close = lambda: counts.append(len(slots))
    invoke(slots, lambda: StreamedReply((), stream)).chunks.close()
    assert counts == [0]


def test_many_threads_get_no_more_slots_than_there_are():
    slots, most, rejected = Slots(3), [], []
    together = threading.Barrier(8)

    def work():
        most.append(len(slots))

    def run():
        together.wait()
        for _ in range(200):
            try:
                invoke(slots, work)
            except TooManyInvocations:
                rejected.append(1)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) <= 3
    assert (len(most) + len(rejected), len(slots)) == (1600, 0)


def test_a_child_process_counts_from_zero():
    slots = Slots(1)
    chunks = invoke(slots, lambda: StreamedReply((), Stream())).chunks
    # This thread, which holds the lock, does not exist in the child.
    with parts(slots).lock:
        pid = os.fork()
        if pid == 0:
            before = len(slots)
            taken = invoke(slots, lambda: StreamedReply((), Stream())).chunks
            chunks.close()  # the parent's
            during = len(slots)
            taken.close()
            os._exit(0 if (before, during, len(slots)) == (0, 1, 0) else 1)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert len(slots) == 1
    chunks.close()
    invoke(slots)
