"""Bounds that keep the cost of a body small: one more than each is malformed."""

import pytest

from wsgi_lambda import json_pieces
from wsgi_lambda.event import json_encoding, multipart
from wsgi_lambda.invoke.reply import Reply


def part(header_lines, parameters=0):
    lines = [f'Content-Disposition: form-data; name="a"{";x=1" * parameters}']
    lines += [f"X-{number}: 1" for number in range(header_lines - 1)]
    return "\r\n".join(["--b", *lines, "", "tea", "--b--", ""]).encode()


@pytest.mark.parametrize(
    ("header_lines", "parameters", "is_read"),
    [(30, 0, True), (40, 0, False), (1, 60, True), (1, 70, False)],
)
def test_headers_of_a_part(header_lines, parameters, is_read):
    body = part(header_lines, parameters)
    found = multipart.parse("multipart/form-data; boundary=b", body, most=10)
    assert found == ([("a", "tea")] if is_read else None)


def test_arrays_and_objects_of_a_body():
    assert json_encoding.reencode("[" + "[]," * 1000 + "[]]").pieces
    text = "[" + "[]," * json_encoding.MOST_CONTAINERS + "[]]"
    assert json_encoding.MOST_CONTAINERS <= 600_000
    with pytest.raises(json_pieces.TooManyContainers):
        json_encoding.reencode(text)


@pytest.mark.parametrize(("blanks", "name"), [(100, "Throttled"), (70_000, "")])
def test_name_of_a_service_error_in_a_long_body(blanks, name):
    body = b'{"__type": "Throttled"}' + b" " * blanks
    assert Reply(429, (), body).error_type == name
