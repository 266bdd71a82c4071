"""Responses and failures of functions in a Django project."""

from __future__ import annotations

import asyncio
import json
import logging
import pickle
from typing import Any

import pytest
from werkzeug.wrappers import Response

from tests.inapp.conftest import PROXY, MakeDjango, function_error, result
from tests.servers import lambda_server as far_end
from tests.servers.lambda_server import LambdaServer
from wsgi_lambda.errors import FunctionError, LambdaError

THROTTLED = far_end.respond(429, {"X-Amzn-RequestId": "r-7", "Retry-After": "9"})
ENDINGS = ["/route", "/view/", "/own/"]


def urls() -> Any:
    from django.http import JsonResponse
    from django.urls import path

    from wsgi_lambda.django import functions, lambda_view

    return [
        path("view/", lambda_view("pay")),
        path("own/", lambda request: functions["pay"].respond(request)),
        path("invoke/", lambda request: JsonResponse(functions["pay"].invoke().json)),
    ]


def client_of(make_django: MakeDjango, options: Any = (), **settings: Any) -> Any:
    named = {"pay": {"function_name": "f"}}
    return make_django({"/route": "f"}, named, urls=urls, options=dict(options), **settings).client


@pytest.mark.parametrize("path", ENDINGS)
def test_headers_are_joined_and_cookies_are_lines(
    make_django: MakeDjango, far: LambdaServer, path: str
) -> None:
    cookies = ["a=1; Path=/; Unknown=yes", "a=2; Path=/x", "path=odd", "b@d=é"]
    headers = {"X-Many": ["1", "2"], "Content-Type": ["text/plain"]}
    far.script(result(201, "made", multiValueHeaders=headers, cookies=cookies))
    response = client_of(make_django, PROXY).get(path)
    assert (response.status_code, response.content) == (201, b"made")
    assert (response["X-Many"], response["Content-Type"]) == ("1, 2", "text/plain")
    assert response["Content-Length"] == "4"
    lines = [cookie.OutputString() for cookie in response.cookies.values()]
    assert lines == [*cookies[:3], "b@d=é"]
    assert [cookie.output(header="") for cookie in response.cookies.values()] == lines
    assert response.cookies["a"].output() == f"Set-Cookie: {cookies[0]}"


def test_cookies_of_asgi_are_ascii(make_django: MakeDjango, far: LambdaServer) -> None:
    from django.test import AsyncClient

    far.script(result(200, "", cookies=["a=é; Path=/", "b=1"]))
    make_django({"/route": "f"}, options=PROXY)
    response = asyncio.run(AsyncClient().get("/route"))
    lines = [cookie.output(header="") for cookie in response.cookies.values()]
    assert lines == ["a=%E9; Path=/", "b=1"]


class SetsCookies:
    """Sets the cookies ``a`` and ``own`` after the function did."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        response = self.get_response(request)
        response.set_cookie("a", "project", httponly=True)
        response.set_cookie("own", "1")
        return response


def test_cookie_of_the_project_replaces_those_of_the_function(
    make_django: MakeDjango, far: LambdaServer
) -> None:
    far.script(result(200, "", cookies=["a=1", "a=2; Path=/x", "b=3"]))
    sets = "tests.inapp.test_django_responses.SetsCookies"
    ours = "wsgi_lambda.django.middleware.LambdaFunctionsMiddleware"
    response = client_of(make_django, PROXY, MIDDLEWARE=[sets, ours]).get("/route")
    lines = [cookie.OutputString() for cookie in response.cookies.values()]
    assert sorted(lines) == ["a=project; HttpOnly; Path=/", "b=3", "own=1; Path=/"]


def test_function_cannot_replace_the_session(make_django: MakeDjango, far: LambdaServer) -> None:
    far.script(result(200, "", cookies=["sessionid=stolen; Path=/"]))

    client = client_of(make_django, PROXY, SESSION_SAVE_EVERY_REQUEST=True)
    session = client.session
    session["user"] = "ada"
    session.save()
    response = client.get("/route")
    (line,) = [each.OutputString() for each in response.cookies.values() if each.key == "sessionid"]
    assert "stolen" not in line
    assert "HttpOnly" in line


def test_response_with_cookies_can_be_cached(make_django: MakeDjango, far: LambdaServer) -> None:
    from wsgi_lambda.django.cookies import FunctionCookies

    cookies = FunctionCookies(["a=1; Priority=High", "a=2"])
    cookies["own"] = "3"
    copied = pickle.loads(pickle.dumps(cookies))
    lines = [cookie.OutputString() for cookie in copied.values()]
    assert lines == ["a=1; Priority=High", "a=2", "own=3"]
    assert pickle.loads(pickle.dumps(cookies["a"])).OutputString() == "a=1; Priority=High"


@pytest.mark.parametrize(("status", "length"), [(204, None), (205, "0"), (304, None)])
def test_response_without_a_body(
    make_django: MakeDjango, far: LambdaServer, status: int, length: str | None
) -> None:
    far.script(result(status, "body", headers={"Content-Type": "text/plain"}))
    response = client_of(make_django, PROXY).get("/route")
    assert (response.status_code, response.getvalue()) == (status, b"")
    assert (response.content, response.text) == (b"", "")
    assert response.headers.get("Content-Length") == length
    if status != 205:
        assert "Content-Type" not in response.headers


def test_no_content_type_is_added(make_django: MakeDjango, far: LambdaServer) -> None:
    def authorize(request: Any) -> Response:
        refusal = Response("no", 401)
        del refusal.headers["Content-Type"]
        return refusal

    response = client_of(make_django, {"authorize": authorize}).get("/route")
    assert (response.status_code, response.headers.get("Content-Type")) == (401, None)


@pytest.mark.parametrize("status", [418, 999])
def test_any_status(make_django: MakeDjango, far: LambdaServer, status: int) -> None:
    far.script(function_error())
    assert client_of(make_django, {"unhandled_status": status}).get("/route").status_code == status


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
def test_head(
    make_django: MakeDjango, far: LambdaServer, step: Any, length: str, path: str
) -> None:
    far.script(step)
    response = client_of(make_django, PROXY).head(path)
    assert (response.content, response["Content-Length"]) == (b"", length)


def test_middlewares_see_an_ordinary_response(make_django: MakeDjango, far: LambdaServer) -> None:
    from tests.inapp.django_project import MIDDLEWARE

    far.script(*[result(200, "x" * 500)] * 2)
    middleware = [
        "django.middleware.gzip.GZipMiddleware",
        "django.middleware.http.ConditionalGetMiddleware",
        *MIDDLEWARE,
    ]
    client = client_of(make_django, PROXY, MIDDLEWARE=middleware)
    first = client.get("/route", headers={"Accept-Encoding": "gzip"})
    assert (first["Content-Encoding"], first["X-Frame-Options"]) == ("gzip", "DENY")
    assert first["Content-Length"] == str(len(first.content))
    headers = {"Accept-Encoding": "gzip", "If-None-Match": first["ETag"]}
    assert client.get("/route", headers=headers).status_code == 304


# Failures


def failing(make_django: MakeDjango, far: LambdaServer, step: Any, **options: Any) -> Any:
    far.script(*[step] * 2)
    return client_of(make_django, options)


@pytest.mark.parametrize("path", [*ENDINGS, "/invoke/"])
def test_failure_is_the_json(
    make_django: MakeDjango, far: LambdaServer, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    response = failing(make_django, far, THROTTLED).get(path)
    assert (response.status_code, response["Retry-After"]) == (429, "9")
    assert json.loads(response.content) == {
        "message": "Too many requests for the function",
        "request_id": "r-7",
    }
    assert response["X-Amzn-RequestId"] == "r-7"
    logged = [each for each in caplog.records if each.name == "wsgi_lambda"]
    assert len(logged) == 1
    assert "r-7" in logged[0].message


@pytest.mark.parametrize("path", ENDINGS)
def test_response_of_on_error_replaces_the_json(
    make_django: MakeDjango, far: LambdaServer, path: str
) -> None:
    calls: list[Any] = []

    def on_error(request: Any, error: Any) -> Response:
        calls.append(error.status)
        return Response("from on_error", 200)

    response = failing(make_django, far, THROTTLED, on_error=on_error).get(path)
    assert (response.status_code, response.content, calls) == (200, b"from on_error", [429])
    assert response["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("path", ENDINGS)
def test_function_error_in_plain_mode(
    make_django: MakeDjango, far: LambdaServer, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    response = failing(make_django, far, function_error()).get(path)
    assert response.status_code == 200
    assert json.loads(response.content) == {
        "errorType": "KeyError",
        "errorMessage": "'sk-secret'",
    }
    assert response["Cache-Control"] == "private, no-store"
    lines = [each for each in caplog.records if each.name.startswith("wsgi_lambda")]
    assert len([each for each in lines if each.levelno >= logging.WARNING]) == 1


@pytest.mark.parametrize("path", [*ENDINGS, "/invoke/"])
def test_function_error_in_proxy_integration(
    make_django: MakeDjango, far: LambdaServer, path: str
) -> None:
    response = failing(make_django, far, function_error(), **PROXY).get(path)
    assert (response.status_code, b"secret" in response.content) == (502, False)


def test_view_that_catches_the_error(make_django: MakeDjango, far: LambdaServer) -> None:
    from django.http import HttpResponse
    from django.urls import path

    from wsgi_lambda.django import functions

    def view(request: Any) -> HttpResponse:
        try:
            return functions["pay"].respond(request)
        except FunctionError as error:
            return HttpResponse(f"{error.error_type} {error.request_id}")

    far.script(function_error())
    client = make_django({}, {"pay": {}}, urls=[path("own/", view)]).client
    assert client.get("/own/").content == b"KeyError r-7"


class Handles:
    """Handles LambdaErrors below ours."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        return self.get_response(request)

    def process_exception(self, request: Any, error: Exception) -> Any:
        from django.http import HttpResponse

        assert isinstance(error, LambdaError)
        return HttpResponse("handled", status=418)


def test_middleware_below_ours_may_handle_the_error(
    make_django: MakeDjango, far: LambdaServer
) -> None:
    far.script(THROTTLED)
    ours = "wsgi_lambda.django.middleware.LambdaFunctionsMiddleware"
    order = [ours, "tests.inapp.test_django_responses.Handles"]
    response = client_of(make_django, MIDDLEWARE=order).get("/own/")
    assert (response.status_code, response.content) == (418, b"handled")


def test_error_that_the_project_raises_itself(make_django: MakeDjango, far: LambdaServer) -> None:
    from django.urls import path

    def view(request: Any) -> Any:
        raise LambdaError("Not today", status=503)

    client = make_django({}, {}, urls=[path("own/", view)]).client
    assert json.loads(client.get("/own/").content)["message"] == "Not today"


def test_other_errors_are_djangos(make_django: MakeDjango, far: LambdaServer) -> None:
    from django.urls import path

    def view(request: Any) -> Any:
        raise ValueError("other")

    assert make_django({}, {}, urls=[path("own/", view)]).client.get("/own/").status_code == 500


# Caches


CACHED = [
    "django.middleware.cache.UpdateCacheMiddleware",
    "wsgi_lambda.django.middleware.LambdaFunctionsMiddleware",
    "django.middleware.cache.FetchFromCacheMiddleware",
]


@pytest.mark.parametrize(
    ("step", "options", "sent"),
    [
        (result(200, "one"), PROXY, 1),
        (THROTTLED, {}, 2),
        (function_error(), {}, 2),
        (function_error(), PROXY, 2),
        (THROTTLED, {"on_error": lambda *_: Response("sorry")}, 2),
    ],
    ids=["response", "throttled", "plain", "proxy", "on_error"],
)
@pytest.mark.parametrize("path", ENDINGS)
def test_failure_is_never_cached(
    make_django: MakeDjango, far: LambdaServer, step: Any, options: Any, sent: int, path: str
) -> None:
    from django.core.cache import cache

    cache.clear()
    far.script(step, step)
    client = client_of(make_django, options, MIDDLEWARE=CACHED)
    for _ in range(2):
        client.get(path)
    assert len(far.invocations) == sent


@pytest.mark.parametrize(
    ("step", "sent"), [(result(200, "one", cookies=["a=1"]), 1), (function_error(), 2)]
)
def test_cache_page(make_django: MakeDjango, far: LambdaServer, step: Any, sent: int) -> None:
    from django.core.cache import cache
    from django.urls import path
    from django.views.decorators.cache import cache_page

    from wsgi_lambda.django import lambda_view

    cache.clear()
    far.script(step, step)
    pattern = path("own/", cache_page(60)(lambda_view("pay")))
    client = make_django({}, {"pay": PROXY}, urls=[pattern], MIDDLEWARE=[]).client
    responses = [client.get("/own/") for _ in range(2)]
    assert len(far.invocations) == sent
    if sent == 1:
        assert [each.cookies["a"].OutputString() for each in responses] == ["a=1", "a=1"]
