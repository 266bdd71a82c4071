"""Responses and failures of functions in a Flask app."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from flask import Blueprint, Flask, request, session
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.wrappers import Response

from tests.inapp.conftest import PROXY, MakeFlask, function_error, result
from tests.servers import lambda_server as far_end
from tests.servers.lambda_server import LambdaServer
from wsgi_lambda.errors import FunctionError, LambdaError, ServiceError

THROTTLED = far_end.respond(429, {"X-Amzn-RequestId": "r-7", "Retry-After": "9"})
ENDINGS = ["/route", "/view", "/own"]


def app_of(make_flask: MakeFlask, **options: Any) -> Flask:
    """Return an app with a route, a view and a view of its own, all to the same function."""
    app, functions = make_flask({"/route": "f"}, {"pay": {"function_name": "f"}}, **options)
    app.add_url_rule("/view", view_func=functions.view("pay"))
    app.add_url_rule("/own", view_func=lambda: functions["pay"].respond(), endpoint="own")
    app.add_url_rule("/invoke", view_func=lambda: functions["pay"].invoke().json, endpoint="invoke")
    return app


@pytest.mark.parametrize("path", ENDINGS)
def test_headers_keep_their_lines_and_attributes(
    make_flask: MakeFlask, far: LambdaServer, path: str
) -> None:
    far.script(
        result(
            201,
            "made",
            multiValueHeaders={"X-Many": ["1", "2"], "Content-Type": ["text/plain"]},
            cookies=["a=1; Path=/; Unknown=yes", "session=mine"],
        )
    )
    app = app_of(make_flask, **PROXY)

    @app.before_request
    def log_in() -> None:
        session["user"] = "ada"

    response = app.test_client().get(path)
    assert (response.status_code, response.text) == (201, "made")
    assert response.headers.getlist("X-Many") == ["1", "2"]
    assert response.headers.getlist("Content-Type") == ["text/plain"]
    cookies = response.headers.getlist("Set-Cookie")
    assert cookies[:2] == ["a=1; Path=/; Unknown=yes", "session=mine"]
    # Of cookies with the same name, browsers keep the last one: the app's.
    assert cookies[2].startswith("session=ey")
    assert response.headers["Content-Length"] == "4"


@pytest.mark.parametrize(
    ("status", "length"), [(204, None), (205, "0"), (304, None)], ids=["204", "205", "304"]
)
def test_response_without_a_body(
    make_flask: MakeFlask, far: LambdaServer, status: int, length: str | None
) -> None:
    far.script(result(status, "body", headers={"Content-Type": "text/plain"}))
    response = app_of(make_flask, **PROXY).test_client().get("/route")
    assert (response.status_code, response.data) == (status, b"")
    assert response.headers.get("Content-Length") == length
    if status != 205:
        assert "Content-Type" not in response.headers


def test_no_content_type_is_added(make_flask: MakeFlask, far: LambdaServer) -> None:
    def authorize(request: Any) -> Response:
        refusal = Response("no", 401)
        del refusal.headers["Content-Type"]
        return refusal

    response = app_of(make_flask, authorize=authorize).test_client().get("/route")
    assert (response.status_code, response.headers.get("Content-Type")) == (401, None)


@pytest.mark.parametrize(
    ("step", "length"),
    [
        (result(200, "four"), "4"),
        (result(200, "", headers={"Content-Length": "9"}), "9"),
        (result(200, ""), "0"),
    ],
    ids=["body", "length-of-the-function", "nothing"],
)
@pytest.mark.parametrize("path", ENDINGS)
def test_head(make_flask: MakeFlask, far: LambdaServer, step: Any, length: str, path: str) -> None:
    far.script(step)
    response = app_of(make_flask, **PROXY).test_client().head(path)
    assert (response.data, response.headers.getlist("Content-Length")) == (b"", [length])


def test_hooks_see_an_ordinary_response(make_flask: MakeFlask, far: LambdaServer) -> None:
    far.script(result(200, "body"), result(200, "body"))
    app = app_of(make_flask, **PROXY)

    @app.after_request
    def change(response: Any) -> Any:
        response.set_data(response.get_data() + b"!")
        response.add_etag()
        return response.make_conditional(request)

    client = app.test_client()
    first = client.get("/route")
    assert (first.text, first.headers["Content-Length"]) == ("body!", "5")
    again = client.get("/route", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304


def test_hooks_see_the_body_of_head(make_flask: MakeFlask, far: LambdaServer) -> None:
    far.always(result(200, "body"))
    app = app_of(make_flask, **PROXY)

    @app.after_request
    def change(response: Any) -> Any:
        response.set_data(response.get_data() + b"!")
        response.add_etag()
        return response

    client = app.test_client()
    get, head = client.get("/route"), client.head("/route")
    assert (head.data, head.headers["Content-Length"]) == (b"", "5")
    assert head.headers["ETag"] == get.headers["ETag"]


def test_response_class_of_the_app(make_flask: MakeFlask, far: LambdaServer) -> None:
    class Own(Flask.response_class):  # type: ignore[misc]
        pass

    app = app_of(make_flask)
    app.response_class = Own
    assert isinstance(app.test_client().get("/route"), Own)


def test_reason_phrase_of_authorize(make_flask: MakeFlask, far: LambdaServer) -> None:
    app = app_of(make_flask, authorize=lambda request: Response("", "401 Log In"))
    assert app.test_client().get("/route").status == "401 Log In"


# Failures


def failing(make_flask: MakeFlask, far: LambdaServer, step: Any, **options: Any) -> Flask:
    far.script(*[step] * 4)
    return app_of(make_flask, **options)


@pytest.mark.parametrize("path", [*ENDINGS, "/invoke"])
@pytest.mark.parametrize("testing", [False, True])
def test_failure_is_the_json(
    make_flask: MakeFlask,
    far: LambdaServer,
    caplog: pytest.LogCaptureFixture,
    path: str,
    testing: bool,
) -> None:
    app = failing(make_flask, far, THROTTLED)
    app.testing = testing
    response = app.test_client().get(path)
    assert (response.status_code, response.headers["Retry-After"]) == (429, "9")
    assert response.json == {
        "message": "Too many requests for the function",
        "request_id": "r-7",
    }
    assert response.headers["X-Amzn-RequestId"] == "r-7"
    assert ("X-Amzn-Trace-Id" in response.headers) == (path != "/invoke")
    (record,) = [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert "r-7" in record.message


@pytest.mark.parametrize("kind", [429, HTTPException, Exception])
@pytest.mark.parametrize("path", [*ENDINGS, "/invoke"])
def test_page_of_the_app_for_the_status(
    make_flask: MakeFlask, far: LambdaServer, path: str, kind: Any
) -> None:
    seen: list[Any] = []

    def page(error: Any) -> Any:
        seen.append((error.code, error.__cause__))
        return "Sorry", 503, {"Retry-After": "60"}

    app = failing(make_flask, far, THROTTLED)
    app.register_error_handler(kind, page)
    response = app.test_client().get(path)
    assert (response.status_code, response.text) == (503, "Sorry")
    assert response.headers["X-Amzn-RequestId"] == "r-7"
    assert response.headers.getlist("Retry-After") == ["60"]
    ((code, cause),) = seen
    assert (code, type(cause)) == (429, ServiceError)


def test_page_for_a_500_gets_the_original_exception(
    make_flask: MakeFlask, far: LambdaServer
) -> None:
    seen: list[Any] = []

    def page(error: InternalServerError) -> Any:
        seen.append((error.original_exception, error.__cause__))
        return "Sorry", 500

    app = app_of(make_flask, authorize=lambda request: 1 / 0)
    app.register_error_handler(500, page)
    assert app.test_client().get("/route").text == "Sorry"
    ((original, cause),) = seen
    assert original is cause
    assert original.status == 500


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", [LambdaError, FunctionError])
def test_handler_of_the_app_for_the_error_wins(
    make_flask: MakeFlask, far: LambdaServer, when: str, kind: type[LambdaError]
) -> None:
    app = Flask("shop")

    def register() -> None:
        app.register_error_handler(kind, lambda error: (f"own {error.status}", 418))
        app.register_error_handler(502, lambda error: ("for the status", 502))

    far.script(function_error())
    if when == "before":
        register()
    make_flask({"/route": "f"}, app=app, **PROXY)
    if when == "after":
        register()
    response = app.test_client().get("/route")
    assert (response.status_code, response.text) == (418, "own 502")


HANDLERS = {
    "status of the blueprint": ["blueprint 502", "app 502"],
    "blueprint's own error": ["blueprint error", "app 502"],
    "any exception of the app": ["exception"],
    "any exception of the blueprint": ["blueprint exception", "app 502"],
}


@pytest.mark.parametrize("registered", HANDLERS.values(), ids=HANDLERS)
@pytest.mark.parametrize("order", [1, -1])
def test_handlers_of_blueprints_and_of_any_exception(
    make_flask: MakeFlask, far: LambdaServer, registered: list[str], order: int
) -> None:
    """As Flask chooses: those of the blueprint first; for a status, then for the exception."""
    app, functions = make_flask({}, {"pay": {}}, **PROXY)
    blueprint = Blueprint("shop", "shop")
    kinds: dict[str, tuple[Any, Any]] = {
        "blueprint 502": (blueprint, 502),
        "blueprint error": (blueprint, LambdaError),
        "blueprint exception": (blueprint, Exception),
        "app 502": (app, 502),
        "exception": (app, Exception),
    }
    for name in registered[::order]:
        place, kind = kinds[name]
        place.register_error_handler(kind, lambda error, name=name: (name, 418))
    blueprint.add_url_rule("/pay", view_func=functions.view("pay"))
    app.register_blueprint(blueprint)
    far.script(function_error())
    assert app.test_client().get("/pay").text == registered[0]


@pytest.mark.parametrize("path", ENDINGS)
def test_response_of_on_error_replaces_json_and_page(
    make_flask: MakeFlask, far: LambdaServer, path: str
) -> None:
    calls: list[Any] = []

    def on_error(request: Any, error: Any) -> Response:
        calls.append(error.status)
        return Response("from on_error", 299)

    app = failing(make_flask, far, THROTTLED, on_error=on_error)
    app.register_error_handler(429, lambda error: ("page", 429))
    response = app.test_client().get(path)
    assert (response.status_code, response.text, calls) == (299, "from on_error", [429])
    assert response.headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("path", ENDINGS)
def test_function_error_in_plain_mode(
    make_flask: MakeFlask, far: LambdaServer, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    app = failing(make_flask, far, function_error(), unhandled_status=418)
    app.register_error_handler(502, lambda error: ("page", 502))
    response = app.test_client().get(path)
    assert response.status_code == 418
    assert json.loads(response.data) == {"errorType": "KeyError", "errorMessage": "'sk-secret'"}
    assert response.headers["Cache-Control"] == "private, no-store"
    assert len([each for each in caplog.records if each.levelno >= logging.WARNING]) == 1


@pytest.mark.parametrize("path", ENDINGS)
def test_function_error_in_proxy_integration(
    make_flask: MakeFlask, far: LambdaServer, path: str
) -> None:
    app = failing(make_flask, far, function_error(), **PROXY)
    response = app.test_client().get(path)
    assert (response.status_code, "secret" in response.text) == (502, False)


def test_view_that_catches_the_error(make_flask: MakeFlask, far: LambdaServer) -> None:
    far.script(function_error(), THROTTLED)
    app, functions = make_flask({}, {"pay": {}})

    @app.get("/pay")
    def pay() -> Any:
        try:
            return functions["pay"].respond()
        except FunctionError as error:
            return f"{error.error_type} {error.error_message} {error.request_id}"
        except LambdaError as error:
            return str(error.status)

    client = app.test_client()
    assert client.get("/pay").text == "KeyError 'sk-secret' r-7"
    assert client.get("/pay").text == "429"


def test_error_that_the_app_raises_itself(make_flask: MakeFlask, far: LambdaServer) -> None:
    app, _ = make_flask({}, {"pay": {}})

    @app.get("/own/<int:status>")
    def own(status: int) -> Any:
        raise LambdaError("Not today", status=status)

    app.register_error_handler(HTTPException, lambda error: "page")
    client = app.test_client()
    # A status that HTTP does not know has no page.
    assert client.get("/own/599").json["message"] == "Not today"  # type: ignore[index]
    assert client.get("/own/502").text == "page"
