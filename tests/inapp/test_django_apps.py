"""Django's own protections and well-known apps apply to Lambda functions as to any view."""

from __future__ import annotations

from typing import Any

import pytest

from tests.inapp.conftest import V1, MakeDjango, events, names
from tests.inapp.django_project import MIDDLEWARE
from tests.servers.lambda_server import LambdaServer


@pytest.fixture
def user(make_django: MakeDjango) -> Any:
    """Return the user ``ada`` of an empty database."""
    make_django()
    from django.contrib.auth import get_user_model
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    model = get_user_model()
    return model.objects.filter(username="ada").first() or model.objects.create_user("ada")


# Login


def member_urls() -> Any:
    from django.contrib.auth.decorators import login_required
    from django.contrib.auth.mixins import LoginRequiredMixin
    from django.urls import path

    from wsgi_lambda.django import LambdaView, lambda_view

    class Members(LoginRequiredMixin, LambdaView):  # type: ignore[misc]
        function = "pay"

    return [
        path("pay/<int:order_id>/", login_required(lambda_view("pay"))),
        path("members/", Members.as_view()),
    ]


@pytest.mark.parametrize("path", ["/pay/7/", "/members/"])
def test_login_required(make_django: MakeDjango, far: LambdaServer, user: Any, path: str) -> None:
    client = make_django({}, {"pay": {}}, urls=member_urls).client
    for method in ("get", "options"):
        response = getattr(client, method)(path)
        assert (response.status_code, response["Location"][:7]) == (302, "/login/")
    assert far.invocations == []
    client.force_login(user)
    assert client.get(path).status_code == 200
    client.logout()
    assert client.get(path).status_code == 302


def test_login_required_middleware(make_django: MakeDjango, far: LambdaServer, user: Any) -> None:
    middleware = [*MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    client = make_django({"/lambda1": "f"}, MIDDLEWARE=middleware).client
    for path in ("/lambda1", "/lambda1/", "/lambda1//x"):
        assert client.get(path).status_code == 302
    assert far.invocations == []
    client.force_login(user)
    assert client.get("/lambda1").status_code == 200


def test_user_is_the_principal(make_django: MakeDjango, far: LambdaServer, user: Any) -> None:
    route = {"function_name": "f", "consumers": ["ada"], **V1}
    client = make_django({"/f": route}).client
    assert client.get("/f").status_code == 404
    assert client.get("/f", REMOTE_USER="ada").status_code == 404
    client.force_login(user)
    assert client.get("/f").status_code == 200
    assert events(far)[0]["requestContext"]["authorizer"] == {"principalId": "ada"}


class NumberedUser:
    """A user whose model has a number for a name (USERNAME_FIELD)."""

    is_authenticated = True

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        request.user = self
        return self.get_response(request)

    def get_username(self) -> int:
        return 7


def test_username_that_is_a_number(make_django: MakeDjango, far: LambdaServer) -> None:
    route = {"function_name": "f", "consumers": ["7"], **V1}
    middleware = [f"{__name__}.NumberedUser"]
    assert make_django({"/f": route}, MIDDLEWARE=middleware).client.get("/f").status_code == 200
    assert events(far)[0]["requestContext"]["authorizer"] == {"principalId": "7"}


@pytest.mark.parametrize(
    ("options", "varies"), [({}, False), (V1, True), ({"consumers": ["ada"]}, True)]
)
def test_session_is_read_only_if_an_event_or_consumers_need_it(
    make_django: MakeDjango, far: LambdaServer, options: Any, varies: bool
) -> None:
    client = make_django({"/f": {"function_name": "f", **options}}).client
    assert ("Cookie" in client.get("/f").headers.get("Vary", "")) == varies


# CSRF


def pay_urls() -> Any:
    from django.urls import path
    from django.views.decorators.csrf import csrf_exempt

    from wsgi_lambda.django import lambda_view

    return [
        path("pay/", lambda_view("pay")),
        path("hook/", csrf_exempt(lambda_view("hook"))),
    ]


@pytest.mark.parametrize("path", ["/lambda1", "/lambda1/x", "/pay/"])
@pytest.mark.parametrize("kind", ["application/json", "text/plain"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_csrf_applies_to_routes_and_views(
    make_django: MakeDjango, far: LambdaServer, path: str, kind: str, method: str
) -> None:
    project = make_django({"/lambda1": "f"}, {"pay": {}}, urls=pay_urls)
    client = project.client
    response = client.generic(method, path, b"{}", content_type=kind)
    assert (response.status_code, far.invocations) == (403, [])
    token = {"X-CSRFToken": project.token(client)}
    response = client.generic(method, path, b"{}", content_type=kind, headers=token)
    assert (response.status_code, len(far.invocations)) == (200, 1)


@pytest.mark.parametrize("multipart", [False, True])
@pytest.mark.parametrize("path", ["/lambda1", "/pay/"])
def test_form_that_csrf_has_parsed_is_complete(
    make_django: MakeDjango, far: LambdaServer, path: str, multipart: bool
) -> None:
    from urllib.parse import urlencode

    project = make_django({"/lambda1": "f"}, {"pay": {}}, urls=pay_urls)
    client = project.client
    form = {"a": "1", "csrfmiddlewaretoken": project.token(client)}
    if multipart:
        response = client.post(path, form)
    else:
        kind = "application/x-www-form-urlencoded"
        response = client.post(path, urlencode(form), content_type=kind)
    assert response.status_code == 200
    # The field of the token stays in the event.
    assert events(far) == [form]


def test_exempting_one_view_exempts_only_it(make_django: MakeDjango, far: LambdaServer) -> None:
    client = make_django({"/lambda1": "f"}, {"pay": {}, "hook": {}}, urls=pay_urls).client
    paths = ("/hook/", "/pay/", "/lambda1")
    assert [client.post(path).status_code for path in paths] == [200, 403, 403]
    assert names(far) == ["hook"]


# REST framework, cors, ratelimit, require_POST


def test_rest_framework(make_django: MakeDjango, far: LambdaServer) -> None:
    from django.urls import path
    from rest_framework.decorators import api_view
    from rest_framework.views import APIView

    from wsgi_lambda.django import functions, keep_body

    class Pay(APIView):  # type: ignore[misc]
        def post(self, request: Any, order_id: int) -> Any:
            assert request.data
            return functions["pay"].respond(request)

    @keep_body
    @api_view(["POST"])
    def kept(request: Any, order_id: int) -> Any:
        assert request.data["a"] == "1"
        return functions["pay"].respond(request)

    urls = [path("pay/<int:order_id>/", Pay.as_view()), path("kept/<int:order_id>/", kept)]
    client = make_django({}, {"pay": {}}, urls=urls).client
    response = client.post("/pay/7/", {"a": "1"}, content_type="application/json")
    assert (response.status_code, response.json()) == (200, {"a": "1", "order_id": "7"})
    response = client.post("/kept/7/", {"a": "1"})
    assert (response.status_code, response.json()) == (200, {"a": "1", "order_id": "7"})
    # A form that is parsed first in a view without the mark.
    assert client.post("/pay/7/", {"a": "1"}).status_code == 500


def test_cors_headers(make_django: MakeDjango, far: LambdaServer) -> None:
    project = make_django(
        {"/lambda1": {"function_name": "f", "methods": ["GET", "POST"]}},
        {"pay": {}},
        urls=pay_urls,
        MIDDLEWARE=["corsheaders.middleware.CorsMiddleware", *MIDDLEWARE],
        CORS_ALLOWED_ORIGINS=["https://shop.test"],
    )
    client = project.client
    preflight = {"Origin": "https://shop.test", "Access-Control-Request-Method": "POST"}
    for path in ("/lambda1", "/pay/"):
        response = client.options(path, headers=preflight)
        assert response.status_code == 200
        assert response["Access-Control-Allow-Origin"] == "https://shop.test"
    assert far.invocations == []
    response = client.get("/lambda1", headers={"Origin": "https://shop.test"})
    assert response["Access-Control-Allow-Origin"] == "https://shop.test"


def test_ratelimit(make_django: MakeDjango, far: LambdaServer) -> None:
    from django.core.cache import cache
    from django.urls import path
    from django_ratelimit.decorators import ratelimit

    from wsgi_lambda.django import lambda_view

    cache.clear()

    def limited(name: str) -> Any:
        return ratelimit(key="ip", rate="2/m")(lambda_view(name))

    urls = [path("pay/", limited("pay")), path("free/", limited("free"))]
    client = make_django({}, {"pay": {}, "free": {}}, urls=urls).client
    assert [client.get("/pay/").status_code for _ in range(3)] == [200, 200, 403]
    # Each view has a limit of its own.
    assert client.get("/free/").status_code == 200


def test_require_post(make_django: MakeDjango, far: LambdaServer) -> None:
    from django.urls import path
    from django.views.decorators.csrf import csrf_exempt
    from django.views.decorators.http import require_POST

    from wsgi_lambda.django import lambda_view

    urls = [path("pay/", csrf_exempt(require_POST(lambda_view("pay"))))]
    client = make_django({}, {"pay": {}}, urls=urls).client
    assert [client.get("/pay/").status_code, client.post("/pay/").status_code] == [405, 200]


@pytest.mark.parametrize(("path", "rows"), [("/view/", 1), ("/own/", 0)])
def test_atomic_requests(
    make_django: MakeDjango, far: LambdaServer, user: Any, path: str, rows: int
) -> None:
    from django.contrib.auth.models import Group
    from django.db import connection
    from django.urls import path as url

    from tests.servers import lambda_server as far_end
    from wsgi_lambda.django import functions, lambda_view

    Group.objects.all().delete()
    view = lambda_view("pay")

    def answered(request: Any) -> Any:
        Group.objects.create(name="view")
        return view(request)

    def raised(request: Any) -> Any:
        Group.objects.create(name="own")
        return functions["pay"].respond(request)

    urls = [url("view/", answered), url("own/", raised)]
    client = make_django({}, {"pay": {}}, urls=urls).client
    far.script(far_end.respond(429))
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    try:
        assert client.get(path).status_code == 429
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = False
    assert Group.objects.count() == rows
