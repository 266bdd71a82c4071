"""The members' pages in Django: functions in the project, behind its login and CSRF protection."""

from __future__ import annotations

from hmac import compare_digest
from typing import Any

from django.contrib.auth import authenticate, login, logout
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User, update_last_login
from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import include, path
from django.views.decorators.cache import cache_page
from django.views.decorators.http import require_GET, require_POST
from django_ratelimit.decorators import ratelimit

from wsgi_lambda.django import functions, lambda_view

# The shop has no database in which a login could be recorded.
user_logged_in.disconnect(update_last_login, dispatch_uid="update_last_login")


class Backend:
    """Knows one member; a real shop would look her up."""

    def authenticate(self, request: Any, username: str = "", password: str = "") -> User | None:
        is_right = compare_digest(password.encode(), b"tea")
        return self.get_user(1) if username == "ada" and is_right else None

    def get_user(self, user_id: int) -> User:
        return User(pk=1, username="ada", password="unusable")


@require_GET
def members(request: HttpRequest) -> HttpResponse:
    return _page(request)


@require_POST
def log_in(request: HttpRequest) -> HttpResponse:
    given = request.POST.get
    user = authenticate(request, username=given("name", ""), password=given("password", ""))
    if user is None:
        return _page(request, error="The name or the password is wrong.", status=401)
    login(request, user)
    return _see_members()


@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return _see_members()


def _see_members() -> HttpResponse:
    response = HttpResponseRedirect("/members/")
    response.status_code = 303
    return response


def _page(request: HttpRequest, *, error: str = "", status: int = 200) -> HttpResponse:
    name, found = "", 0
    if request.user.is_authenticated:
        name = request.user.get_username()
        found = functions["catalogue"].invoke(is_safe=True).json["found"]
    shown = {"user_name": name, "found": found, "error": error}
    return render(request, "members.html", shown, status=status)


urlpatterns = [
    path("members/", members),
    path("members/login", log_in),
    path("members/logout", log_out),
    # A form that goes to a function; CsrfViewMiddleware checks its token.
    path("members/note", require_POST(login_required(lambda_view("note")))),
    # The response stays in the cache of this process for a minute.
    path("members/catalogue", login_required(cache_page(60)(lambda_view("catalogue")))),
    path(
        "members/label",
        ratelimit(key="user_or_ip", rate="5/m")(login_required(lambda_view("label"))),
    ),
    path("", include("wsgi_lambda.django.urls")),
]
