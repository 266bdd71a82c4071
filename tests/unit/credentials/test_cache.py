"""One look-up for all, ahead of time, in a thread of its own; the threads are real."""

import logging
import math
import os
import threading
import time

import pytest

from wsgi_lambda.credentials import Credentials
from wsgi_lambda.credentials.cache import PAUSE, STATIC_LIFE, CredentialCache, Found
from wsgi_lambda.errors import CredentialsError, DeadlinePassed

HOUR = 3600  # seconds


class Provider:
    """A look-up that a test lets go on; ``lifetime`` is what its next result has left."""

    def __init__(self, *, lifetime=HOUR):
        self.lifetime = lifetime
        self.count = 0
        self.is_new = True
        self.failure = None
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.asked = threading.Event()

    def __call__(self):
        self.count += 1
        number, left = self.count if self.is_new else 1, self.lifetime
        self.asked.set()
        assert self.may_go_on.wait(10)
        if self.failure:
            raise self.failure
        return Found(Credentials(f"KEY{number}", "secret"), "a test", left)


def soon():
    return time.monotonic() + 10


def key(found):
    return found.credentials.access_key


def wait_until_idle(cache):
    """Wait for the look-up that is on its way."""
    while (running := cache._running) is not None:
        assert running.done.wait(10)


def test_it_is_looked_up_once_and_when_asked_for():
    provider = Provider()
    cache = CredentialCache(provider)
    assert provider.count == 0
    assert [key(cache.get(soon())), key(cache.get(soon()))] == ["KEY1", "KEY1"]
    assert provider.count == 1


def test_fifty_that_wait_share_one_look_up():
    provider = Provider()
    provider.may_go_on.clear()
    cache = CredentialCache(provider)
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(key(cache.get(soon())))) for _ in range(50)
    ]
    for thread in threads:
        thread.start()
    assert provider.asked.wait(10)
    provider.may_go_on.set()
    for thread in threads:
        thread.join()
    assert (found, provider.count) == (["KEY1"] * 50, 1)


class Clock:
    """Time that a test moves, in seconds."""

    def __init__(self):
        self.now = 1_000_000.0

    def __call__(self):
        return self.now


def test_a_renewal_ahead_of_time_holds_nobody_up():
    provider, clock = Provider(), Clock()
    cache = CredentialCache(provider, clock=clock)
    assert key(cache.get(soon())) == "KEY1"
    clock.now += HOUR - 901
    assert (key(cache.get(soon())), provider.count) == ("KEY1", 1)
    provider.may_go_on.clear()
    clock.now += 1
    # It is on its way, and meanwhile the old ones do.
    assert [key(cache.get(soon())) for _ in range(5)] == ["KEY1"] * 5
    provider.may_go_on.set()
    wait_until_idle(cache)
    assert (key(cache.get(soon())), provider.count) == ("KEY2", 2)


def test_a_short_life_is_renewed_in_its_last_quarter():
    provider, clock = Provider(lifetime=100), Clock()
    cache = CredentialCache(provider, clock=clock)
    cache.get(soon())
    clock.now += 74
    assert (key(cache.get(soon())), provider.count) == ("KEY1", 1)
    clock.now += 1
    cache.get(soon())
    wait_until_idle(cache)
    assert (key(cache.get(soon())), provider.count) == ("KEY2", 2)


@pytest.mark.parametrize(("lifetime", "last"), [(HOUR, 10), (50, 5)])
def test_what_is_about_to_expire_is_not_used(lifetime, last):
    provider, clock = Provider(lifetime=lifetime), Clock()
    cache = CredentialCache(provider, clock=clock)
    cache.get(soon())
    clock.now += lifetime - last
    assert (key(cache.get(soon())), provider.count) == ("KEY2", 2)


def test_what_does_not_expire_is_looked_up_again_now_and_then():
    provider, clock = Provider(lifetime=math.inf), Clock()
    cache = CredentialCache(provider, clock=clock)
    cache.get(soon())
    clock.now += STATIC_LIFE
    provider.may_go_on.clear()
    assert key(cache.get(soon())) == "KEY1"
    provider.may_go_on.set()
    wait_until_idle(cache)
    assert (key(cache.get(soon())), provider.count) == ("KEY2", 2)


def test_the_same_again_is_not_asked_for_at_once():
    provider, clock = Provider(), Clock()
    provider.is_new = False
    cache = CredentialCache(provider, clock=clock)
    cache.get(soon())
    clock.now += HOUR - 900
    cache.get(soon())
    wait_until_idle(cache)
    # The next would come from a life that begins anew.
    provider.lifetime = 0
    assert (key(cache.get(soon())), provider.count) == ("KEY1", 2)
    stale = cache.get(soon()).credentials
    assert (cache.renew(stale, soon()).credentials, provider.count) == (stale, 2)
    clock.now += PAUSE
    assert (cache.renew(stale, soon()).credentials, provider.count) == (stale, 3)


def test_a_renewal_that_fails_is_a_warning_while_the_old_ones_last(caplog):
    provider, clock = Provider(), Clock()
    cache = CredentialCache(provider, clock=clock)
    cache.get(soon())
    provider.failure = CredentialsError(detail="STS is out")
    clock.now += HOUR - 900
    with caplog.at_level(logging.WARNING):
        assert key(cache.get(soon())) == "KEY1"
        wait_until_idle(cache)
    assert "credentials could not be renewed: STS is out" in caplog.text
    # And it is not tried again at once.
    assert (key(cache.get(soon())), provider.count) == ("KEY1", 2)
    clock.now += PAUSE
    provider.failure = None
    cache.get(soon())
    wait_until_idle(cache)
    assert (key(cache.get(soon())), provider.count) == ("KEY3", 3)


@pytest.mark.parametrize(
    ("failure", "detail"),
    [
        (CredentialsError(detail="looked everywhere"), "looked everywhere"),
        (ZeroDivisionError("SECRET"), "the look-up raised ZeroDivisionError"),
    ],
)
def test_a_failure_is_told_to_each_who_waits_and_looked_up_anew(failure, detail):
    provider = Provider()
    provider.failure = failure
    cache = CredentialCache(provider)
    errors = []
    for _ in range(2):
        with pytest.raises(CredentialsError) as caught:
            cache.get(soon())
        errors.append(caught.value)
    assert [error.detail for error in errors] == [detail, detail]
    # Each request puts its own id into its error.
    assert errors[0] is not errors[1]
    provider.failure = None
    assert (key(cache.get(soon())), provider.count) == ("KEY3", 3)


def test_nobody_waits_beyond_the_deadline():
    provider = Provider()
    provider.may_go_on.clear()
    cache = CredentialCache(provider)
    started = time.monotonic()
    with pytest.raises(DeadlinePassed):
        cache.get(started + 0.1)
    assert time.monotonic() - started < 5
    provider.may_go_on.set()
    # The look-up went on, for the next who asks.
    assert (key(cache.get(soon())), provider.count) == ("KEY1", 1)


def test_refused_credentials_are_renewed_once_for_all_who_had_them():
    provider = Provider()
    cache = CredentialCache(provider)
    stale = cache.get(soon()).credentials
    assert [key(cache.renew(stale, soon())) for _ in range(3)] == ["KEY2"] * 3
    assert provider.count == 2


def test_renewing_what_was_never_looked_up_looks_it_up():
    cache = CredentialCache(Provider())
    assert key(cache.renew(Credentials("OLD", "secret"), soon())) == "KEY1"


def test_no_thread_to_be_had_is_a_failure_and_not_the_end(monkeypatch):
    cache = CredentialCache(Provider())
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        with pytest.raises(CredentialsError) as caught:
            cache.get(soon())
    assert caught.value.detail == "no thread for the look-up: can't start new thread"
    assert key(cache.get(soon())) == "KEY1"


def refuse(thread):
    raise RuntimeError("can't start new thread")


def test_a_child_process_looks_up_its_own():
    provider = Provider()
    cache = CredentialCache(provider)
    cache.get(soon())
    provider.may_go_on.clear()
    other = threading.Thread(target=lambda: cache.renew(Credentials("KEY1", "secret"), soon()))
    other.start()
    while provider.count < 2:
        time.sleep(0.001)
    # Another thread is in the middle of a look-up, which no child goes on with.
    pid = os.fork()
    if pid == 0:
        provider.may_go_on = threading.Event()
        provider.may_go_on.set()
        os._exit(0 if key(cache.get(soon())) == "KEY3" else 1)
    _, status = os.waitpid(pid, 0)
    provider.may_go_on.set()
    other.join()
    assert os.waitstatus_to_exitcode(status) == 0
