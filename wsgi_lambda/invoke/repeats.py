"""Decide whether a request to Lambda may be sent again.

A function never runs twice for a POST, PUT, PATCH or DELETE. A request is sent
again only if the function certainly did not run, or if the client's method is
safe to repeat (GET, HEAD, OPTIONS) and its reused connection died before any
byte of a reply.
"""

from __future__ import annotations

from collections.abc import Container
from enum import Enum

from wsgi_lambda.errors import ConnectionFailed, LambdaError
from wsgi_lambda.invoke.reply import Reply
from wsgi_lambda.wire.attempt import Attempt


class Repeat(Enum):
    """Why a request is sent again."""

    #: No connection was open, or the reused one was dead; once.
    RECONNECT = "reconnect"
    #: AWS called the credentials expired or unknown; once, with newer ones.
    RENEW = "renew"
    #: Lambda throttled, or the function is not ready; as often as `retries` allows.
    RETRY = "retry"


def may_repeat(
    outcome: Reply | LambdaError,
    attempt: Attempt,
    *,
    is_repeatable: bool,
    done: Container[Repeat],
    retries_left: int,
) -> Repeat | None:
    """Return the reason to send a request again, or None if its outcome is final.

    ``outcome`` is the result of ``attempt``, ``done`` contains the earlier
    reasons, and ``is_repeatable`` is that of the `Invocation`.
    """
    if isinstance(outcome, LambdaError):
        # A deadline that has passed leaves no time for another attempt.
        if not isinstance(outcome, ConnectionFailed) or Repeat.RECONNECT in done:
            return None
        is_dead = attempt.reused and not attempt.last_byte
        may_reconnect = not attempt.opened or (is_repeatable and is_dead)
        return Repeat.RECONNECT if may_reconnect else None
    if outcome.refuses_credentials and Repeat.RENEW not in done:
        return Repeat.RENEW
    return Repeat.RETRY if outcome.is_retryable and retries_left > 0 else None
