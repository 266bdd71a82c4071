"""Bounds that keep the cost of a body small: one more than each is malformed."""

import pytest

from wsgi_lambda import json_pieces, strict_json
from wsgi_lambda.errors import PayloadTooLarge
from wsgi_lambda.event import json_encoding, multipart
from wsgi_lambda.invoke.reply import Reply

DISPOSITION = 'Content-Disposition: form-data; name="a"'


def part(header_lines, parameters=0):
    lines = [f"{DISPOSITION}{';x=1' * parameters}"]
    lines += [f"X-{number}: 1" for number in range(header_lines - 1)]
    return "\r\n".join(["--b", *lines, "", "tea", "--b--", ""]).encode()


# The longest of 200,000 boundaries of Werkzeug's test client.
WERKZEUG = f"---------------WerkzeugFormPart_{1732612345.1234567}{1.2345678901234567e-05}"


@pytest.mark.parametrize(
    ("boundary", "is_read"),
    [("b" * 70, True), ("b" * 71, False), (WERKZEUG, True), (f"{WERKZEUG}000", False)],
)
def test_boundary(boundary, is_read):
    body = "\r\n".join([f"--{boundary}", DISPOSITION, "", "tea", f"--{boundary}--", ""]).encode()
    found = multipart.parse(f"multipart/form-data; boundary={boundary}", body, most=10)
    assert found == ([("a", "tea")] if is_read else None)


@pytest.mark.parametrize(
    ("header_lines", "parameters", "is_read"),
    [(30, 0, True), (40, 0, False), (1, 60, True), (1, 70, False)],
)
def test_headers_of_a_part(header_lines, parameters, is_read):
    body = part(header_lines, parameters)
    found = multipart.parse("multipart/form-data; boundary=b", body, most=10)
    assert found == ([("a", "tea")] if is_read else None)


def test_headers_of_all_parts():
    long = f'--b\r\nContent-Disposition: form-data; name="{"a" * 1900}"\r\n\r\ntea\r\n'.encode()
    # 16 KiB, and 1 KiB for each of 20 parts that a body may have.
    accepted = multipart.parse("multipart/form-data; boundary=b", long * 18 + b"--b--", most=20)
    assert accepted == [("a" * 1900, "tea")] * 18
    with pytest.raises(PayloadTooLarge):
        multipart.parse("multipart/form-data; boundary=b", long * 20 + b"--b--", most=20)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "utf-32-le"]
)
@pytest.mark.parametrize("before", range(4))
def test_large_json_is_decoded_in_blocks(encoding, before):
    text = '["' + "a" * before + "\ud800é日\U0001f600" * 20_000 + '"]'
    assert strict_json.text_of(text.encode(encoding, "surrogatepass")) == text
    with pytest.raises(ValueError, match="decode"):
        strict_json.text_of(text.encode(encoding, "surrogatepass") + b"\xff")


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
