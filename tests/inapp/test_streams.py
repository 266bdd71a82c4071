"""Streams of functions in a Flask app and in a Django project."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask_caching import Cache
from werkzeug.test import Client

from tests.inapp.conftest import PROXY, MakeDjango, MakeFlask, result
from tests.servers import lambda_server as far_end
from tests.servers.event_stream import chunk, complete, hang, stream, with_head
from tests.servers.lambda_server import LambdaServer
from tests.servers.streamed import Streamed
from wsgi_lambda.errors import StreamCutOff

STREAM = {"invoke_mode": "RESPONSE_STREAM"}
ENDINGS = ["/f", "/view/", "/own/"]
App = Callable[..., Any]
TYPE = {"Content-Type": "text/plain"}


@pytest.fixture(params=["flask", "django"])
def make_app(
    request: pytest.FixtureRequest, make_flask: MakeFlask, make_django: MakeDjango
) -> Callable[..., App]:
    """Return a factory of WSGI apps with a route, a view, and a view of their own that stream."""

    def flask(**options: Any) -> App:
        app, functions = make_flask(
            {"/f": "f"}, {"pay": {"function_name": "f"}}, **{**STREAM, **options}
        )
        app.add_url_rule("/view/", view_func=functions.view("pay"))
        app.add_url_rule("/own/", view_func=lambda: functions["pay"].respond(), endpoint="own")
        return app

    def django(**options: Any) -> App:
        def urls() -> Any:
            from django.urls import path

            from wsgi_lambda.django import functions, lambda_view

            return [
                path("view/", lambda_view("pay")),
                path("own/", lambda request: functions["pay"].respond(request)),
            ]

        make_django(
            {"/f": "f"},
            {"pay": {"function_name": "f"}},
            urls=urls,
            options={**STREAM, **options},
            ALLOWED_HOSTS=["localhost"],
        )
        from django.core.handlers.wsgi import WSGIHandler

        return WSGIHandler()

    return flask if request.param == "flask" else django


def is_closed(server: LambdaServer) -> bool:
    return server.wait_until(lambda: server.open_connections() == 0)


@pytest.mark.parametrize("path", ENDINGS)
def test_chunks_arrive_as_the_function_sends_them(
    make_app: Any, far: LambdaServer, path: str
) -> None:
    more = threading.Event()
    head = with_head({"statusCode": 201, "headers": TYPE, "cookies": ["a=1; Priority=High"]})
    far.script(stream(chunk(head + b"one"), more, chunk(b"two"), complete()))
    with Streamed(make_app(), path) as response:
        assert (response.status, response.header("content-type")) == (201, "text/plain")
        assert response.header("set-cookie") == "a=1; Priority=High"
        assert response.header("content-length") is None
        assert response.header("etag") is None
        # The empty chunk makes servers send the head.
        assert (next(response), next(response)) == (b"", b"one")
        more.set()
        assert response.rest() == b"two"


@pytest.mark.parametrize("is_begun", [True, False])
def test_close_reaches_the_stream(make_app: Any, far: LambdaServer, is_begun: bool) -> None:
    far.script(stream(chunk(b"one"), hang))
    response = Streamed(make_app())
    if is_begun:
        assert (next(response), next(response)) == (b"", b"one")
    response.close()
    assert is_closed(far)


@pytest.mark.parametrize("path", ENDINGS)
def test_head_has_no_body_and_no_length(make_app: Any, far: LambdaServer, path: str) -> None:
    far.script(stream(chunk(b"one"), hang))
    with Streamed(make_app(), path, method="HEAD") as response:
        assert (response.status, response.rest()) == (200, b"")
        assert response.header("content-length") is None
        assert is_closed(far)


@pytest.mark.parametrize(("status", "length"), [(204, None), (205, "0"), (304, None)])
def test_status_without_a_body(
    make_app: Any, far: LambdaServer, status: int, length: str | None
) -> None:
    far.script(stream(chunk(with_head({"statusCode": status})), hang))
    with Streamed(make_app()) as response:
        assert (response.status, response.rest()) == (status, b"")
        assert response.header("content-length") == length
        assert is_closed(far)


@pytest.mark.parametrize("path", ENDINGS)
def test_failure_before_the_head_is_the_json(make_app: Any, far: LambdaServer, path: str) -> None:
    far.script(stream(complete(code="KeyError")))
    with Streamed(make_app(), path) as response:
        assert response.status == 502
        assert b'"message": "The function failed"' in response.rest()


def test_failure_after_the_head_truncates_the_response(make_app: Any, far: LambdaServer) -> None:
    far.script(stream(chunk(b"one"), complete(code="KeyError")))
    with Streamed(make_app()) as response:
        assert (next(response), next(response)) == (b"", b"one")
        with pytest.raises(StreamCutOff):
            response.rest()


def test_replaced_response_ends_the_stream(make_flask: MakeFlask, far: LambdaServer) -> None:
    app, _ = make_flask({"/f": "f"}, **STREAM)
    app.after_request(lambda response: Flask.response_class("replaced"))
    far.script(stream(chunk(b"one"), hang))
    with Streamed(app) as response:
        assert response.rest() == b"replaced"
    del response
    gc.collect()
    assert is_closed(far)


def test_invoke_of_a_streaming_function_is_buffered(
    make_flask: MakeFlask, far: LambdaServer
) -> None:
    app, functions = make_flask({}, {"pay": STREAM})
    with app.app_context():
        assert functions["pay"].invoke({"a": 1}).json == {"a": 1}
    assert far.invocations[0].path.endswith("/invocations")


@pytest.mark.parametrize(
    ("options", "is_logged"),
    [({}, True), ({"response_filter": lambda response: not response.is_streamed}, False)],
    ids=["default", "filter"],
)
def test_flask_caching_keeps_no_stream(
    make_flask: MakeFlask,
    far: LambdaServer,
    caplog: pytest.LogCaptureFixture,
    options: dict[str, Any],
    is_logged: bool,
) -> None:
    app = Flask("shop")
    cache = Cache(app, config={"CACHE_TYPE": "SimpleCache"})
    _, functions = make_flask({}, {"chat": STREAM}, app=app)
    view = cache.cached(60, **options)(functions.view("chat"))
    app.add_url_rule("/chat", view_func=view, methods=["GET"])
    far.script(*[stream(chunk(b"one"), complete())] * 2)
    client = app.test_client()
    assert [client.get("/chat").data for _ in range(2)] == [b"one", b"one"]
    assert len(far.invocations) == 2
    assert any(record.name == "flask_caching" for record in caplog.records) == is_logged


def test_cache_page_keeps_no_stream(make_django: MakeDjango, far: LambdaServer) -> None:
    from django.core.cache import cache
    from django.urls import path
    from django.views.decorators.cache import cache_page

    from wsgi_lambda.django import lambda_view

    cache.clear()
    far.script(*[stream(chunk(b"one"), complete())] * 2)
    urls = [path("chat/", cache_page(60)(lambda_view("chat")))]
    client = make_django({}, {"chat": STREAM}, urls=urls).client
    assert [client.get("/chat/").getvalue() for _ in range(2)] == [b"one", b"one"]
    assert len(far.invocations) == 2


def test_content_encoding_of_the_function_keeps_gzip_off(
    make_django: MakeDjango, far: LambdaServer
) -> None:
    head = with_head({"headers": {**TYPE, "Content-Encoding": "identity"}})
    far.script(stream(chunk(head + b"x" * 500), complete()))
    gzip = ["django.middleware.gzip.GZipMiddleware"]
    client = make_django({"/f": {"function_name": "f", **STREAM}}, MIDDLEWARE=gzip).client
    response = client.get("/f", headers={"Accept-Encoding": "gzip"})
    assert (response["Content-Encoding"], response.getvalue()) == ("identity", b"x" * 500)


def _head_and_body_of_wsgi(method: str) -> tuple[int, bytes]:
    from django.core.handlers.wsgi import WSGIHandler

    client = Client(WSGIHandler())
    response = client.open("/f", method=method, headers={"Accept-Encoding": "gzip"})
    return response.status_code, response.data


def _head_and_body_of_asgi(method: str) -> tuple[int, bytes]:
    from asgiref.testing import ApplicationCommunicator
    from django.core.handlers.asgi import ASGIHandler

    headers = [(b"host", b"localhost"), (b"accept-encoding", b"gzip")]
    scope = {"type": "http", "method": method, "path": "/f", "query_string": b""}

    async def run() -> tuple[int, bytes]:
        server = ApplicationCommunicator(ASGIHandler(), {**scope, "headers": headers})
        await server.send_input({"type": "http.request"})
        head, body = await server.receive_output(5), b""
        message: dict[str, Any] = {"more_body": True}
        while message.get("more_body"):
            message = await server.receive_output(5)
            body += message.get("body", b"")
        await server.wait()
        return head["status"], body

    return asyncio.run(run())


@pytest.mark.parametrize("visit", [_head_and_body_of_wsgi, _head_and_body_of_asgi])
@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_gzip_adds_no_body(
    make_django: MakeDjango, far: LambdaServer, visit: Any, method: str, status: int
) -> None:
    """Some servers send every byte that they get, even after the head of a 204."""
    far.script(stream(chunk(with_head({"statusCode": status})), complete()))
    gzip = ["django.middleware.gzip.GZipMiddleware"]
    make_django({"/f": {"function_name": "f", **STREAM}}, MIDDLEWARE=gzip, ALLOWED_HOSTS=["*"])
    assert visit(method) == (status, b"")


@pytest.mark.parametrize(
    ("mode", "method", "status", "coding"),
    [
        (STREAM, "HEAD", 200, "gzip"),  # as for GET
        (STREAM, "GET", 204, None),
        (STREAM, "GET", 304, None),
        (PROXY, "GET", 204, None),
        (PROXY, "GET", 304, None),
    ],
)
def test_gzip_marks_no_response_that_has_no_body(
    make_django: MakeDjango,
    far: LambdaServer,
    mode: dict[str, Any],
    method: str,
    status: int,
    coding: str | None,
) -> None:
    head = {"statusCode": status}
    far.script(result(status) if mode is PROXY else stream(chunk(with_head(head)), complete()))
    gzip = ["django.middleware.gzip.GZipMiddleware"]
    client = make_django({"/f": {"function_name": "f", **mode}}, MIDDLEWARE=gzip).client
    response = client.generic(method, "/f", headers={"Accept-Encoding": "gzip"})
    assert (response.status_code, response.get("Content-Encoding")) == (status, coding)


# ASGI


def test_asgi_reads_each_chunk_in_a_thread(make_django: MakeDjango, far: LambdaServer) -> None:
    from django.test import AsyncClient

    more = threading.Event()
    far.script(stream(chunk(b"one"), more, chunk(b"two"), complete()))
    make_django({"/f": {"function_name": "f", **STREAM}})

    async def run() -> list[bytes]:
        response = await AsyncClient().get("/f")
        assert response.streaming
        chunks = []
        async for data in response.streaming_content:
            chunks.append(data)
            # The event loop goes on while the function is silent.
            more.set() if chunks == [b"", b"one"] else None
        response.close()
        return chunks

    assert asyncio.run(run()) == [b"", b"one", b"two"]


def test_asgi_closes_a_stream_that_is_being_read(
    make_django: MakeDjango, far: LambdaServer
) -> None:
    from django.test import AsyncClient

    far.script(stream(chunk(b"one"), hang))
    make_django({"/f": {"function_name": "f", **STREAM}})

    async def run() -> None:
        response = await AsyncClient().get("/f")
        content = aiter(response.streaming_content)
        assert [await anext(content) for _ in range(2)] == [b"", b"one"]
        reading = asyncio.ensure_future(anext(content))
        await asyncio.sleep(0.05)
        reading.cancel()
        await asyncio.to_thread(response.close)

    asyncio.run(run())
    assert is_closed(far)


def test_body_without_a_close() -> None:
    from wsgi_lambda.django.streams import ThreadedBody

    async def run() -> list[bytes]:
        body = ThreadedBody([b"a", b"b"])
        found = [data async for data in body]
        body.close()
        return found

    assert asyncio.run(run()) == [b"a", b"b"]


def test_other_failure_does_not_stream(make_app: Any, far: LambdaServer) -> None:
    far.script(far_end.respond(429))
    with Streamed(make_app()) as response:
        assert (response.status, response.header("retry-after")) == (429, "1")
        assert response.header("content-length") is not None
