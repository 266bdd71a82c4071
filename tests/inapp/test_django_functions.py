"""Named functions of a Django project: views, and calls from Python."""

from __future__ import annotations

import asyncio
import datetime
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import werkzeug

from tests.inapp.conftest import V1, V2, MakeDjango, events
from tests.servers.lambda_server import LambdaServer

NO_CSRF = {"MIDDLEWARE": ["wsgi_lambda.django.middleware.LambdaFunctionsMiddleware"]}


def test_view_has_the_values_of_its_url(make_django: MakeDjango, far: LambdaServer) -> None:
    from django.urls import path

    from wsgi_lambda.django import lambda_view

    urls = [path("pay/<int:order_id>/", lambda_view("pay"), {"extra": "not captured"})]
    client = make_django({}, {"pay": {}}, urls=urls, **NO_CSRF).client
    response = client.post("/pay/7/?order_id=8&a=1", {"order_id": "9"})
    assert response.json() == {"order_id": "7", "a": "1"}


@pytest.mark.parametrize(
    ("pattern", "target", "template", "values"),
    [
        ("pay/", "/pay/", "/pay/", {}),
        ("pay/<int:order_id>/", "/pay/7/", "/pay/{order_id}/", {"order_id": "7"}),
        ("f/<path:rest>", "/f/a/b", "/f/{rest+}", {"rest": "a/b"}),
        ("<slug>/<uuid:id>", f"/a/{'0' * 8}-0000-0000-0000-{'0' * 12}", "/{slug}/{id}", None),
    ],
)
def test_url_of_a_view_in_gateway_events(
    make_django: MakeDjango,
    far: LambdaServer,
    pattern: str,
    target: str,
    template: str,
    values: dict[str, str] | None,
) -> None:
    from django.urls import include, path

    from wsgi_lambda.django import lambda_view

    def urls() -> Any:
        return [
            path("one/", include([path(pattern, lambda_view("one"))])),
            path("two/", include([path(pattern, lambda_view("two"))])),
        ]

    client = make_django({}, {"one": V1, "two": V2}, urls=urls, **NO_CSRF).client
    for name in ("one", "two"):
        assert client.post(f"/{name}{target}").status_code == 200
    one, two = events(far)
    assert one["resource"] == one["requestContext"]["resourcePath"] == f"/one{template}"
    assert two["routeKey"] == two["requestContext"]["routeKey"] == f"POST /two{template}"
    assert (two["rawPath"], "pathParameters" in two) == (f"/two{target}", values != {})
    if values is not None:
        assert one["pathParameters"] == (values or None)
        assert two.get("pathParameters", {}) == values


def test_values_of_outer_includes(make_django: MakeDjango, far: LambdaServer) -> None:
    from django.urls import include, path

    from wsgi_lambda.django import lambda_view

    inner = [
        path("pay/<int:order_id>/", lambda_view("pay")),
        path("more/<int:order_id>/", lambda_view("pay"), {"extra": 1, "order_id": 9}),
    ]
    urls = [path("<slug:tenant>/<lang>/", include(inner), {"outer": 2})]
    client = make_django({}, {"pay": V1}, urls=urls, **NO_CSRF).client
    for name in ("pay", "more"):
        client.get(f"/acme/de/{name}/7/?tenant=evil")
    for name, event in zip(("pay", "more"), events(far), strict=True):
        assert event["resource"] == f"/{{tenant}}/{{lang}}/{name}/{{order_id}}/"
        assert event["pathParameters"] == {"tenant": "acme", "lang": "de", "order_id": "7"}


@pytest.mark.parametrize(
    ("expression", "path", "values"),
    [
        (r"^{}/(?P<year>\d+)/$", "/2026/", {"year": "2026"}),
        ("{}/(?P<year>[0-9]+)/", "/2026/", {"year": "2026"}),
        ("{}/[0-9]+/", "/2026/", None),
        ("{}/", "/and/more", None),
        ("{}/.*/x", "/y/x", None),
    ],
)
def test_regular_expression_has_values_and_no_template(
    make_django: MakeDjango, far: LambdaServer, expression: str, path: str, values: Any
) -> None:
    from django.urls import include, re_path
    from django.urls import path as url

    from wsgi_lambda.django import lambda_view

    names = ("one", "two")
    inner = [re_path(expression.format(name), lambda_view(name)) for name in names]
    urls = [url("below/", include(inner)), url("<a>/<b>/<c>/", include(inner))]
    client = make_django({}, {"one": V1, "two": V2}, urls=urls, **NO_CSRF).client
    for name in names:
        assert client.get(f"/below/{name}{path}").status_code == 200
    one, two = events(far)
    assert (one["resource"], one["pathParameters"]) == (f"/below/one{path}", values)
    assert (two["routeKey"], two.get("pathParameters")) == ("$default", values)
    client.get(f"/x/y/z/one{path}")
    assert events(far)[2]["resource"] == f"/x/y/z/one{path}"
    assert events(far)[2]["pathParameters"] == {"a": "x", "b": "y", "c": "z", **(values or {})}


def test_regular_expression_between_variables(make_django: MakeDjango, far: LambdaServer) -> None:
    from django.urls import include, path, re_path

    from wsgi_lambda.django import lambda_view

    inner = include([re_path("[0-9]+/", include([path("<last>/", lambda_view("pay"))]))])
    make = make_django({}, {"pay": V1}, urls=[path("<first>/", inner)], **NO_CSRF)
    make.client.get("/a/7/b/")
    assert events(far)[0]["resource"] == "/a/7/b/"
    assert events(far)[0]["pathParameters"] == {"first": "a", "last": "b"}


def test_respond_where_no_url_matched(make_django: MakeDjango, far: LambdaServer) -> None:
    from django.test import RequestFactory

    from wsgi_lambda.django import functions

    make_django({}, {"page": V2})
    assert functions["page"].respond(RequestFactory().get("/x")).status_code == 200
    assert events(far)[0]["routeKey"] == "$default"


@pytest.mark.parametrize("kind", ["function", "class", "subclass"])
def test_view_takes_six_methods(make_django: MakeDjango, far: LambdaServer, kind: str) -> None:
    from django.urls import path

    from wsgi_lambda.django import LambdaView, lambda_view

    class Pay(LambdaView):
        function = "pay"

    view = {
        "function": lambda_view("pay"),
        "class": LambdaView.as_view(function="pay"),
        "subclass": Pay.as_view(),
    }[kind]
    client = make_django({}, {"pay": {}}, urls=[path("pay/", view)], **NO_CSRF).client
    for method in ("TRACE", "PURGE"):
        assert client.generic(method, "/pay/").status_code == 405
    response = client.options("/pay/")
    assert (response.status_code, "PATCH" in response["Allow"]) == (200, True)
    assert far.invocations == []
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
        assert client.generic(method, "/pay/").status_code == 200


def test_each_view_has_its_own_name() -> None:
    from wsgi_lambda.django import lambda_view

    names = {(view.__module__, view.__qualname__) for view in map(lambda_view, ("a", "b"))}
    assert names == {("wsgi_lambda.django.views", f"lambda_{name}") for name in ("a", "b")}


# From Python


@pytest.mark.parametrize(
    ("event", "sent"),
    [
        (None, b"{}"),
        ({"at": datetime.date(2026, 1, 2)}, b'{"at":"2026-01-02"}'),
        ([1, "x"], b'[1,"x"]'),
        (b"raw", b"raw"),
        (0, b"0"),
    ],
)
def test_event_is_encoded_by_django(
    make_django: MakeDjango, far: LambdaServer, event: Any, sent: bytes
) -> None:
    from wsgi_lambda.django import functions

    make_django({}, {"pay": {}})
    functions["pay"].invoke(event)
    assert far.invocations[0].body == sent


def test_not_a_number_is_a_value_error(make_django: MakeDjango, far: LambdaServer) -> None:
    from wsgi_lambda.django import functions

    make_django({}, {"pay": {}})
    with pytest.raises(ValueError, match="JSON compliant"):
        functions["pay"].invoke({"x": float("nan")})


def test_function_may_be_invoked_from_any_thread(
    make_django: MakeDjango, far: LambdaServer
) -> None:
    from wsgi_lambda.django import functions

    make_django({}, {"pay": {}})
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(functions["pay"].invoke, [{"n": number} for number in range(8)]))
    assert [each.json["n"] for each in results] == list(range(8))


def test_authorize_guards_views_and_not_invoke(make_django: MakeDjango, far: LambdaServer) -> None:
    from django.http import JsonResponse
    from django.urls import path

    from wsgi_lambda.django import functions, lambda_view

    urls = [
        path("view/", lambda_view("pay")),
        path("own/", lambda request: functions["pay"].respond(request)),
        path("python/", lambda request: JsonResponse(functions["pay"].invoke().json)),
    ]
    options = {"authorize": lambda _: werkzeug.Response("", 401)}
    client = make_django({}, {"pay": {}}, urls=urls, options=options).client
    paths = ("/view/", "/own/", "/python/")
    assert [client.get(path).status_code for path in paths] == [401, 401, 200]
    assert len(far.invocations) == 1


def test_unknown_name(make_django: MakeDjango) -> None:
    from wsgi_lambda.django import functions

    make_django({}, {"pay": {}})
    with pytest.raises(LookupError, match="did you mean 'pay'"):
        functions["pya"]
    assert list(functions.dispatcher.functions) == ["pay"]


# Who is asking


def test_remote_user_of_the_server(make_django: MakeDjango, far: LambdaServer) -> None:
    route = {"function_name": "f", "consumers": ["ada"], **V1}
    client = make_django({"/f": route}, **NO_CSRF).client
    assert client.get("/f", headers={"Remote-User": "ada"}).status_code == 404
    assert client.get("/f", REMOTE_USER="ada").status_code == 200
    assert events(far)[0]["requestContext"]["authorizer"] == {"principalId": "ada"}


def test_configured_principal_gets_the_request_of_django(
    make_django: MakeDjango, far: LambdaServer
) -> None:
    from django.urls import path

    from wsgi_lambda.django import lambda_view

    options = {"principal": lambda request: request.GET.get("user")}
    route = {"function_name": "f", "consumers": ["ada"]}
    urls = [path("pay/", lambda_view("pay"))]
    client = make_django({"/f": route}, {"pay": V1}, urls=urls, options=options, **NO_CSRF).client
    assert client.get("/f?user=ada").status_code == 200
    assert client.get("/f?user=eve").status_code == 404
    client.get("/pay/?user=grace")
    assert events(far)[1]["requestContext"]["authorizer"] == {"principalId": "grace"}


# ASGI


async def _request(method: str, path: str, **scope: Any) -> tuple[int, bytes]:
    from django.test import AsyncClient

    client = AsyncClient(raise_request_exception=False)
    response = await client.generic(method, path, **scope)
    return response.status_code, response.content


def test_asgi(make_django: MakeDjango, far: LambdaServer) -> None:
    from django.urls import path

    from wsgi_lambda.django import functions, lambda_view

    async def own(request: Any) -> Any:
        from django.http import JsonResponse

        result = await asyncio.to_thread(functions["pay"].invoke, {"a": 1})
        return JsonResponse(result.json)

    urls = [path("pay/<int:id>/", lambda_view("pay")), path("own/", own)]
    make_django({"/f": {"function_name": "f", **V2}}, {"pay": {}}, urls=urls, **NO_CSRF)

    async def run() -> list[tuple[int, bytes]]:
        return [
            await _request("GET", "/own/"),
            await _request("POST", "/pay/7/", data=b'{"b": 2}', content_type="application/json"),
            await _request("PUT", "/f/x", data=b"text", content_type="text/plain"),
            await _request("OPTIONS", "/f/x"),
        ]

    own_, pay, route, options = asyncio.run(run())
    assert own_ == (200, b'{"a": 1}')
    assert pay == (200, b'{"b":2,"id":"7"}')
    assert (route[0], options) == (200, (200, b""))
    event = events(far)[2]
    assert (event["rawPath"], event["body"]) == ("/f/x", "text")
    assert event["requestContext"]["http"]["protocol"].startswith("HTTP/")
