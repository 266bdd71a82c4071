"""The rules of what may be sent again."""

import pytest

from wsgi_lambda.errors import ConnectionFailed, DeadlinePassed, LambdaError
from wsgi_lambda.invoke.repeats import Repeat, may_repeat
from wsgi_lambda.invoke.reply import Reply
from wsgi_lambda.wire.attempt import Attempt

LOST = ConnectionFailed(detail="connection lost")
EXPIRED = Reply(403, (("X-Amzn-ErrorType", "ExpiredTokenException"),), b"{}")
DENIED = Reply(403, (("X-Amzn-ErrorType", "AccessDeniedException"),), b"{}")
THROTTLED = Reply(429, (("X-Amzn-ErrorType", "TooManyRequestsException"),), b"{}")
NOT_READY = Reply(409, (), b'{"__type": "ResourceConflictException"}')
RAISED = Reply(200, (("X-Amz-Function-Error", "Unhandled"),), b"{}")

NOT_OPENED = {}
FRESH = {"opened": True}
STALE = {"opened": True, "reused": True}
HALF_READ = {"opened": True, "reused": True, "last_byte": 60.0}

SAFE, RETRIES = {"is_repeatable": True}, {"retries_left": 1}


def decide(outcome, facts, *, is_repeatable=False, done=(), retries_left=0):
    attempt = Attempt(60.0)
    for name, value in facts.items():
        setattr(attempt, name, value)
    return may_repeat(
        outcome, attempt, is_repeatable=is_repeatable, done=done, retries_left=retries_left
    )


@pytest.mark.promise("once")
@pytest.mark.parametrize(
    ("outcome", "facts", "options", "expected"),
    [
        pytest.param(LOST, NOT_OPENED, {}, Repeat.RECONNECT, id="no-connection-was-open"),
        pytest.param(LOST, NOT_OPENED, {"done": [Repeat.RECONNECT]}, None, id="reconnect-once"),
        pytest.param(LOST, FRESH, {}, None, id="new-connection-lost"),
        pytest.param(LOST, FRESH, SAFE, None, id="new-connection-lost-under-a-get"),
        pytest.param(LOST, STALE, {}, None, id="stale-connection-under-a-post"),
        pytest.param(LOST, STALE, SAFE, Repeat.RECONNECT, id="stale-connection-under-a-get"),
        pytest.param(
            LOST, STALE, {**SAFE, "done": [Repeat.RECONNECT]}, None, id="second-stale-connection"
        ),
        pytest.param(LOST, HALF_READ, SAFE, None, id="lost-within-the-reply"),
        pytest.param(LOST, FRESH, RETRIES, None, id="retries-do-not-cover-lost-connections"),
        pytest.param(DeadlinePassed(), NOT_OPENED, SAFE, None, id="deadline-passed"),
        pytest.param(LambdaError("too large"), FRESH, SAFE, None, id="reply-too-large"),
        pytest.param(EXPIRED, FRESH, {}, Repeat.RENEW, id="credentials-expired"),
        pytest.param(EXPIRED, FRESH, {"done": [Repeat.RENEW]}, None, id="renew-once"),
        pytest.param(EXPIRED, FRESH, {"done": [Repeat.RECONNECT]}, Repeat.RENEW, id="each-once"),
        pytest.param(DENIED, FRESH, RETRIES, None, id="access-denied"),
        pytest.param(THROTTLED, FRESH, {}, None, id="throttled-without-retries"),
        pytest.param(THROTTLED, FRESH, RETRIES, Repeat.RETRY, id="throttled"),
        pytest.param(NOT_READY, FRESH, RETRIES, Repeat.RETRY, id="function-not-ready"),
        pytest.param(RAISED, FRESH, {**SAFE, **RETRIES}, None, id="function-raised"),
        pytest.param(Reply(500, (), b""), FRESH, RETRIES, None, id="error-of-lambda"),
        pytest.param(Reply(200, (), b"1"), FRESH, RETRIES, None, id="success"),
    ],
)
def test_what_may_be_sent_again(outcome, facts, options, expected):
    assert decide(outcome, facts, **options) is expected
