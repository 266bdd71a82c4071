"""Limits that keep an outage from growing: the retry quota, and the waits before retries.

The quota belongs to one process: a child starts with a full one.
"""

from __future__ import annotations

import random
import threading

from wsgi_lambda.after_fork import reset_after_fork

# The standard retry mode of the AWS SDKs has a bucket of 500 tokens. Each worker
# process of a server has its own bucket, so it is a fifth of that here.
# https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
CAPACITY = 100  # tokens
RETRY_COST = 5  # tokens
SUCCESS_GAIN = 1  # tokens

#: The longest wait before any retry.
LONGEST_WAIT = 20.0  # seconds


def wait_before(retry: int) -> float:
    """Return the seconds to wait before retry number ``retry`` (from 1), with full jitter.

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    # Otherwise requests that were throttled together would return together.
    return random.uniform(0, min(LONGEST_WAIT, 2.0 ** (retry - 1)))  # noqa: S311


class RetryQuota:
    """A token bucket: retries take tokens, successful invocations return some.

    In a long outage the quota runs out and each request is sent once: retries
    add load only while most requests succeed.
    """

    def __init__(self) -> None:
        reset_after_fork(self.refill)

    def refill(self) -> None:
        """Start again with all tokens."""
        self._lock = threading.Lock()
        self._tokens = CAPACITY

    @property
    def tokens(self) -> int:
        """The tokens that are left."""
        return self._tokens

    def take(self) -> bool:
        """Return whether one more retry is allowed, and count it."""
        with self._lock:
            if self._tokens < RETRY_COST:
                return False
            self._tokens -= RETRY_COST
            return True

    def give_back(self, *, retries: int) -> None:
        """Return the tokens of a successful invocation: those of its retries, or one."""
        if self._tokens < CAPACITY:
            gain = RETRY_COST * retries or SUCCESS_GAIN
            with self._lock:
                self._tokens = min(CAPACITY, self._tokens + gain)
