"""The members' pages in Flask: functions in the app, behind its login and CSRF protection."""

from __future__ import annotations

import os
import secrets
from hmac import compare_digest

from flask import Flask, redirect, render_template, request
from flask_caching import Cache
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import (
    LoginManager,
    UserMixin,
    current_user,
    login_required,
    login_user,
    logout_user,
)
from flask_wtf import CSRFProtect
from flask_wtf.csrf import generate_csrf
from werkzeug.wrappers import Response

from wsgi_lambda.flask import LambdaFunctions


class User(UserMixin):  # type: ignore[misc]
    """A member; a real shop would look her up."""

    def __init__(self, name: str) -> None:
        self.id = name


def add_members(app: Flask) -> None:
    """Add the pages below /members/ to ``app``."""
    # The demo sets one key for all workers. A single process may make its own.
    app.secret_key = os.environ.get("DEMO_SECRET_KEY") or secrets.token_urlsafe(50)
    app.config["SESSION_COOKIE_SAMESITE"] = "Lax"
    app.config["WTF_CSRF_FIELD_NAME"] = "csrfmiddlewaretoken"  # as in Django
    CSRFProtect(app)
    LoginManager(app).user_loader(User)
    limiter = Limiter(get_remote_address, app=app, storage_uri="memory://")
    cache = Cache(app, config={"CACHE_TYPE": "SimpleCache"})
    functions = LambdaFunctions(app, decorators=[login_required])

    # A form that goes to a function; CSRFProtect checks its token.
    note = login_required(functions.view("note"))
    app.add_url_rule("/members/note", view_func=note, methods=["POST"])
    # The response stays in the cache of this process for a minute.
    catalogue = login_required(cache.cached(60, query_string=True)(functions.view("catalogue")))
    app.add_url_rule("/members/catalogue", view_func=catalogue, methods=["GET"])
    label = limiter.limit("5/minute")(login_required(functions.view("label")))
    app.add_url_rule("/members/label", view_func=label, methods=["GET"])

    @app.get("/members/")
    def members() -> str:
        return _page(functions)

    @app.post("/members/login")
    def login() -> Response | tuple[str, int]:
        name, password = request.form.get("name", ""), request.form.get("password", "")
        if name != "ada" or not compare_digest(password.encode(), b"tea"):
            return _page(functions, error="The name or the password is wrong."), 401
        login_user(User(name))
        return redirect("/members/", 303)

    @app.post("/members/logout")
    def logout() -> Response:
        logout_user()
        return redirect("/members/", 303)


def _page(functions: LambdaFunctions, error: str = "") -> str:
    name, found = "", 0
    if current_user.is_authenticated:
        name = current_user.get_id()
        found = functions["catalogue"].invoke(is_safe=True).json["found"]
    return render_template(
        "members.html",
        user_name=name,
        found=found,
        error=error,
        csrf_token=generate_csrf(),
    )
