"""The body of a request in a Flask app: complete or not at all, whoever has read it before."""

from __future__ import annotations

import io
from contextlib import suppress
from typing import Any

import pytest
from flask import Request, Response, request
from werkzeug.datastructures import ImmutableMultiDict, MultiDict
from werkzeug.formparser import FormDataParser

from tests.inapp.conftest import MakeFlask, events
from tests.servers.lambda_server import LambdaServer
from tests.servers.web_server import serving
from wsgi_lambda.flask import keep_body

RAW = {"forward_request_body": True, "base64_encode_body": False}
FORM = b"a=1&b=2&a=3"
MULTIPART = (
    b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
    b'--b\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\nfile\r\n--b--\r\n'
)
FORM_TYPE, MULTIPART_TYPE = "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"

READ_BEFORE = {
    "nothing": lambda: None,
    "get_data": lambda: request.get_data(),
    "json": lambda: request.get_json(force=True, silent=True),
    "form": lambda: request.form,
    "files": lambda: list(request.files.values()),
    "stream": lambda: request.stream.read(),
}


def app_of(make_flask: MakeFlask, before: str, **options: Any) -> Any:
    """Return an app with a route, a view, and views of its own that pass a request on."""
    app, functions = make_flask({"/route": "f"}, {"pay": {}}, **{**RAW, **options})
    app.before_request(lambda: (READ_BEFORE[before](), None)[1])
    app.add_url_rule("/view", view_func=functions.view("pay"))

    @app.post("/own")
    def own() -> Any:
        return functions["pay"].respond()

    @app.post("/kept")
    @keep_body
    def kept() -> Any:
        return functions["pay"].respond()

    return app


@pytest.mark.parametrize("path", ["/route", "/view", "/kept"])
@pytest.mark.parametrize("before", READ_BEFORE)
@pytest.mark.parametrize(("body", "kind"), [(FORM, FORM_TYPE), (MULTIPART, MULTIPART_TYPE)])
def test_body_is_complete_whatever_has_read_it_before(
    make_flask: MakeFlask, far: LambdaServer, path: str, before: str, body: bytes, kind: str
) -> None:
    app = app_of(make_flask, before)
    response = app.test_client().post(path, data=body, content_type=kind)
    assert response.status_code == 200
    assert events(far)[0]["request_body"] == body.decode()


@pytest.mark.parametrize(("before", "status"), [("get_data", 200), ("json", 200), ("nothing", 200)])
def test_view_of_the_app_without_the_mark_may_read_the_data(
    make_flask: MakeFlask, far: LambdaServer, before: str, status: int
) -> None:
    response = app_of(make_flask, before).test_client().post("/own", data=FORM)
    assert (response.status_code, len(far.invocations)) == (status, 1)
    assert events(far)[0]["request_body"] == FORM.decode()


@pytest.mark.parametrize("before", READ_BEFORE)
def test_request_without_a_body_may_be_read_in_any_way(
    make_flask: MakeFlask, far: LambdaServer, before: str
) -> None:
    app, functions = make_flask({}, {"pay": {}})
    app.before_request(lambda: (READ_BEFORE[before](), None)[1])
    app.add_url_rule("/own", view_func=lambda: functions["pay"].respond())
    assert app.test_client().get("/own?a=1").json == {"a": "1"}


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("before", ["form", "files"])
@pytest.mark.parametrize(("body", "kind"), [(FORM, FORM_TYPE), (MULTIPART, MULTIPART_TYPE)])
def test_parsed_form_without_the_mark_is_a_500_that_names_the_remedy(
    make_flask: MakeFlask,
    far: LambdaServer,
    caplog: pytest.LogCaptureFixture,
    body: bytes,
    kind: str,
    before: str,
    chunked: bool,
) -> None:
    framing = {"wsgi.input": io.BytesIO(body), "CONTENT_TYPE": kind}
    if chunked:
        framing |= {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    else:
        framing |= {"CONTENT_LENGTH": str(len(body))}
    client = app_of(make_flask, before).test_client()
    response = client.post("/own", environ_overrides=framing)
    assert (response.status_code, far.invocations) == (500, [])
    assert "keep_body" in caplog.text
    assert "keep_body" not in response.text


CHUNKED = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
READ_FIRST = {
    **READ_BEFORE,
    "five-bytes": lambda: request.stream.read(5),
    "uncached": lambda: request.get_data(cache=False),
    "line": lambda: request.stream.readline(),
    "wrapped": lambda: wrapped.append(io.BufferedReader(request.stream)) or wrapped[-1].read(),
}
# A reader closes the stream when it goes.
wrapped: list[Any] = []


@pytest.mark.parametrize(
    ("before", "kind", "status"),
    [
        ("nothing", "text/plain", 200),
        ("get_data", "text/plain", 200),
        ("json", "application/json", 200),
        ("form", "application/json", 200),
        ("form", FORM_TYPE, 500),
        ("stream", "text/plain", 500),
        ("five-bytes", "text/plain", 500),
        ("uncached", "text/plain", 500),
        ("line", "text/plain", 500),
        ("wrapped", "text/plain", 500),
    ],
)
@pytest.mark.parametrize("most", [None, 1000])
def test_chunked_body_without_the_mark_is_complete_or_a_500(
    make_flask: MakeFlask,
    far: LambdaServer,
    before: str,
    kind: str,
    status: int,
    most: int | None,
) -> None:
    app, functions = make_flask({}, {"pay": RAW})
    app.config["MAX_CONTENT_LENGTH"] = most
    app.before_request(lambda: (READ_FIRST[before](), None)[1])
    app.add_url_rule("/own", view_func=lambda: functions["pay"].respond(), methods=["POST"])
    framing = {**CHUNKED, "wsgi.input": io.BytesIO(FORM), "CONTENT_TYPE": kind}
    response = app.test_client().post("/own", environ_overrides=framing)
    assert response.status_code == status
    bodies = [event["request_body"] for event in events(far)]
    assert bodies == ([FORM.decode()] if status == 200 else [])


class Lines(io.BytesIO):
    """Counts the calls of `read`."""

    reads = 0

    def read(self, size: int | None = -1) -> bytes:
        self.reads += 1
        return super().read(size)


def test_app_reads_chunked_lines_without_reading_single_bytes(make_flask: MakeFlask) -> None:
    app, _ = make_flask({}, {"pay": {}})

    @app.post("/lines")
    def lines() -> Any:
        first, limited = request.stream.readline(), request.stream.readline(2)
        return [line.decode() for line in [first, limited, *request.stream]]

    body = Lines(b"one\ntwo\nthree\nfour")
    response = app.test_client().post("/lines", environ_overrides={**CHUNKED, "wsgi.input": body})
    assert response.json == ["one\n", "tw", "o\n", "three\n", "four"]
    assert body.reads == 0


@pytest.mark.parametrize("before", ["get_data", "form", "stream"])
def test_chunked_body_that_flask_takes_for_empty_is_a_411(
    make_flask: MakeFlask, far: LambdaServer, before: str
) -> None:
    client = app_of(make_flask, before).test_client()
    framing = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": io.BytesIO(FORM)}
    response = client.post("/own", environ_overrides=framing)
    assert (response.status_code, far.invocations) == (411, [])


def test_app_reads_the_body_after_the_function(make_flask: MakeFlask, far: LambdaServer) -> None:
    app = app_of(make_flask, "nothing")
    seen: list[Any] = []

    @app.after_request
    def look(response: Any) -> Any:
        seen.append((request.get_data(), request.form.getlist("a")))
        return response

    for path in ("/route", "/own"):
        app.test_client().post(path, data=FORM, content_type=FORM_TYPE)
    assert seen == [(FORM, ["1", "3"])] * 2


def test_view_may_pass_a_request_on_twice(make_flask: MakeFlask, far: LambdaServer) -> None:
    app, functions = make_flask({}, {"one": RAW, "two": RAW})

    @app.post("/both")
    def both() -> Any:
        functions["one"].respond()
        return functions["two"].respond()

    app.test_client().post("/both", data=FORM, content_type=FORM_TYPE)
    assert [event["request_body"] for event in events(far)] == [FORM.decode()] * 2


FRAMING = {
    "short": ({"CONTENT_LENGTH": "50", "wsgi.input": io.BytesIO(b"a=1")}, 400),
    "chunked": ({"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": io.BytesIO(b"a=1")}, 411),
    "both": ({"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": "3"}, 400),
    "no-number": ({"CONTENT_LENGTH": "+3"}, 400),
}


@pytest.mark.parametrize("path", ["/route", "/view", "/own"])
@pytest.mark.parametrize("case", FRAMING)
def test_invalid_framing(make_flask: MakeFlask, far: LambdaServer, path: str, case: str) -> None:
    framing, status = FRAMING[case]
    client = app_of(make_flask, "nothing").test_client()
    response = client.post(path, environ_overrides={**framing, "CONTENT_TYPE": FORM_TYPE})
    assert (response.status_code, far.invocations) == (status, [])


def test_chunked_body_whose_end_the_server_knows(make_flask: MakeFlask, far: LambdaServer) -> None:
    framing = {
        "HTTP_TRANSFER_ENCODING": "chunked",
        "wsgi.input_terminated": True,
        "wsgi.input": io.BytesIO(FORM),
        "CONTENT_TYPE": FORM_TYPE,
    }
    client = app_of(make_flask, "form").test_client()
    assert client.post("/route", environ_overrides=framing).status_code == 200
    assert events(far)[0]["request_body"] == FORM.decode()


def test_body_over_every_limit_is_rejected_before_it_is_read(
    make_flask: MakeFlask, far: LambdaServer
) -> None:
    class Unread(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise AssertionError

    app = app_of(make_flask, "nothing", max_payload_size=100)
    framing = {"CONTENT_LENGTH": "101", "CONTENT_TYPE": "text/plain", "wsgi.input": Unread()}
    response = app.test_client().post("/route", environ_overrides=framing)
    assert (response.status_code, far.invocations) == (413, [])


def test_413_arrives_although_the_body_was_not_read(
    make_flask: MakeFlask, far: LambdaServer
) -> None:
    with serving(app_of(make_flask, "nothing")) as web:
        response = web.send("POST", "/route", [("Content-Type", "text/plain")], b"x" * 20_000_000)
    assert (response.status, far.invocations) == (413, [])


def test_body_over_the_functions_limit(make_flask: MakeFlask, far: LambdaServer) -> None:
    app, _ = make_flask(
        {"/small": {"function_name": "f", "max_payload_size": 100}, "/large": "g"}, **RAW
    )
    client = app.test_client()
    assert client.post("/small", data=b"x" * 200).status_code == 413
    assert client.post("/large", data=b"x" * 200).status_code == 200
    assert len(far.invocations) == 1


@pytest.mark.parametrize("path", ["/route", "/view", "/own"])
@pytest.mark.parametrize("place", ["configuration", "request class"])
def test_limit_of_flask_is_a_413_of_the_apps_own(
    make_flask: MakeFlask, far: LambdaServer, path: str, place: str
) -> None:
    app = app_of(make_flask, "nothing")
    if place == "configuration":
        app.config["MAX_CONTENT_LENGTH"] = 10
    else:
        app.request_class = type("Limited", (Request,), {"max_content_length": 10})
    app.register_error_handler(413, lambda error: ("the app's own", 413))
    client = app.test_client()
    response = client.post(path, data=FORM, content_type=FORM_TYPE)
    assert (response.status_code, response.text) == (413, "the app's own")
    assert far.invocations == []
    assert client.post(path, data=b"a=1", content_type=FORM_TYPE).status_code == 200


INVALID_FRAMING = {
    "length": ({"CONTENT_LENGTH": "+3"}, 400),
    "coding": ({"CONTENT_LENGTH": "3", "HTTP_TRANSFER_ENCODING": "gzip"}, 400),
    "both": ({"CONTENT_LENGTH": "3", "HTTP_TRANSFER_ENCODING": "chunked"}, 400),
}


@pytest.mark.parametrize("before", ["form", "get_data"])
@pytest.mark.parametrize(("framing", "status"), INVALID_FRAMING.values(), ids=INVALID_FRAMING)
def test_framing_is_checked_although_flask_has_read_the_body(
    make_flask: MakeFlask, far: LambdaServer, before: str, framing: dict[str, str], status: int
) -> None:
    client = app_of(make_flask, before).test_client()
    given = {**framing, "wsgi.input": io.BytesIO(b"a=1"), "CONTENT_TYPE": "text/plain"}
    response = client.post("/own", environ_overrides=given)
    assert (response.status_code, far.invocations) == (status, [])


class Broken(io.BytesIO):
    """A chunked body with an invalid chunk after three bytes."""

    def read(self, size: int | None = -1) -> bytes:
        if self.tell():
            raise OSError("an invalid chunk")
        return super().read(3)


TWICE = {
    "broken": (Broken, {}, None),
    "over-the-functions-limit": (io.BytesIO, {"max_payload_size": 1}, None),
    "over-flasks-limit": (io.BytesIO, {}, 5),
}


@pytest.mark.parametrize("before", ["nothing", "stream"])
@pytest.mark.parametrize(("kind", "options", "most"), TWICE.values(), ids=TWICE)
def test_second_call_does_not_take_the_rest_of_a_body_for_the_whole(
    make_flask: MakeFlask,
    far: LambdaServer,
    before: str,
    kind: type[io.BytesIO],
    options: dict[str, Any],
    most: int | None,
) -> None:
    app, functions = make_flask({}, {"pay": RAW}, **options)
    app.config["MAX_CONTENT_LENGTH"] = most

    @app.post("/twice")
    def twice() -> Any:
        if before == "stream":
            request.stream.read(3)
        with suppress(Exception):
            functions["pay"].respond()
        return functions["pay"].respond()

    given = {**CHUNKED, "wsgi.input": kind(b"a" * 80_000), "CONTENT_TYPE": "text/plain"}
    response = app.test_client().post("/twice", environ_overrides=given)
    assert response.status_code >= 400
    assert far.invocations == []


PART = b'--b\r\nContent-Disposition: form-data; name="amount"'


@pytest.mark.parametrize("path", ["/route", "/view", "/own"])
@pytest.mark.parametrize("before", ["nothing", "form"])
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"amount=9&x=\xff", FORM_TYPE),
        (PART + b"\r\nX: \xff\r\n\r\n9\r\n--b--\r\n", MULTIPART_TYPE),
    ],
    ids=["form", "multipart"],
)
def test_authorize_never_sees_an_empty_form_in_flasks_own_request(
    make_flask: MakeFlask, far: LambdaServer, path: str, before: str, body: bytes, kind: str
) -> None:
    def authorize(_: object) -> Response | None:
        return None if int(request.form.get("amount", "0")) < 5 else Response("too much", 403)

    app, functions = make_flask({"/route": "f"}, {"pay": {}}, authorize=authorize)
    app.add_url_rule("/view", view_func=functions.view("pay"))
    if before == "form" and path != "/own":  # there it is a 500: the body is gone
        app.before_request(lambda: (request.form, None)[1])
    app.add_url_rule("/own", view_func=lambda: functions["pay"].respond(), methods=["POST"])
    response = app.test_client().post(path, data=body, content_type=kind)
    assert (response.status_code, far.invocations) == (400, [])
    allowed = app.test_client().post(path, data=b"amount=4", content_type=FORM_TYPE)
    assert (allowed.status_code, events(far)) == (200, [{"amount": "4"}])


def test_form_that_cannot_be_parsed_is_empty_without_authorize(
    make_flask: MakeFlask, far: LambdaServer
) -> None:
    response = (
        app_of(make_flask, "form")
        .test_client()
        .post("/route", data=b"amount=9&x=\xff", content_type=FORM_TYPE)
    )
    assert (response.status_code, len(far.invocations)) == (200, 1)


def test_parser_of_the_apps_own_request_class_stays(
    make_flask: MakeFlask, far: LambdaServer
) -> None:
    class Parser(FormDataParser):
        """Reads everything as one field."""

        def parse(self, stream: Any, *_: object, **__: object) -> Any:
            return stream, ImmutableMultiDict({"all": stream.read().decode()}), MultiDict()

    app, _ = make_flask({"/route": "f"}, authorize=lambda _: Response(request.form["all"], 403))
    app.request_class = type("Own", (Request,), {"form_data_parser_class": Parser})
    response = app.test_client().post("/route", data=b"a=1", content_type=FORM_TYPE)
    assert (response.status_code, response.text) == (403, "a=1")
