"""What the log says about an error of the Invoke API."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from wsgi_lambda.invoke.reply import Reply
from wsgi_lambda.response.service_error import service_error

EXPIRED = b'{"message":"Signature expired: 20260101T000000Z is now earlier than ..."}'
EARLY = b'{"message":"Signature not yet current: 20260101T000000Z is still later than ..."}'
WRONG = b'{"message":"The request signature we calculated does not match"}'


def detail(
    name: str, body: bytes, *, seconds: int = 421, status: int = 403, date: str | None = None
) -> str:
    """Return the detail of a reply from a machine whose clock is ``seconds`` ahead of ours."""
    theirs = formatdate(time.time() + seconds, usegmt=True) if date is None else date
    headers = (("X-Amzn-ErrorType", name), ("Date", theirs))
    return service_error(Reply(status, headers, body)).detail


CASES = {
    "expired": ("InvalidSignatureException", EXPIRED, True),
    "not-yet-current": ("InvalidSignatureException", EARLY, True),
    "request-expired": ("RequestExpired", b"{}", True),
    "wrong-secret": ("InvalidSignatureException", WRONG, False),
    "denied": ("AccessDeniedException", b"{}", False),
}


@pytest.mark.parametrize(("name", "body", "is_told"), CASES.values(), ids=CASES)
def test_clock(name: str, body: bytes, is_told: bool) -> None:
    assert ("the clock of this machine is 42" in detail(name, body)) == is_told


def test_direction() -> None:
    # formatdate() has no fractions of a second.
    assert detail("RequestExpired", b"").split("; ")[1].endswith((" 421 s behind", " 420 s behind"))
    ahead = detail("RequestExpired", b"", seconds=-421).split("; ")[1]
    assert ahead.endswith((" 421 s ahead", " 422 s ahead"))


@pytest.mark.parametrize("date", ["", "yesterday"])
def test_reply_without_a_date(date: str) -> None:
    assert "clock" not in detail("RequestExpired", b"", date=date)


def test_other_status() -> None:
    assert "clock" not in detail("RequestExpired", b"", status=400)
