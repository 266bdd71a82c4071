"""The credential cache: one look-up for all requests, before the old credentials expire."""

import logging
import math
import os
import threading
import time

import pytest

from wsgi_lambda.credentials import Credentials
from wsgi_lambda.credentials.cache import PAUSE, STATIC_LIFETIME, CredentialCache, Found
from wsgi_lambda.errors import CredentialsError, DeadlinePassed

HOUR = 3600  # seconds


class Provider:
    """A look-up that waits until the test lets it continue.

    ``lifetime`` is that of its next result, in seconds.
    """

    def __init__(self, *, lifetime=HOUR):
        self.lifetime = lifetime
        self.count = 0
        self.is_new = True
        self.failure = None
        self.may_continue = threading.Event()
        self.may_continue.set()
        self.called = threading.Event()

    def __call__(self):
        self.count += 1
        number, lifetime = self.count if self.is_new else 1, self.lifetime
        self.called.set()
        assert self.may_continue.wait(10)
        if self.failure:
            raise self.failure
        return Found(Credentials(f"KEY{number}", "secret"), "a test", lifetime)


def deadline():
    return time.monotonic() + 10


def key(found):
    return found.credentials.access_key


def wait_for_look_ups():
    """Wait for the threads of look-ups in progress."""
    for thread in threading.enumerate():
        if thread.name == "wsgi_lambda":
            thread.join(10)
            assert not thread.is_alive()


def test_first_request_looks_up_once():
    provider = Provider()
    cache = CredentialCache(provider)
    assert provider.count == 0
    assert [key(cache.get(deadline())), key(cache.get(deadline()))] == ["KEY1", "KEY1"]
    assert provider.count == 1


def test_fifty_waiting_requests_share_one_look_up():
    provider = Provider()
    provider.may_continue.clear()
    cache = CredentialCache(provider)
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(key(cache.get(deadline())))) for _ in range(50)
    ]
    for thread in threads:
        thread.start()
    assert provider.called.wait(10)
    provider.may_continue.set()
    for thread in threads:
        thread.join()
    assert (found, provider.count) == (["KEY1"] * 50, 1)


class Clock:
    """A clock that the test sets, in seconds."""

    def __init__(self):
        self.now = 1_000_000.0

    def __call__(self):
        return self.now


def test_request_that_was_delayed_uses_the_look_up_that_ended_meanwhile():
    provider, clock = Provider(), Clock()

    def now():
        if clock.now > 1_000_000 + HOUR and provider.count == 1:
            # The first request has seen that the credentials are old; another one is faster.
            assert key(cache.renew(old, deadline())) == "KEY2"
        return clock.now

    cache = CredentialCache(provider, clock=now)
    old = cache.get(deadline()).credentials
    clock.now += HOUR + 1
    assert (key(cache.get(deadline())), provider.count) == ("KEY2", 2)


def test_renewal_delays_no_request():
    provider, clock = Provider(), Clock()
    cache = CredentialCache(provider, clock=clock)
    assert key(cache.get(deadline())) == "KEY1"
    clock.now += HOUR - 901
    assert (key(cache.get(deadline())), provider.count) == ("KEY1", 1)
    provider.may_continue.clear()
    clock.now += 1
    # The look-up runs; requests use the old credentials meanwhile.
    assert [key(cache.get(deadline())) for _ in range(5)] == ["KEY1"] * 5
    provider.may_continue.set()
    wait_for_look_ups()
    assert (key(cache.get(deadline())), provider.count) == ("KEY2", 2)


def test_short_lifetime_is_renewed_in_its_last_quarter():
    provider, clock = Provider(lifetime=100), Clock()
    cache = CredentialCache(provider, clock=clock)
    cache.get(deadline())
    clock.now += 74
    assert (key(cache.get(deadline())), provider.count) == ("KEY1", 1)
    clock.now += 1
    cache.get(deadline())
    wait_for_look_ups()
    assert (key(cache.get(deadline())), provider.count) == ("KEY2", 2)


@pytest.mark.parametrize(("lifetime", "last"), [(HOUR, 10), (50, 5)])
def test_credentials_that_are_about_to_expire_are_not_used(lifetime, last):
    provider, clock = Provider(lifetime=lifetime), Clock()
    cache = CredentialCache(provider, clock=clock)
    cache.get(deadline())
    clock.now += lifetime - last
    assert (key(cache.get(deadline())), provider.count) == ("KEY2", 2)


def test_credentials_without_an_expiry_are_looked_up_every_five_minutes():
    provider, clock = Provider(lifetime=math.inf), Clock()
    cache = CredentialCache(provider, clock=clock)
    cache.get(deadline())
    clock.now += STATIC_LIFETIME
    provider.may_continue.clear()
    assert key(cache.get(deadline())) == "KEY1"
    provider.may_continue.set()
    wait_for_look_ups()
    assert (key(cache.get(deadline())), provider.count) == ("KEY2", 2)


def test_look_up_pauses_after_the_same_credentials():
    provider, clock = Provider(), Clock()
    provider.is_new = False
    cache = CredentialCache(provider, clock=clock, timer=clock)
    cache.get(deadline())
    clock.now += HOUR - 900
    cache.get(deadline())
    wait_for_look_ups()
    # The third look-up would return credentials that have expired.
    provider.lifetime = 0
    assert (key(cache.get(deadline())), provider.count) == ("KEY1", 2)
    stale = cache.get(deadline()).credentials
    assert (cache.renew(stale, deadline()).credentials, provider.count) == (stale, 2)
    clock.now += PAUSE
    assert (cache.renew(stale, deadline()).credentials, provider.count) == (stale, 3)


def test_failed_renewal_is_a_warning_and_pauses(caplog):
    provider, clock = Provider(), Clock()
    cache = CredentialCache(provider, clock=clock, timer=clock)
    cache.get(deadline())
    provider.failure = CredentialsError(detail="STS is out")
    clock.now += HOUR - 900
    with caplog.at_level(logging.WARNING):
        assert key(cache.get(deadline())) == "KEY1"
        wait_for_look_ups()
    assert "credentials could not be renewed: STS is out" in caplog.text
    # The next look-up has to wait for the pause.
    assert (key(cache.get(deadline())), provider.count) == ("KEY1", 2)
    clock.now += PAUSE
    provider.failure = None
    cache.get(deadline())
    wait_for_look_ups()
    assert (key(cache.get(deadline())), provider.count) == ("KEY3", 3)


def test_pause_ends_although_the_clock_is_set_back():
    provider, clock, timer = Provider(), Clock(), Clock()
    provider.is_new = False
    cache = CredentialCache(provider, clock=clock, timer=timer)
    stale = cache.get(deadline()).credentials
    cache.renew(stale, deadline())
    assert provider.count == 2
    clock.now -= HOUR
    timer.now += PAUSE
    cache.renew(stale, deadline())
    assert provider.count == 3


@pytest.mark.parametrize(
    ("failure", "detail"),
    [
        (CredentialsError(detail="looked everywhere"), "looked everywhere"),
        (ZeroDivisionError("SECRET"), "the look-up raised ZeroDivisionError"),
    ],
)
def test_failed_look_up_is_repeated_for_the_next_request(failure, detail):
    provider = Provider()
    provider.failure = failure
    cache = CredentialCache(provider)
    errors = []
    for _ in range(2):
        with pytest.raises(CredentialsError) as caught:
            cache.get(deadline())
        errors.append(caught.value)
    assert [error.detail for error in errors] == [detail, detail]
    # Each request sets its own request id on its error.
    assert errors[0] is not errors[1]
    provider.failure = None
    assert (key(cache.get(deadline())), provider.count) == ("KEY3", 3)


def test_request_waits_until_its_deadline_only():
    provider = Provider()
    provider.may_continue.clear()
    cache = CredentialCache(provider)
    started = time.monotonic()
    with pytest.raises(DeadlinePassed):
        cache.get(started + 0.1)
    assert time.monotonic() - started < 5
    provider.may_continue.set()
    # The look-up went on, and serves the next request.
    assert (key(cache.get(deadline())), provider.count) == ("KEY1", 1)


def test_refused_credentials_are_renewed_once_for_all_requests():
    provider = Provider()
    cache = CredentialCache(provider)
    stale = cache.get(deadline()).credentials
    assert [key(cache.renew(stale, deadline())) for _ in range(3)] == ["KEY2"] * 3
    assert provider.count == 2


def test_renewal_before_the_first_look_up():
    cache = CredentialCache(Provider())
    assert key(cache.renew(Credentials("OLD", "secret"), deadline())) == "KEY1"


def test_failure_to_start_a_thread_is_not_permanent(monkeypatch):
    cache = CredentialCache(Provider())
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        with pytest.raises(CredentialsError) as caught:
            cache.get(deadline())
    assert caught.value.detail == "cannot start a thread for the look-up: can't start new thread"
    assert key(cache.get(deadline())) == "KEY1"


def refuse(thread):
    raise RuntimeError("can't start new thread")


def test_forked_child_looks_up_its_own_credentials():
    provider = Provider()
    cache = CredentialCache(provider)
    cache.get(deadline())
    provider.may_continue.clear()
    other = threading.Thread(target=lambda: cache.renew(Credentials("KEY1", "secret"), deadline()))
    other.start()
    while provider.count < 2:
        time.sleep(0.001)
    # The child has no copy of the thread that is running a look-up in the parent.
    pid = os.fork()
    if pid == 0:
        provider.may_continue = threading.Event()
        provider.may_continue.set()
        os._exit(0 if key(cache.get(deadline())) == "KEY3" else 1)
    _, status = os.waitpid(pid, 0)
    provider.may_continue.set()
    other.join()
    assert os.waitstatus_to_exitcode(status) == 0


def test_new_credentials_are_logged_once(caplog):
    provider, clock = Provider(), Clock()
    cache = CredentialCache(provider, clock=clock)
    with caplog.at_level(logging.INFO, "wsgi_lambda"):
        cache.get(deadline())
        clock.now += HOUR
        cache.get(deadline())
        provider.is_new = False
        wait_for_look_ups()
    assert [record.getMessage() for record in caplog.records] == [
        "credentials: a test, key …, for 3600 s"
    ] * 2
