"""Records of functions in an app: what an access log shows of them."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from tests.inapp.conftest import PROXY, MakeDjango, MakeFlask, function_error, result
from tests.servers import lambda_server as far_end
from tests.servers.event_stream import chunk, complete, stream
from tests.servers.lambda_server import LambdaServer

STREAM = {"invoke_mode": "RESPONSE_STREAM"}


@pytest.fixture(params=["flask", "django"])
def client(request: pytest.FixtureRequest, make_flask: MakeFlask, make_django: MakeDjango) -> Any:
    """Return the client of an app with a route, a view, and views that use functions."""
    routes: dict[str, Any] = {"/f/{id}": "f", "/chat": {"function_name": "chat", **STREAM}}
    named: dict[str, Any] = {"pay": PROXY, "other": {}}
    if request.param == "flask":
        app, functions = make_flask(routes, named)
        app.add_url_rule("/view/", view_func=functions.view("pay"))
        app.add_url_rule(
            "/invoke/", view_func=lambda: functions["other"].invoke().json, endpoint="i"
        )

        @app.route("/two/")
        def two() -> Any:
            functions["other"].invoke()
            return functions["pay"].respond()

        app.register_error_handler(429, lambda error: ("the app's page", 503))
        return app.test_client()

    def urls() -> Any:
        from django.http import JsonResponse
        from django.urls import path

        from wsgi_lambda.django import functions, lambda_view

        def two(request: Any) -> Any:
            functions["other"].invoke()
            return functions["pay"].respond(request)

        return [
            path("view/", lambda_view("pay")),
            path("invoke/", lambda request: JsonResponse(functions["other"].invoke().json)),
            path("two/", two),
        ]

    return make_django(routes, named, urls=urls).client


@pytest.fixture
def records(caplog: pytest.LogCaptureFixture) -> Any:
    """Return a function that returns route, method, path, status and outcome of each record."""
    caplog.set_level(logging.INFO, logger="wsgi_lambda.access")

    def read() -> list[tuple[Any, ...]]:
        names = ("route", "method", "path", "status", "outcome")
        return [
            tuple(getattr(record, name) for name in names)
            for record in caplog.records
            if record.name == "wsgi_lambda.access"
        ]

    return read


def test_configured_route(client: Any, records: Any) -> None:
    client.get("/f/7?a=1")
    assert records() == [("/f/{id}", "GET", "/f/7", 200, "ok")]


def test_view(client: Any, far: LambdaServer, records: Any) -> None:
    far.script(result(201))
    client.get("/view/")
    assert records() == [("pay", "GET", "/view/", 201, "ok")]


def test_two_functions_in_one_view_are_two_records(
    client: Any, far: LambdaServer, records: Any
) -> None:
    far.script(far_end.echo(), result(200))
    client.get("/two/")
    assert records() == [("other", "", "", 200, "ok"), ("pay", "GET", "/two/", 200, "ok")]


def test_failure_has_the_status_of_its_own_response(
    client: Any, far: LambdaServer, records: Any
) -> None:
    far.script(far_end.respond(429), far_end.respond(429), function_error())
    client.get("/f/7")
    client.get("/invoke/")
    client.get("/view/")
    assert records() == [
        ("/f/{id}", "GET", "/f/7", 429, "throttled"),
        ("other", "", "", 429, "throttled"),
        ("pay", "GET", "/view/", 502, "function_error"),
    ]


def test_stream_ends_its_record_with_its_iterator(
    client: Any, far: LambdaServer, records: Any
) -> None:
    far.script(stream(chunk(b"one"), complete()))
    response = client.get("/chat")
    body = response.iter_encoded() if hasattr(response, "iter_encoded") else response
    assert records() == []
    assert b"".join(body) == b"one"
    response.close()
    assert records() == [("/chat", "GET", "/chat", 200, "ok")]


def test_request_that_is_rejected_before_the_view_has_no_record(
    make_django: MakeDjango, records: Any
) -> None:
    assert make_django({"/f": "f"}).client.post("/f").status_code == 403
    assert records() == []


def test_request_whose_body_cannot_be_read_has_a_line_but_no_record(
    client: Any, far: LambdaServer, records: Any, caplog: pytest.LogCaptureFixture
) -> None:
    if hasattr(client, "application"):
        more = {"CONTENT_LENGTH": "50"}
        response = client.post("/f/7", data=b"short", environ_overrides=more)
    else:
        response = client.post("/f/7", b"short", "text/plain", CONTENT_LENGTH="50")
    assert (response.status_code, records(), far.invocations) == (400, [], [])
    (line,) = [each for each in caplog.records if each.name == "wsgi_lambda"]
    assert line.getMessage().startswith("RequestError: POST '/f/7' 400: The request's body ")
