"""The body of a request in a Django project: complete or not at all, whoever has read it before."""

from __future__ import annotations

import asyncio
import io
from contextlib import suppress
from typing import Any

import pytest

from tests.inapp.conftest import MakeDjango, events
from tests.servers.lambda_server import LambdaServer
from tests.servers.web_server import serving
from wsgi_lambda.errors import BodyGone

RAW = {"forward_request_body": True, "base64_encode_body": False}
FORM = b"a=1&b=2&a=3"
MULTIPART = (
    b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
    b'--b\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\nfile\r\n--b--\r\n'
)
BODIES = [
    (FORM, "application/x-www-form-urlencoded"),
    (MULTIPART, "multipart/form-data; boundary=b"),
    (b'{"a": 1}', "application/json"),
]
READ_BEFORE = {
    "nothing": lambda request: None,
    "body": lambda request: request.body,
    "post": lambda request: request.POST,
    "files": lambda request: request.FILES,
}
OURS = "wsgi_lambda.django.middleware.LambdaFunctionsMiddleware"


def reading(name: str) -> str:
    """Return the import path of a middleware that reads the body in its process_view."""
    return f"tests.inapp.test_django_bodies.reads_{name}"


def _make(name: str) -> Any:
    class Middleware:
        def __init__(self, get_response: Any) -> None:
            self.get_response = get_response

        def __call__(self, request: Any) -> Any:
            return self.get_response(request)

        def process_view(self, request: Any, *_: Any) -> None:
            READ_BEFORE[name](request)

    return Middleware


reads_nothing, reads_body, reads_post, reads_files = map(_make, READ_BEFORE)


def reads_early(get_response: Any) -> Any:
    """Read a form before its view is known, as `process_request` does."""

    def respond(request: Any) -> Any:
        request.POST.get("_method")
        return get_response(request)

    return respond


def own_urls() -> Any:
    from django.urls import path

    from wsgi_lambda.django import LambdaView, functions, keep_body, lambda_view

    def own(request: Any) -> Any:
        return functions["pay"].respond(request)

    @keep_body
    def kept(request: Any) -> Any:
        return functions["pay"].respond(request)

    return [
        path("view/", lambda_view("pay")),
        path("class/", LambdaView.as_view(function="pay")),
        path("own/", own),
        path("kept/", kept),
    ]


def project(make_django: MakeDjango, *middleware: str, **settings: Any) -> Any:
    options = {**RAW, **settings.pop("options", {})}
    return make_django(
        {"/route": "f"},
        {"pay": {}},
        urls=own_urls,
        options=options,
        MIDDLEWARE=list(middleware),
        **settings,
    ).client


def post(client: Any, path: str, body: bytes, kind: str, **environ: Any) -> Any:
    return client.generic("POST", path, body, content_type=kind, **environ)


@pytest.mark.parametrize("path", ["/route", "/view/", "/class/", "/kept/"])
@pytest.mark.parametrize("before", READ_BEFORE)
@pytest.mark.parametrize(("body", "kind"), BODIES)
def test_body_is_complete_whatever_has_read_it_before(
    make_django: MakeDjango, far: LambdaServer, path: str, before: str, body: bytes, kind: str
) -> None:
    client = project(make_django, OURS, reading(before))
    assert post(client, path, body, kind).status_code == 200
    assert events(far)[0]["request_body"] == body.decode()


@pytest.mark.parametrize("before", ["nothing", "body"])
@pytest.mark.parametrize(("body", "kind"), BODIES)
def test_view_without_the_mark_may_read_the_body(
    make_django: MakeDjango, far: LambdaServer, before: str, body: bytes, kind: str
) -> None:
    client = project(make_django, OURS, reading(before))
    assert post(client, "/own/", body, kind).status_code == 200
    assert events(far)[0]["request_body"] == body.decode()


@pytest.mark.parametrize(
    ("path", "order"),
    [
        ("/own/", [OURS, reading("post")]),
        ("/route", [reading("post"), OURS]),
        ("/kept/", [reading("files")]),
        ("/route", [OURS, reading("early")]),
    ],
    ids=["without-the-mark", "wrong-order", "without-the-middleware", "before-process_view"],
)
def test_parsed_form_is_a_500_that_names_the_remedy(
    make_django: MakeDjango,
    far: LambdaServer,
    caplog: pytest.LogCaptureFixture,
    path: str,
    order: list[str],
) -> None:
    client = project(make_django, *order)
    response = post(client, path, *BODIES[1])
    assert (response.status_code, far.invocations) == (500, [])
    assert "keep_body" in caplog.text
    assert "LambdaFunctionsMiddleware" in caplog.text
    assert "process_view" in caplog.text


def test_project_reads_the_body_after_the_function(
    make_django: MakeDjango, far: LambdaServer
) -> None:
    from django.urls import path

    from wsgi_lambda.django import functions

    seen: list[Any] = []

    def view(request: Any) -> Any:
        response = functions["pay"].respond(request)
        seen.append((request.body, request.POST.getlist("a")))
        return response

    client = make_django({}, {"pay": RAW}, urls=lambda: [path("own/", view)], MIDDLEWARE=[]).client
    post(client, "/own/", *BODIES[0])
    assert seen == [(FORM, ["1", "3"])]


FRAMING: dict[str, tuple[dict[str, Any], int]] = {
    "short": ({"CONTENT_LENGTH": "50"}, 400),
    "chunked": ({"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}, 411),
    "both": ({"HTTP_TRANSFER_ENCODING": "chunked"}, 400),
    "no-number": ({"CONTENT_LENGTH": "+3"}, 400),
}


@pytest.mark.parametrize("path", ["/route", "/view/", "/own/"])
@pytest.mark.parametrize("case", FRAMING)
def test_invalid_framing(make_django: MakeDjango, far: LambdaServer, path: str, case: str) -> None:
    framing, status = FRAMING[case]
    client = project(make_django, OURS, reading("nothing"))
    kind = "text/plain"
    response = post(client, path, b"a=1", kind, **framing, **{"wsgi.input": io.BytesIO(b"a=1")})
    assert (response.status_code, far.invocations) == (status, [])


@pytest.mark.parametrize("before", READ_BEFORE)
@pytest.mark.parametrize("path", ["/route", "/own/"])
@pytest.mark.parametrize(("body", "kind"), BODIES)
def test_chunked_body_whose_end_the_server_knows(
    make_django: MakeDjango, far: LambdaServer, path: str, before: str, body: bytes, kind: str
) -> None:
    """Django takes it for empty and reads nothing, so it is complete without the mark, too."""
    client = project(make_django, OURS, reading(before))
    framing = {
        "HTTP_TRANSFER_ENCODING": "chunked",
        "CONTENT_LENGTH": "",
        "wsgi.input": io.BytesIO(body),
        "wsgi.input_terminated": True,
    }
    assert post(client, path, b"", kind, **framing).status_code == 200
    assert events(far)[0]["request_body"] == body.decode()


@pytest.mark.parametrize(
    ("length", "coding", "status"), [("", "chunked", 411), ("", "gzip", 400), ("+3", "", 400)]
)
def test_framing_is_checked_although_django_has_read_the_body(
    make_django: MakeDjango, far: LambdaServer, length: str, coding: str, status: int
) -> None:
    client = project(make_django, OURS, reading("body"))
    framing = {"HTTP_TRANSFER_ENCODING": coding, "CONTENT_LENGTH": length}
    response = post(client, "/own/", b"a=1", "text/plain", **framing)
    assert (response.status_code, far.invocations) == (status, [])


def test_body_over_every_limit_is_rejected_before_it_is_read(
    make_django: MakeDjango, far: LambdaServer
) -> None:
    class Unread(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise AssertionError

    client = project(make_django, OURS, options={"max_payload_size": 100})
    framing = {"CONTENT_LENGTH": "101", "wsgi.input": Unread()}
    response = post(client, "/route", b"", "text/plain", **framing)
    assert (response.status_code, far.invocations) == (413, [])


def test_413_arrives_although_the_body_was_not_read(
    make_django: MakeDjango, far: LambdaServer
) -> None:
    from django.core.handlers.wsgi import WSGIHandler

    project(make_django, OURS, ALLOWED_HOSTS=["*"], DATA_UPLOAD_MAX_MEMORY_SIZE=None)
    with serving(WSGIHandler()) as web:
        response = web.send("POST", "/route", [("Content-Type", "text/plain")], b"x" * 20_000_000)
    assert (response.status, far.invocations) == (413, [])


def test_body_over_the_functions_limit(make_django: MakeDjango, far: LambdaServer) -> None:
    small = {"function_name": "f", "max_payload_size": 100}
    client = make_django({"/small": small, "/large": "g"}, options=RAW, MIDDLEWARE=[OURS]).client
    assert post(client, "/small", b"x" * 200, "text/plain").status_code == 413
    assert post(client, "/large", b"x" * 200, "text/plain").status_code == 200
    assert len(far.invocations) == 1


def upload(field: int, file: int) -> bytes:
    return (
        b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"x" * field + b"\r\n"
        b'--b\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\n'
        + b"y" * file
        + b"\r\n--b--\r\n"
    )


@pytest.mark.parametrize("path", ["/route", "/view/", "/own/"])
@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"x" * 1000, "text/plain", 200),
        (b"x" * 1001, "text/plain", 400),
        (b"a=" + b"x" * 1000, BODIES[0][1], 400),
        (upload(10, 5000), BODIES[1][1], 200),
        (upload(5000, 10), BODIES[1][1], 400),
    ],
    ids=["fits", "text", "form", "file", "field"],
)
def test_limit_of_django(
    make_django: MakeDjango, far: LambdaServer, path: str, body: bytes, kind: str, status: int
) -> None:
    client = project(make_django, OURS, DATA_UPLOAD_MAX_MEMORY_SIZE=1000)
    response = post(client, path, body, kind)
    assert (response.status_code, len(far.invocations)) == (status, int(status == 200))


def test_no_limit_of_django(make_django: MakeDjango, far: LambdaServer) -> None:
    client = project(make_django, OURS, DATA_UPLOAD_MAX_MEMORY_SIZE=None)
    assert post(client, "/route", b"x" * 3_000_000, "text/plain").status_code == 200


def test_framing_of_a_body_that_django_has_read(make_django: MakeDjango, far: LambdaServer) -> None:
    client = project(make_django, OURS, reading("post"))
    for path in ("/own/", "/route"):
        response = post(client, path, b"a=1", BODIES[0][1], HTTP_TRANSFER_ENCODING="gzip")
        assert (response.status_code, far.invocations) == (400, [])


class Broken(io.BytesIO):
    """A chunked body with an invalid chunk after three bytes."""

    def read(self, size: int | None = -1) -> bytes:
        if self.tell():
            raise OSError("an invalid chunk")
        return super().read(3)


@pytest.mark.parametrize("length", ["", "90000"], ids=["chunked", "length"])
@pytest.mark.parametrize(
    ("kind", "options", "most", "status"),
    [
        (Broken, {}, None, 400),
        (io.BytesIO, {"max_payload_size": 1}, None, 413),
        (io.BytesIO, {}, 5, 400),
    ],
    ids=["broken", "over-the-functions-limit", "over-djangos-limit"],
)
def test_second_call_does_not_take_the_rest_of_a_body_for_the_whole(
    make_django: MakeDjango,
    far: LambdaServer,
    kind: type[io.BytesIO],
    options: dict[str, Any],
    most: int | None,
    status: int,
    length: str,
) -> None:
    from django.urls import path

    from wsgi_lambda.django import functions

    def twice(request: Any) -> Any:
        with suppress(Exception):
            functions["pay"].respond(request)
        return functions["pay"].respond(request)

    client = make_django(
        {},
        {"pay": RAW},
        urls=[path("twice/", twice)],
        options=options,
        MIDDLEWARE=[OURS],
        DATA_UPLOAD_MAX_MEMORY_SIZE=most,
    ).client
    framing = {"HTTP_TRANSFER_ENCODING": "" if length else "chunked", "CONTENT_LENGTH": length}
    body = {"wsgi.input": kind(b"a" * 80_000), "wsgi.input_terminated": True}
    response = post(client, "/twice/", b"", "text/plain", **framing, **body)
    assert (response.status_code, far.invocations) == (status, [])


def test_form_that_is_gone_is_logged_once_even_if_the_view_catches_it(
    make_django: MakeDjango, far: LambdaServer, caplog: pytest.LogCaptureFixture
) -> None:
    from django.http import HttpResponse
    from django.urls import path

    from wsgi_lambda.django import functions

    def own(request: Any) -> HttpResponse:
        for _ in range(2):
            with pytest.raises(BodyGone):
                functions["pay"].respond(request)
        return HttpResponse("caught")

    urls = [path("own/", own)]
    client = make_django({}, {"pay": {}}, urls=urls, MIDDLEWARE=[OURS, reading("post")]).client
    assert post(client, "/own/", *BODIES[1]).content == b"caught"
    assert [record.levelname for record in caplog.records if "keep_body" in record.message] == [
        "ERROR"
    ]


def test_body_that_an_asgi_view_has_read(make_django: MakeDjango, far: LambdaServer) -> None:
    from django.test import AsyncClient

    project(make_django, OURS, reading("body"))

    async def run() -> Any:
        return await AsyncClient().post("/own/", data=FORM, content_type=BODIES[0][1])

    assert asyncio.run(run()).status_code == 200
    assert events(far)[0]["request_body"] == FORM.decode()
