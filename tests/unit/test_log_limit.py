"""At most so many lines of each kind per minute, and the number of the others."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from wsgi_lambda.log_limit import LogLimit

log = logging.getLogger("wsgi_lambda")
KIND = ("/shop", "ServiceError", 502)
HELD = " [further lines of this kind are held back for %d s]"


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Lines:
    """A limit of two lines, its clock, and the lines that were logged."""

    def __init__(self, caplog: pytest.LogCaptureFixture, limit: int | None = 2) -> None:
        self.clock = Clock()
        self.limit = LogLimit(limit, clock=self.clock)
        self._caplog = caplog

    def fail(self, request: str = "r-1", kind: tuple[str, str, int] = KIND) -> None:
        extra = {"aws_request_id": request, "route": kind[0]}
        self.limit.log(log, logging.WARNING, kind, "failed: %s", request, extra=extra)

    def logged(self) -> list[str]:
        found = [record.getMessage() for record in self._caplog.records]
        self._caplog.clear()
        return found


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Lines:
    return Lines(caplog)


def test_last_line_says_how_long_others_are_held_back(lines: Lines) -> None:
    lines.fail("r-1")
    lines.clock.now += 20.5
    lines.fail("r-2")
    lines.fail("r-3")
    assert lines.logged() == ["failed: r-1", f"failed: r-2{HELD % 40}"]


def test_number_of_held_lines_is_logged_after_the_minute(
    lines: Lines, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(1, 6):
        lines.fail(f"r-{number}")
    caplog.clear()
    lines.clock.now += 59
    lines.limit.report()
    assert caplog.records == []
    lines.clock.now += 1
    lines.limit.report()
    lines.limit.report()
    (record,) = caplog.records
    expected = "/shop ServiceError: 3 more lines held back in 60 s, the last for request r-5"
    assert record.getMessage() == expected
    assert record.msg.startswith("/shop ServiceError: %d")
    given: dict[str, Any] = vars(record)
    assert (given["held_back"], given["route"], record.levelname) == (3, "/shop", "WARNING")


def test_next_minute_begins_with_a_line(lines: Lines) -> None:
    lines.fail()
    lines.fail()
    lines.clock.now += 60
    lines.fail("r-3")
    assert lines.logged()[2:] == ["failed: r-3"]
    lines.fail("r-4")
    lines.fail("r-5")
    lines.clock.now += 60
    lines.limit.report()
    lines.fail("r-6")
    assert lines.logged() == [
        f"failed: r-4{HELD % 60}",
        "/shop ServiceError: 1 more lines held back in 60 s, the last for request r-5",
        "failed: r-6",
    ]


def test_kinds_are_counted_apart(lines: Lines) -> None:
    others = [("/pay", *KIND[1:]), (KIND[0], "ResultError", 502), (*KIND[:2], 504)]
    for kind in (KIND, *others):
        for _ in range(3):
            lines.fail(kind=kind)
    assert len(lines.logged()) == 8
    lines.clock.now += 60
    lines.limit.report()
    assert len(lines.logged()) == 4


def test_each_kind_is_reported_after_its_own_minute(lines: Lines) -> None:
    for _ in range(3):
        lines.fail()
    lines.clock.now += 30
    for _ in range(3):
        lines.fail("", ("/100%", "ServiceError", 502))
    lines.logged()
    lines.clock.now += 30
    lines.limit.report()
    assert [line[:5] for line in lines.logged()] == ["/shop"]
    lines.clock.now += 30
    lines.limit.report()
    expected = "/100% ServiceError: 1 more lines held back in 60 s, the last for request -"
    assert lines.logged() == [expected]


def test_next_kind_is_due_at_its_own_time(lines: Lines) -> None:
    for place in ("/a", "/b", "/c"):
        for _ in range(3):
            lines.fail(kind=(place, "ServiceError", 502))
        lines.clock.now += 10
    lines.logged()
    found = []
    for _ in range(3):
        lines.clock.now += 10 if found else 30
        lines.limit.report()
        found.append([line[:2] for line in lines.logged()])
    assert found == [["/a"], ["/b"], ["/c"]]
    assert not lines.limit.is_holding


def test_no_limit(caplog: pytest.LogCaptureFixture) -> None:
    lines = Lines(caplog, limit=None)
    for _ in range(200):
        lines.fail()
    assert lines.logged() == ["failed: r-1"] * 200


def test_child_process_begins_again(lines: Lines) -> None:
    for _ in range(3):
        lines.fail()
    lines.logged()
    lines.limit.reset()
    lines.clock.now += 60
    lines.limit.report()
    lines.fail()
    assert lines.logged() == ["failed: r-1"]


def test_threads_do_not_pass_the_limit(caplog: pytest.LogCaptureFixture) -> None:
    lines = Lines(caplog, limit=10)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: lines.fail(), range(400)))
    assert len(lines.logged()) == 10
    lines.clock.now += 60
    lines.limit.report()
    assert "390 more lines" in lines.logged()[0]


def test_lines_name_the_code_that_logs(lines: Lines, caplog: pytest.LogCaptureFixture) -> None:
    lines.fail()
    (record,) = caplog.records
    assert (record.pathname, record.funcName) == (__file__, "fail")


def test_number_has_the_level_of_the_lines(lines: Lines, caplog: pytest.LogCaptureFixture) -> None:
    for level in (logging.ERROR, logging.WARNING):
        for _ in range(3):
            kind = ("/shop", "ServiceError", level)
            extra = {"aws_request_id": "r-1"}
            lines.limit.log(log, level, kind, "failed", extra=extra)
    caplog.clear()
    lines.clock.now += 60
    lines.limit.report()
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]


def test_level_of_the_logger_holds(lines: Lines, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, "wsgi_lambda")
    lines.fail()
    assert lines.logged() == []
