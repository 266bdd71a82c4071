"""Headers as a mapping: every line stays, names have no case."""

from __future__ import annotations

import pytest

from wsgi_lambda.wire.header_lines import HeaderLines

LINES = [("X-A", "1"), ("Set-Cookie", "a=1"), ("x-a", "2"), ("set-cookie", "b=2")]


def test_lines_and_joined_values() -> None:
    headers = HeaderLines(LINES)
    assert list(headers.iteritems()) == LINES
    assert dict(headers) == {"X-A": "1, 2", "Set-Cookie": "a=1, b=2"}
    assert (headers["SET-COOKIE"], headers.get("x-b"), "x-A" in headers) == (
        "a=1, b=2",
        None,
        True,
    )
    assert len(headers) == 2


def test_setting_a_name_replaces_its_lines() -> None:
    headers = HeaderLines(LINES)
    headers["X-a"] = "3"
    headers.setdefault("x-B", "4")
    headers.setdefault("x-b", "5")
    assert list(headers.iteritems()) == [
        ("Set-Cookie", "a=1"),
        ("set-cookie", "b=2"),
        ("X-a", "3"),
        ("x-B", "4"),
    ]


def test_deleting_a_name_deletes_its_lines() -> None:
    headers = HeaderLines(LINES)
    del headers["SET-COOKIE"]
    assert dict(headers) == {"X-A": "1, 2"}
    with pytest.raises(KeyError):
        del headers["set-cookie"]
