"""Put the functions of a test in the place of Lambda, in the whole process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from wsgi_lambda.credentials import Credentials
from wsgi_lambda.credentials.source import CredentialSource
from wsgi_lambda.invoke import Invocation, Invoker, function
from wsgi_lambda.invoke.client import LambdaClient
from wsgi_lambda.invoke.in_process import InProcess
from wsgi_lambda.invoke.kinds import invoker_in_lambda
from wsgi_lambda.invoke.reply import Reply
from wsgi_lambda.invoke.retry_quota import RetryQuota
from wsgi_lambda.testing.far_end import FarEnd
from wsgi_lambda.testing.functions import LambdaFunctions

#: The keys that every request is signed with, and those that a refresh finds.
KEYS = Credentials("AKIATEST", "secret", "token")
NEW_KEYS = Credentials("AKIATEST2", "secret", "token")


@contextmanager
def lambda_functions() -> Iterator[LambdaFunctions]:
    """Let functions of a test take the place of those in Lambda.

    It applies to every app of the process, created before or after, in all threads.
    Of two that are active, the newest one applies. Unless ``is_strict`` is set to
    False, the end raises an AssertionError that names the functions which were called
    although nothing was assigned to them.
    """
    functions = LambdaFunctions()
    with _ACTIVE.replacing(FarEnd(functions)):
        yield functions
    functions.check()


class _Replacement:
    """Stands for what would reach the network, of every app in the process."""

    def __init__(self, far_end: FarEnd) -> None:
        self.far_end = far_end
        self._invokers: WeakKeyDictionary[InProcess, Invoker] = WeakKeyDictionary()
        self._full: WeakSet[RetryQuota] = WeakSet()

    def invoke(self, here: InProcess, invocation: Invocation) -> Reply:
        """Invoke the function of a test instead of a handler in this process."""
        if here not in self._invokers:
            self._invokers[here] = invoker_in_lambda(here.route, here.connections)
        return self._invokers[here].invoke(invocation)

    def fill(self, quota: RetryQuota) -> None:
        """Fill ``quota`` before its first use."""
        if quota not in self._full:
            self._full.add(quota)
            quota.refill()


class _Active:
    """The replacements that are active. They may end in any order."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._replacements: list[_Replacement] = []
        self._restore = ExitStack()
        # It stays after the end of the last one, for requests of other threads.
        self._newest: _Replacement

    @contextmanager
    def replacing(self, far_end: FarEnd) -> Iterator[None]:
        own = _Replacement(far_end)
        with self._lock:
            self._replacements.append(own)
            self._newest = own
            if len(self._replacements) == 1:
                for owner, name, replacement in self._attributes():
                    self._restore.callback(setattr, owner, name, getattr(owner, name))
                    setattr(owner, name, replacement)
        try:
            yield
        finally:
            with self._lock:
                self._replacements.remove(own)
                if self._replacements:
                    self._newest = self._replacements[-1]
                else:
                    self._restore.close()

    def _attributes(self) -> Iterator[tuple[object, str, Callable[..., Any]]]:
        """Yield the owner, the name and the replacement of each attribute."""
        take = RetryQuota.take

        def take_from_full(quota: RetryQuota) -> bool:
            self._newest.fill(quota)
            return take(quota)

        yield LambdaClient, "open", lambda _, *given: self._newest.far_end.open(*given)
        yield CredentialSource, "get", lambda *_: KEYS
        yield CredentialSource, "renew", lambda source, *_: None if source.is_static else NEW_KEYS
        yield InProcess, "invoke", lambda *given: self._newest.invoke(*given)
        yield RetryQuota, "take", take_from_full
        # Nothing that a retry could wait for happens in a test.
        yield function, "wait_before", lambda _: 0.0


_ACTIVE = _Active()
