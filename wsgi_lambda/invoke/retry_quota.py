"""What keeps a bad minute from getting worse: a quota of retries, a number of invocations at once.

Both are counts of one process; nothing of them crosses a fork.
"""

from __future__ import annotations

import random
import threading

from wsgi_lambda.after_fork import reset_after_fork

# The standard retry mode of AWS's SDKs has a bucket of 500 tokens. It is a
# fifth of that here, as each worker process of a server has one of its own.
# https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
CAPACITY = 100  # tokens
RETRY_COST = 5  # tokens
SUCCESS_GAIN = 1  # tokens

#: The longest wait before any retry.
LONGEST_WAIT = 20.0  # seconds


def wait_before(retry: int) -> float:
    """Return how long to wait before retry number ``retry``, from 1, in seconds: full jitter.

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    # Spread over time, or all who were throttled together come back together.
    return random.uniform(0, min(LONGEST_WAIT, 2.0 ** (retry - 1)))  # noqa: S311


class RetryQuota:
    """A token bucket: retries take from it, answers that were no errors give back.

    When a service is out for long, the quota runs dry and each request is sent
    once: retries add to the load only while most requests succeed.
    """

    def __init__(self) -> None:
        reset_after_fork(self._begin)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._tokens = CAPACITY

    def take(self) -> bool:
        """Tell whether one more retry is allowed, and count it."""
        with self._lock:
            if self._tokens < RETRY_COST:
                return False
            self._tokens -= RETRY_COST
            return True

    def give_back(self, *, retries: int) -> None:
        """Count an answer that was no error: what its retries took, or a little."""
        if self._tokens < CAPACITY:
            gain = RETRY_COST * retries or SUCCESS_GAIN
            with self._lock:
                self._tokens = min(CAPACITY, self._tokens + gain)
