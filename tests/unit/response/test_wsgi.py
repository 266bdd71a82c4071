"""How a response reaches the server."""

import io
from wsgiref.handlers import SimpleHandler

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Response as WerkzeugResponse

from wsgi_lambda.errors import LambdaError
from wsgi_lambda.failures import failure
from wsgi_lambda.response.wsgi import Response, finish, from_werkzeug

TEXT = ("Content-Type", "text/plain")


class Body:
    """A body that records whether it was closed."""

    def __init__(self):
        self.is_closed = False

    def __iter__(self):
        yield b"a"
        yield b"bc"

    def close(self):
        self.is_closed = True


def test_content_length_is_set_where_the_length_is_known():
    response = Response.whole(200, [TEXT], b"abc")
    assert finish(response, "GET") == ("200 OK", [TEXT, ("Content-Length", "3")], (b"abc",))


def test_body_of_unknown_length_is_passed_on_as_it_is():
    body = Body()
    assert finish(Response(200, [TEXT], body, None), "GET") == ("200 OK", [TEXT], body)
    assert not body.is_closed


@pytest.mark.parametrize(
    ("status", "method", "line", "headers"),
    [
        pytest.param(200, "HEAD", "200 OK", [TEXT], id="head"),
        pytest.param(204, "GET", "204 No Content", [], id="204"),
        pytest.param(205, "GET", "205 Reset Content", [TEXT, ("Content-Length", "0")], id="205"),
        pytest.param(304, "GET", "304 Not Modified", [], id="304"),
    ],
)
def test_body_that_is_not_sent_is_closed(status, method, line, headers):
    body = Body()
    *head, sent = finish(Response(status, [TEXT], body, None), method)
    assert (head, b"".join(sent)) == ([line, headers], b"")
    assert body.is_closed


@pytest.mark.parametrize(("status", "method"), [(200, "HEAD"), (204, "GET"), (304, "GET")])
def test_wsgiref_adds_no_length(status, method):
    """Without a chunk it would: a HEAD of a stream then promises an empty GET."""
    status_line, headers, sent = finish(Response(status, [TEXT], Body(), None), method)

    def app(_, start_response):
        start_response(status_line, headers)
        return sent

    out = io.BytesIO()
    environ = EnvironBuilder(method=method).get_environ()
    SimpleHandler(io.BytesIO(), out, io.StringIO(), environ).run(app)
    assert b"Content-Length" not in out.getvalue()
    assert out.getvalue().endswith(b"\r\n\r\n")


def test_head_has_the_content_length_of_a_get():
    response = Response.whole(200, [TEXT], b"abc")
    assert finish(response, "HEAD") == ("200 OK", [TEXT, ("Content-Length", "3")], ())


def test_failure_of_head_has_the_content_length_of_a_get():
    response = failure(LambdaError(request_id="1"))
    assert finish(response, "HEAD")[1] == finish(response, "GET")[1]
    assert finish(response, "HEAD")[2] == ()


@pytest.mark.parametrize(("status", "length"), [(204, []), (205, ["0"]), (304, [])])
def test_werkzeug_response_without_a_body_has_no_other_length(status, length):
    environ = EnvironBuilder().get_environ()
    response = from_werkzeug(WerkzeugResponse("x", status, {"Content-Length": "1"}), environ)
    _, headers, body = finish(response, "GET")
    assert [value for name, value in headers if name == "Content-Length"] == length
    assert b"".join(body) == b""


def test_status_without_a_phrase():
    assert finish(Response.whole(299, [], b""), "GET")[0] == "299 Unknown"


def test_werkzeug_response_keeps_status_headers_and_body():
    given = WerkzeugResponse("Who are you?", "401 Say Who", {"WWW-Authenticate": "Basic"})
    response = from_werkzeug(given, EnvironBuilder().get_environ())
    status, headers, body = finish(response, "GET")
    assert (status, b"".join(body)) == ("401 Say Who", b"Who are you?")
    assert headers == [
        ("WWW-Authenticate", "Basic"),
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", "12"),
    ]


def test_werkzeug_response_to_head_has_no_body():
    environ = EnvironBuilder(method="HEAD").get_environ()
    response = from_werkzeug(WerkzeugResponse("Who are you?", 401), environ)
    assert b"".join(finish(response, "HEAD")[2]) == b""
