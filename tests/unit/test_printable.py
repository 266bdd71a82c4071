"""Foreign text cannot forge a log line or command a terminal."""

import pytest

from wsgi_lambda.printable import printable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("orders, café, 日本", "orders, café, 日本"),
        ("a\nERROR b", "a\\nERROR b"),
        ("a\r\x1b[2J", "a\\r\\x1b[2J"),
        ("a\u202eb\u2028c", "a\\u202eb\\u2028c"),
        ("\x85\x00\ud800", "\\x85\\x00\\ud800"),
    ],
)
def test_control_characters_line_ends_and_bidirectional_marks_are_escaped(text, expected):
    assert printable(text) == expected
    assert printable(text).isprintable()
