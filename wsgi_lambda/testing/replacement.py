"""Put the functions of a test in the place of Lambda, in the whole process."""

from __future__ import annotations

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
    Of two that are active, the inner one applies. Unless ``is_strict`` is set to
    False, the end raises an AssertionError that names the functions which were called
    although nothing was assigned to them.
    """
    functions = LambdaFunctions()
    with ExitStack() as stack:
        for owner, name, replacement in _Replacement(FarEnd(functions)).attributes():
            stack.callback(setattr, owner, name, getattr(owner, name))
            setattr(owner, name, replacement)
        yield functions
    functions.check()


class _Replacement:
    """Stands for what would reach the network, of every app in the process."""

    def __init__(self, far_end: FarEnd) -> None:
        self._far_end = far_end
        self._invokers: WeakKeyDictionary[InProcess, Invoker] = WeakKeyDictionary()
        self._full: WeakSet[RetryQuota] = WeakSet()
        self._take = RetryQuota.take

    def attributes(self) -> Iterator[tuple[object, str, Callable[..., Any]]]:
        """Yield the owner, the name and the replacement of each attribute."""
        yield LambdaClient, "open", lambda _, *arguments: self._far_end.open(*arguments)
        yield CredentialSource, "get", lambda *_: KEYS
        yield CredentialSource, "renew", lambda source, *_: None if source.is_static else NEW_KEYS
        yield InProcess, "invoke", lambda here, invocation: self._invoke(here, invocation)
        yield RetryQuota, "take", lambda quota: self._take_from_full(quota)
        # Nothing that a retry could wait for happens in a test.
        yield function, "wait_before", lambda _: 0.0

    def _invoke(self, here: InProcess, invocation: Invocation) -> Reply:
        if here not in self._invokers:
            self._invokers[here] = invoker_in_lambda(here.route, here.connections)
        return self._invokers[here].invoke(invocation)

    def _take_from_full(self, quota: RetryQuota) -> bool:
        if quota not in self._full:
            self._full.add(quota)
            quota.refill()
        return self._take(quota)
