"""Configured routes in a Django project: paths, methods, middlewares, settings."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, unquote

import pytest

from tests.inapp.conftest import PROXY, V1, V2, MakeDjango, events, names, result
from tests.servers.lambda_server import LambdaServer

SIX = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}
NO_CSRF = {
    "MIDDLEWARE": [
        "django.middleware.common.CommonMiddleware",
        "wsgi_lambda.django.middleware.LambdaFunctionsMiddleware",
    ]
}


def allowed(response: Any) -> set[str]:
    return set(response.headers["Allow"].split(", "))


@pytest.mark.parametrize(
    ("routes", "path", "name"),
    [
        ({"/shop": "f"}, "/shop", "f"),
        ({"/shop": "f"}, "/shop/", "f"),
        ({"/shop": "f"}, "/shop/a//b/", "f"),
        ({"/shop": "f"}, "//shop", "f"),
        ({"/shop": "f"}, "/shop7", None),
        ({"/shop": {"function_name": "f", "exact": True}}, "/shop/", "f"),
        ({"/shop": {"function_name": "f", "exact": True}}, "/shop/a", None),
        ({"/todos/{order-id}": "f"}, "/todos/7", "f"),
        ({"/todos/{order-id}": "f"}, "/todos/7/", "f"),
        ({"/todos/{order-id}": "f"}, "/todos/a%0Ab", "f"),
        ({"/todos/{order-id}": "f"}, "/todos/", None),
        ({"/todos/{order-id}": "f"}, "/todos/7/x", None),
        ({"/files/{path+}": "f"}, "/files/a/b/", "f"),
        ({"/files/{path+}": "f"}, "/files/", None),
        ({"/": "f"}, "/", "f"),
        ({"/": "f"}, "/any/thing", "f"),
        ({"/日本": "f"}, "/%E6%97%A5%E6%9C%AC/x", "f"),
        ({"/shop": "f", "/shop/{id}": "g"}, "/shop/7", "g"),
    ],
)
def test_path_of_a_route(
    make_django: MakeDjango, far: LambdaServer, routes: Any, path: str, name: str | None
) -> None:
    client = make_django(routes).client
    response = client.get("/", PATH_INFO=unquote(path, "latin-1"))
    assert (response.status_code, names(far)) == ((200, [name]) if name else (404, []))


@pytest.mark.parametrize(
    ("below", "mount", "path"),
    [("", "", "/shop/7"), ("", "/mount", "/mount/shop/7"), ("api/", "", "/api/shop/7")],
)
def test_events_contain_the_whole_path(
    make_django: MakeDjango, far: LambdaServer, below: str, mount: str, path: str
) -> None:
    project = make_django({"/shop": {"function_name": "f", **V1}}, below=below)
    response = project.client.get(f"/{below}shop/7", SCRIPT_NAME=mount)
    assert response.status_code == 200
    (event,) = events(far)
    assert (event["path"], event["resource"]) == (path, "/shop/{proxy+}")
    assert event["pathParameters"] == {"proxy": "7"}


@pytest.mark.parametrize("below", ["<slug:tenant>/", "<path>/<int:number>/"])
def test_urls_below_a_prefix_with_variables(
    make_django: MakeDjango, far: LambdaServer, below: str
) -> None:
    project = make_django({"/todos/{id}": {"function_name": "f", **V1}}, below=below)
    prefix = "/acme/" if "slug" in below else "/日/7/"
    assert project.client.get(f"{prefix}todos/9").status_code == 200
    (event,) = events(far)
    assert (event["path"], event["resource"]) == (f"{quote(prefix)}todos/9", "/todos/{id}")
    assert event["pathParameters"] == {"id": "9"}


@pytest.mark.parametrize(
    "path",
    ["/%E6%97%A5/a%2Fb//c/", "/%FF%41", "/100%25", "/mount/%E6%97%A5", "/x%E4%F6"],
)
@pytest.mark.parametrize("below", ["", "api/", "日/"])
def test_path_reaches_the_event_as_the_client_sent_it(
    make_django: MakeDjango, far: LambdaServer, path: str, below: str
) -> None:
    from urllib.parse import quote

    target = f"/{quote(below)}{path[1:]}"
    project = make_django({"/": {"function_name": "f", **V2}}, below=below)
    info = unquote(target, "latin-1")
    response = project.client.get("/", PATH_INFO=info, REQUEST_URI=f"{target}?a=1")
    assert response.status_code == 200
    assert events(far)[0]["rawPath"] == target


def test_path_without_the_servers_target_is_quoted_again(
    make_django: MakeDjango, far: LambdaServer
) -> None:
    project = make_django({"/日": {"function_name": "f", **V2}})
    project.client.get("/", PATH_INFO=unquote("/%E6%97%A5/%25", "latin-1"))
    assert events(far)[0]["rawPath"] == "/%E6%97%A5/%25"


def test_path_parameters_come_from_the_routing_table(
    make_django: MakeDjango, far: LambdaServer
) -> None:
    make_django({"/todos/{order-id}": {"function_name": "f", **V1}}).client.get("/todos/7/")
    (event,) = events(far)
    assert (event["resource"], event["pathParameters"]) == ("/todos/{order-id}", {"order-id": "7"})


@pytest.mark.parametrize("method", sorted(SIX))
def test_route_without_methods_takes_six(
    make_django: MakeDjango, far: LambdaServer, method: str
) -> None:
    client = make_django({"/f": "f"}, **NO_CSRF).client
    assert client.generic(method, "/f").status_code == 200
    assert len(far.invocations) == 1


@pytest.mark.parametrize("method", ["TRACE", "PURGE"])
def test_other_methods_are_not_allowed(
    make_django: MakeDjango, far: LambdaServer, method: str
) -> None:
    response = make_django({"/f": "f"}, **NO_CSRF).client.generic(method, "/f")
    assert (response.status_code, allowed(response), far.invocations) == (405, SIX, [])


def test_other_methods_are_taken_if_a_route_lists_them(
    make_django: MakeDjango, far: LambdaServer
) -> None:
    route = {"function_name": "f", "methods": ["PURGE", "OPTIONS"]}
    client = make_django({"/f": route}, **NO_CSRF).client
    assert client.generic("PURGE", "/f").status_code == 200
    assert client.options("/f").status_code == 200
    assert len(far.invocations) == 2
    assert client.get("/f").status_code == 405


def test_options_are_the_projects(make_django: MakeDjango, far: LambdaServer) -> None:
    response = make_django({"/f": {"function_name": "f", "methods": ["GET"]}}).client.options("/f")
    assert (response.status_code, allowed(response)) == (200, {"GET", "OPTIONS"})
    assert (response.content, far.invocations) == (b"", [])


def test_get_does_not_imply_head(make_django: MakeDjango, far: LambdaServer) -> None:
    response = make_django({"/f": {"function_name": "f", "methods": ["GET"]}}).client.head("/f")
    assert (response.status_code, allowed(response), far.invocations) == (405, {"GET"}, [])


@pytest.mark.parametrize(
    "condition", [{"hosts": ["other.test"]}, {"headers": {"X-A": ["1"]}}, {"consumers": ["ada"]}]
)
def test_unmatched_condition_is_the_projects_own_404(
    make_django: MakeDjango, far: LambdaServer, condition: Any
) -> None:
    response = make_django({"/f": {"function_name": "f", **condition}}).client.get("/f")
    assert (response.status_code, b"Not Found" in response.content) == (404, True)
    assert far.invocations == []


def test_nul_in_the_path(make_django: MakeDjango, far: LambdaServer) -> None:
    client = make_django({"/f": "f"}).client
    assert client.get("/", PATH_INFO="/f/\0").status_code == 400
    assert client.get("/", PATH_INFO="/other/\0").status_code == 404
    assert far.invocations == []


def test_urls_of_the_project_come_first(make_django: MakeDjango, far: LambdaServer) -> None:
    def urls() -> Any:
        from django.http import HttpResponse
        from django.urls import path

        return [path("shop/own/", lambda request: HttpResponse("own"))]

    client = make_django({"/shop": "f"}, urls=urls).client
    assert client.get("/shop/own/").content == b"own"
    assert client.get("/shop/other/").status_code == 200
    assert names(far) == ["f"]


@pytest.mark.parametrize("path", ["/shop", "/shop/", "/todos/7", "/shop//x"])
def test_nothing_is_redirected(make_django: MakeDjango, far: LambdaServer, path: str) -> None:
    from tests.inapp.django_project import MIDDLEWARE

    middleware = [*MIDDLEWARE[:2], "django.middleware.locale.LocaleMiddleware", *MIDDLEWARE[2:]]
    project = make_django({"/shop": "f", "/todos/{id}": "g"}, MIDDLEWARE=middleware)
    assert project.client.get(path).status_code == 200


@pytest.mark.parametrize("below", ["", "api/"])
def test_404_of_a_function_is_not_redirected_to_a_language(
    make_django: MakeDjango, far: LambdaServer, below: str
) -> None:
    from django.conf.urls.i18n import i18n_patterns
    from django.http import HttpResponse
    from django.urls import path, re_path

    far.always(result(404, "of the function"))
    urls = i18n_patterns(
        path("about/", lambda request: HttpResponse("about")),
        re_path("^(shop|api)/", lambda request: HttpResponse("any")),
    )
    middleware = [
        "django.middleware.locale.LocaleMiddleware",
        "django.middleware.common.CommonMiddleware",
    ]
    client = make_django(
        {"/": "f"}, urls=urls, below=below, options=PROXY, MIDDLEWARE=middleware
    ).client
    response = client.get(f"/{below}shop/missing")
    assert (response.status_code, response.content) == (404, b"of the function")


def test_other_spellings_are_the_same_route_or_404(
    make_django: MakeDjango, far: LambdaServer
) -> None:
    client = make_django({"/f": "f"}).client
    paths = ("//f", "/./f", "/a/../f", "/f//")
    assert [client.post("/", PATH_INFO=path).status_code for path in paths] == [403, 404, 404, 403]
    assert far.invocations == []


def test_authorize_runs_after_the_middlewares(make_django: MakeDjango, far: LambdaServer) -> None:
    from werkzeug.wrappers import Request, Response

    def authorize(request: Request) -> Response | None:
        assert request.get_data() == b"a=1"
        request.environ["REMOTE_USER"] = "ada"
        return None if request.args else Response("no", "401 Log In", {"X-Own": "1"})

    route = {"function_name": "f", "authorize": authorize, **V1}
    client = make_django({"/f": route}, **NO_CSRF).client
    form = {"data": "a=1", "content_type": "application/x-www-form-urlencoded"}
    refused = client.post("/f", **form)
    assert (refused.status_code, refused.content, refused["X-Own"]) == (401, b"no", "1")
    assert refused.reason_phrase == "Log In"
    assert far.invocations == []
    assert client.post("/f?b=2", **form).status_code == 200
    assert events(far)[0]["requestContext"]["authorizer"] == {"principalId": "ada"}


# Settings


def test_missing_setting(make_django: MakeDjango) -> None:
    make_django()
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.test import override_settings

    from wsgi_lambda.django import functions
    from wsgi_lambda.django.conf import dispatcher

    with override_settings():
        del settings.WSGI_LAMBDA
        dispatcher.cache_clear()
        with pytest.raises(ImproperlyConfigured, match="WSGI_LAMBDA"):
            functions["pay"]


def test_worker_with_an_invalid_setting_does_not_start(make_django: MakeDjango) -> None:
    from django.core.wsgi import get_wsgi_application
    from django.test import override_settings

    from wsgi_lambda import ConfigError

    make_django()
    with override_settings(WSGI_LAMBDA={"rotues": {}}), pytest.raises(ConfigError):
        get_wsgi_application()


def test_route_of_an_invalid_setting_is_an_error(make_django: MakeDjango) -> None:
    """Without the middleware, the first request finds the problems."""
    from django.core.exceptions import ImproperlyConfigured

    project = make_django({"/shop": {}}, MIDDLEWARE=[])
    client = project.client
    client.raise_request_exception = True
    with pytest.raises(ImproperlyConfigured, match="function_name: required"):
        client.get("/shop")


def test_overridden_settings_are_read_again(make_django: MakeDjango, far: LambdaServer) -> None:
    from django.conf import settings
    from django.test import override_settings

    from wsgi_lambda.django import functions

    client = make_django({"/a": "f"}, {"pay": {}}).client
    pay = functions["pay"]
    assert [client.get(path).status_code for path in ("/a", "/b")] == [200, 404]
    other = {
        **settings.WSGI_LAMBDA,
        "routes": {"/b": {"function_name": "g"}},
        "functions": {"pay": {"function_name": "other"}},
    }
    with override_settings(WSGI_LAMBDA=other):
        assert [client.get(path).status_code for path in ("/a", "/b")] == [404, 200]
        pay.invoke()
    assert [client.get(path).status_code for path in ("/a", "/b")] == [200, 404]
    assert names(far) == ["f", "g", "other", "f"]


def test_nothing_is_opened_before_the_first_invocation(
    make_django: MakeDjango, far: LambdaServer
) -> None:
    from django.core.wsgi import get_wsgi_application

    make_django({"/f": "f"}, {"pay": {}})
    get_wsgi_application()
    assert far.connections == 0


def test_import_reads_no_settings() -> None:
    import subprocess
    import sys

    code = "from wsgi_lambda.django import functions, lambda_view; print('fine')"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "fine\n"


# Hosts


def test_allowed_hosts_hold_without_common_middleware(
    make_django: MakeDjango, far: LambdaServer
) -> None:
    only = ["wsgi_lambda.django.middleware.LambdaFunctionsMiddleware"]
    client = make_django({"/f": "f"}, MIDDLEWARE=only).client
    for method in ("GET", "OPTIONS", "POST"):
        assert client.generic(method, "/f", headers={"host": "evil.test"}).status_code == 400
    assert far.invocations == []
    assert client.get("/f", headers={"host": "shop.test"}).status_code == 200


def test_host_port_and_scheme_are_what_django_trusts(
    make_django: MakeDjango, far: LambdaServer
) -> None:
    route = {"function_name": "f", "hosts": ["shop.test"], **V2}
    forwarded = {
        "X-Forwarded-Host": "shop.test",
        "X-Forwarded-Port": "8443",
        "X-Forwarded-Proto": "https",
    }
    client = make_django({"/f": route}).client
    assert client.get("/f", headers=forwarded).status_code == 404
    client = make_django(
        {"/f": route},
        USE_X_FORWARDED_HOST=True,
        USE_X_FORWARDED_PORT=True,
        SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"),
    ).client
    assert client.get("/f", headers=forwarded).status_code == 200
    (event,) = events(far)
    assert event["requestContext"]["domainName"] == "shop.test"
    assert event["headers"]["host"] == "shop.test"
    assert event["headers"]["x-forwarded-proto"] == "https"
    assert event["headers"]["x-forwarded-port"] == "8443"


def test_request_without_a_host_header(make_django: MakeDjango, far: LambdaServer) -> None:
    client = make_django({"/f": {"function_name": "f", "forward_request_headers": True}}).client
    assert client.get("/f", SERVER_NAME="shop.test").status_code == 200
    assert "host" not in events(far)[0]["request_headers"]


def test_url_of_a_path_can_be_reversed(make_django: MakeDjango) -> None:
    from django.urls import reverse

    make_django({"/shop": "f"}, below="api/")
    assert reverse("wsgi_lambda_route", kwargs={"path": "shop/7"}) == "/api/shop/7"


@pytest.mark.parametrize("query", [b"", b"a=1"])
def test_raw_path_of_asgi_reaches_the_event(
    make_django: MakeDjango, far: LambdaServer, query: bytes
) -> None:
    import io

    from django.core.handlers.asgi import ASGIRequest

    from wsgi_lambda.django import functions

    make_django({}, {"pay": V2})
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/a/b",
        "raw_path": b"/a%2Fb",
        "query_string": query,
        "http_version": "2",
        "headers": [(b"host", b"testserver")],
    }
    functions["pay"].respond(ASGIRequest(scope, io.BytesIO()))
    (event,) = events(far)
    assert (event["rawPath"], event["rawQueryString"]) == ("/a%2Fb", query.decode())
    assert event["requestContext"]["http"]["protocol"] == "HTTP/2"
