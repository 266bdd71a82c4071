"""The hook and the event are two readers of one body: neither sees what the other does not."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tools.cost import seconds
from tests.unit.configurations import read_route
from wsgi_lambda.authorize import authorize
from wsgi_lambda.errors import LambdaError
from wsgi_lambda.event import EventBuilder, body_limit
from wsgi_lambda.request import Request

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=B"
DISPOSITION = b'Content-Disposition: form-data; name="amount"'


def part(headers, value=b"9", boundary=b"B"):
    return b"\r\n".join([b"--" + boundary, headers, b"", value, b"--" + boundary + b"--", b""])


def ask(content_type, body, **environ):
    """Return the form that the hook has read, and the event; None for a rejected request."""
    seen = []
    route = read_route(authorize=lambda request: seen.append(request.values.to_dict()))
    request = Request(
        {
            "REQUEST_METHOD": "POST",
            "CONTENT_TYPE": content_type,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            "wsgi.url_scheme": "http",
            "SERVER_NAME": "a.test",
            "SERVER_PORT": "80",
            **environ,
        }
    )
    limit = body_limit(request, route.event)
    try:
        if authorize(route.match.authorize, request, body_limit=limit) is not None:
            return None, None
        return seen[0], EventBuilder(route).build(request)
    except LambdaError:
        return None, None


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (FORM, b"amount=9&x=\xff"),
        (f"{FORM}\xa0", b"amount=9"),
        (f"\x0b{FORM}", b"amount=9"),
        (f"{FORM}\xe2\x80\x83", b"amount=9"),
        ("application/json\xc2\xa0", b'{"amount": 9}'),
        (MULTIPART, part(DISPOSITION + b"\r\nX: \xff")),
        (MULTIPART, part(DISPOSITION + b'; x="\xff"')),
        ('multipart/form-data; boundary="\xc3\xa9"', part(DISPOSITION, boundary="é".encode())),
        (MULTIPART, part(DISPOSITION)[:-8]),
    ],
)
def test_body_that_the_hook_cannot_parse_is_rejected(content_type, body):
    assert ask(content_type, body) == (None, None)


@pytest.mark.parametrize("content_type", [FORM, f" {FORM.upper()}\t;charset=x"])
def test_body_that_both_can_parse(content_type):
    assert ask(content_type, b"amount=9") == ({"amount": "9"}, b'{"amount":"9"}')


def test_hook_reads_a_body_that_a_proxy_has_decoded():
    environ = {"HTTP_TRANSFER_ENCODING": "chunked", "uwsgi.version": b"2"}
    assert ask(FORM, b"amount=9", **environ) == ({"amount": "9"}, b'{"amount":"9"}')


QUOTED_PAIRS = DISPOSITION[:-1] + b'\\"' * 8000 + b'"'


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (MULTIPART, part(QUOTED_PAIRS)[:-7] * 1000 + b"--B--\r\n"),
        (MULTIPART, b"-" * 2_000_000),
        (f"multipart/form-data; boundary={'-' * 71}", b"-" * 2_000_000),
    ],
)
def test_hook_does_not_take_long_for_a_hostile_form(content_type, body):
    assert ask(content_type, body) == (None, None)
    assert seconds(lambda: ask(content_type, body)) < 1.5


def test_large_form():
    body = part(b'Content-Disposition: form-data; name="f"; filename="x"', b"x" * 2_000_000)
    seen, event = ask(MULTIPART, body[:-7] + part(DISPOSITION))
    assert (seen, b'"amount":"9"' in event) == ({"amount": "9"}, True)


@pytest.mark.parametrize("charset", ["ascii", "us-ascii", "ISO-8859-1", "utf-8", "utf-7", ""])
def test_charset_of_a_part_is_the_same_for_both(charset):
    headers = DISPOSITION + b"\r\nContent-Type: text/plain; charset=" + charset.encode()
    seen, event = ask(MULTIPART, part(headers, "+AOk-é".encode()))
    assert event.decode() == f'{{"amount":"{seen["amount"]}"}}'


@given(
    st.sampled_from([FORM, MULTIPART, "Multipart/Form-Data;boundary=B;charset=utf-16"]),
    st.lists(st.sampled_from([b"amount=9", b"&", b"%ff", b"\xff", b"+", b"=", b";", b"\r\n", b"--B",
                              DISPOSITION, b"\r\n\r\n", b"--", b'; filename="x"', b"\0"])),
)  # fmt: skip
def test_function_gets_no_argument_that_the_hook_has_not_seen(content_type, parts):
    body = b"".join(parts)
    seen, event = ask(content_type, body)
    if event is not None and b'"amount":"' in event:
        assert "amount" in seen
