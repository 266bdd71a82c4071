"""Flask's extensions protect Lambda functions as they protect any view."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from flask import Flask, session
from flask_caching import Cache
from flask_compress import Compress
from flask_cors import CORS
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager, UserMixin, login_required, login_user, logout_user
from flask_talisman import Talisman
from flask_wtf import CSRFProtect
from flask_wtf.csrf import generate_csrf

from tests.inapp.conftest import PROXY, V1, MakeFlask, events, function_error, result
from tests.servers import lambda_server as far_end
from tests.servers.lambda_server import LambdaServer


class User(UserMixin):  # type: ignore[misc]
    def __init__(self, id: str) -> None:
        self.id = id


def app_with_login() -> Flask:
    app = Flask("shop")
    app.secret_key = "a secret for tests"
    manager = LoginManager(app)
    manager.user_loader(User)

    @app.post("/login/<name>")
    def login(name: str) -> str:
        login_user(User(name))
        return "in"

    @app.post("/logout")
    def logout() -> str:
        logout_user()
        return "out"

    return app


# Flask-Login


def test_login_required_for_all_routes_and_a_view(make_flask: MakeFlask, far: LambdaServer) -> None:
    app, functions = make_flask(
        {"/lambda1": "f"}, {"pay": {}}, app=app_with_login(), decorators=[login_required]
    )
    app.add_url_rule("/pay/<id>", view_func=login_required(functions.view("pay")))
    client = app.test_client()

    def statuses() -> list[int]:
        paths = ("/lambda1", "/lambda1/x", "//lambda1", "/pay/7")
        return [
            client.post("/", environ_overrides={"PATH_INFO": path}).status_code for path in paths
        ]

    assert statuses() == [401] * 4
    assert far.invocations == []
    client.post("/login/ada")
    assert statuses() == [200] * 4
    client.post("/logout")
    assert statuses() == [401] * 4


def test_options_never_reach_a_function(make_flask: MakeFlask, far: LambdaServer) -> None:
    # login_required lets OPTIONS pass without a login.
    app, functions = make_flask(
        {"/lambda1": "f"}, {"pay": {}}, app=app_with_login(), decorators=[login_required]
    )
    app.add_url_rule("/pay", view_func=login_required(functions.view("pay")))
    client = app.test_client()
    assert [client.options(path).status_code for path in ("/lambda1", "/pay")] == [200, 200]
    assert far.invocations == []


def test_user_is_the_principal(make_flask: MakeFlask, far: LambdaServer) -> None:
    routes = {"/f": {"function_name": "f", "consumers": ["ada"], **V1}}
    app, _ = make_flask(routes, app=app_with_login())
    client = app.test_client()
    forged = {"Remote-User": "ada", "X-Remote-User": "ada"}
    assert client.get("/f", headers=forged).status_code == 404
    assert client.get("/f", environ_overrides={"REMOTE_USER": "ada"}).status_code == 404
    client.post("/login/eve")
    assert client.get("/f").status_code == 404
    client.post("/login/ada")
    assert client.get("/f").status_code == 200
    assert events(far)[0]["requestContext"]["authorizer"] == {"principalId": "ada"}


@pytest.mark.parametrize(
    ("options", "varies"), [({}, False), (V1, True), ({"consumers": ["ada"]}, True)]
)
def test_session_is_read_only_if_an_event_or_consumers_need_it(
    make_flask: MakeFlask, far: LambdaServer, options: Any, varies: bool
) -> None:
    # (Flask-Login reads the session in a hook of its own, for every request of the app.)
    principal = lambda request: session.get("user")  # noqa: E731
    app, _ = make_flask({"/f": {"function_name": "f", **options}}, principal=principal)
    assert ("Cookie" in app.test_client().get("/f").headers.get("Vary", "")) == varies


def test_configured_principal_wins_over_the_user(make_flask: MakeFlask, far: LambdaServer) -> None:
    routes = {"/f": {"function_name": "f", **V1}}
    app, _ = make_flask(routes, app=app_with_login(), principal=lambda request: None)
    client = app.test_client()
    client.post("/login/ada")
    client.get("/f")
    assert "authorizer" not in events(far)[0]["requestContext"]


# Flask-WTF


def app_with_csrf() -> tuple[Flask, CSRFProtect]:
    app = Flask("shop")
    app.secret_key = "a secret for tests"
    csrf = CSRFProtect(app)
    app.add_url_rule("/token", view_func=lambda: generate_csrf(), endpoint="token")
    return app, csrf


@pytest.mark.parametrize("path", ["/lambda1", "/lambda1/x", "/pay/7"])
@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "application/json", "", "text/plain"]
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_csrf_applies_to_routes_and_views(
    make_flask: MakeFlask, far: LambdaServer, path: str, kind: str, method: str
) -> None:
    app, _ = app_with_csrf()
    _, functions = make_flask({"/lambda1": "f"}, {"pay": {}}, app=app)
    app.add_url_rule("/pay/<id>", view_func=functions.view("pay"))
    client = app.test_client()
    response = client.open(path, method=method, data=b"{}", content_type=kind)
    assert (response.status_code, far.invocations) == (400, [])
    token = {"X-CSRFToken": client.get("/token").text}
    response = client.open(path, method=method, data=b"{}", content_type=kind, headers=token)
    assert (response.status_code, len(far.invocations)) == (200, 1)


@pytest.mark.parametrize("multipart", [False, True])
@pytest.mark.parametrize("path", ["/lambda1", "/pay/7"])
def test_form_that_csrf_has_parsed_is_complete(
    make_flask: MakeFlask, far: LambdaServer, path: str, multipart: bool
) -> None:
    app, _ = app_with_csrf()
    _, functions = make_flask({"/lambda1": "f"}, {"pay": {}}, app=app)
    app.add_url_rule("/pay/<id>", view_func=functions.view("pay"))
    client = app.test_client()
    token = client.get("/token").text
    kind = "multipart/form-data" if multipart else None
    response = client.post(path, data={"a": "1", "csrf_token": token}, content_type=kind)
    assert response.status_code == 200
    # The field of the token stays in the event.
    assert {**events(far)[0], "id": ""} == {"a": "1", "csrf_token": token, "id": ""}


def test_exempting_one_view_exempts_only_it(make_flask: MakeFlask, far: LambdaServer) -> None:
    app, csrf = app_with_csrf()
    _, functions = make_flask(
        {"/lambda1": "f"}, {"hook": {}, "pay": {}, "hook%2E": {"function_name": "f"}}, app=app
    )
    for name in ("hook", "pay", "hook%2E"):
        app.add_url_rule(f"/{name}", view_func=functions.view(name))
    csrf.exempt(functions.view("hook"))
    client = app.test_client()
    found = [client.post(path).status_code for path in ("/hook", "/pay", "/hook%252E", "/lambda1")]
    assert found == [200, 400, 400, 400]


def test_exempting_the_blueprint_exempts_all_routes(
    make_flask: MakeFlask, far: LambdaServer
) -> None:
    app, csrf = app_with_csrf()
    _, functions = make_flask({"/lambda1": "f", "/b/{id}": "g"}, {"pay": {}}, app=app)
    app.add_url_rule("/pay", view_func=functions.view("pay"))
    csrf.exempt(app.blueprints["wsgi_lambda"])
    client = app.test_client()
    found = [client.post(path).status_code for path in ("/lambda1", "/b/7", "/pay")]
    assert found == [200, 200, 400]


# Flask-Limiter


def app_with_limiter() -> tuple[Flask, Limiter]:
    app = Flask("shop")
    return app, Limiter(get_remote_address, app=app, storage_uri="memory://")


def test_limit_of_one_view(make_flask: MakeFlask, far: LambdaServer) -> None:
    app, limiter = app_with_limiter()
    _, functions = make_flask({}, {"pay": {}, "free": {}}, app=app)
    app.add_url_rule("/pay", view_func=limiter.limit("2/minute")(functions.view("pay")))
    app.add_url_rule("/free", view_func=functions.view("free"))
    client = app.test_client()
    assert [client.get("/pay").status_code for _ in range(3)] == [200, 200, 429]
    assert [client.get("/free").status_code for _ in range(3)] == [200, 200, 200]


def test_limit_of_all_routes_counts_each_path(make_flask: MakeFlask, far: LambdaServer) -> None:
    app, limiter = app_with_limiter()
    make_flask({"/static": "f", "/b": "g"}, app=app)
    limiter.limit("2/minute")(app.blueprints["wsgi_lambda"])
    client = app.test_client()
    assert [client.get("/b").status_code for _ in range(3)] == [200, 200, 429]
    assert client.get("/b/below").status_code == 429


def test_default_limits_hold_for_routes_and_views(make_flask: MakeFlask, far: LambdaServer) -> None:
    app = Flask("shop", static_folder=None)
    Limiter(get_remote_address, app=app, storage_uri="memory://", default_limits=["1/minute"])
    _, functions = make_flask({"/static": "f"}, {"static": {}}, app=app)
    app.add_url_rule("/view", view_func=functions.view("static"))
    client = app.test_client()
    for path in ("/static", "/view"):
        assert [client.get(path).status_code for _ in range(2)] == [200, 429]
    assert len(far.invocations) == 2


# Flask-Caching


def cached_app(make_flask: MakeFlask, **options: Any) -> Any:
    app = Flask("shop")
    cache = Cache(app, config={"CACHE_TYPE": "SimpleCache"})
    _, functions = make_flask({}, {"catalogue": options}, app=app)
    view = cache.cached(60, query_string=True)(functions.view("catalogue"))
    app.add_url_rule("/catalogue", view_func=view, methods=["GET"])
    return app.test_client()


def test_response_is_cached(make_flask: MakeFlask, far: LambdaServer) -> None:
    far.script(result(200, "one", headers={"X-A": "1"}, cookies=["a=1"]))
    client = cached_app(make_flask, **PROXY)
    for _ in range(2):
        response = client.get("/catalogue?a=1")
        assert (response.text, response.headers["X-A"]) == ("one", "1")
    assert len(far.invocations) == 1
    client.get("/catalogue?a=2")
    assert len(far.invocations) == 2


@pytest.mark.parametrize(
    ("step", "options"),
    [
        (far_end.respond(429), {}),
        (function_error(), {}),
        (function_error(), PROXY),
        (function_error(), {"unhandled_status": 200}),
        (far_end.respond(429), {"on_error": lambda *_: None}),
    ],
    ids=["throttled", "plain", "proxy", "unhandled", "on_error"],
)
def test_failure_is_never_cached(
    make_flask: MakeFlask, far: LambdaServer, step: Any, options: Any
) -> None:
    far.script(step, result(200, "fine"))
    client = cached_app(make_flask, **options)
    client.get("/catalogue")
    assert client.get("/catalogue").status_code == 200
    assert len(far.invocations) == 2


# Flask-CORS, talisman, Compress


def test_preflight_never_reaches_the_function(make_flask: MakeFlask, far: LambdaServer) -> None:
    app = Flask("shop")
    CORS(app, origins=["https://shop.test"])
    _, functions = make_flask(
        {"/lambda1": {"function_name": "f", "methods": ["POST"]}}, {"pay": {}}, app=app
    )
    app.add_url_rule("/pay", view_func=functions.view("pay"))
    client = app.test_client()
    preflight = {"Origin": "https://shop.test", "Access-Control-Request-Method": "POST"}
    for path in ("/lambda1", "/pay"):
        response = client.options(path, headers=preflight)
        assert response.status_code == 200
        assert response.headers["Access-Control-Allow-Origin"] == "https://shop.test"
        assert "POST" in response.headers["Access-Control-Allow-Methods"]
        assert far.invocations == []
    response = client.post("/lambda1", headers={"Origin": "https://shop.test"})
    assert response.headers["Access-Control-Allow-Origin"] == "https://shop.test"


def test_talisman_adds_its_headers_and_redirects(make_flask: MakeFlask, far: LambdaServer) -> None:
    app = Flask("shop")
    Talisman(app)
    make_flask({"/lambda1": "f"}, app=app)
    client = app.test_client()
    assert client.get("/lambda1").status_code == 302
    assert far.invocations == []
    response = client.get("/lambda1", base_url="https://localhost")
    assert "default-src" in response.headers["Content-Security-Policy"]
    assert response.headers["X-Frame-Options"] == "SAMEORIGIN"


def test_compress(make_flask: MakeFlask, far: LambdaServer) -> None:
    app = Flask("shop")
    Compress(app)
    make_flask({"/lambda1": "f"}, app=app)
    text = "x" * 2000
    far.script(far_end.respond(200, {}, json.dumps(text).encode()))
    response = app.test_client().get("/lambda1", headers={"Accept-Encoding": "gzip"})
    assert response.headers["Content-Encoding"] == "gzip"
    assert response.headers["Content-Length"] == str(len(response.data))
    assert json.loads(gzip.decompress(response.data)) == text


def test_session_of_flask_is_saved(make_flask: MakeFlask, far: LambdaServer) -> None:
    app, _ = make_flask({"/lambda1": "f"})

    @app.before_request
    def count() -> None:
        session["visits"] = session.get("visits", 0) + 1

    client = app.test_client()
    client.get("/lambda1")
    client.get("/lambda1")
    with client.session_transaction() as stored:
        assert stored["visits"] == 2
