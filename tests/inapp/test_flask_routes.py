"""Configured routes in a Flask app: url rules, methods, precedence, configuration."""

from __future__ import annotations

import types
from typing import Any
from urllib.parse import unquote

import pytest
from flask import Blueprint, Flask, url_for
from werkzeug.routing import BaseConverter

from tests.conftest import defaults
from tests.inapp.conftest import V1, V2, MakeFlask, events, names
from tests.servers.lambda_server import LambdaServer
from wsgi_lambda import ConfigError, LambdaMiddleware
from wsgi_lambda.flask import LambdaFunctions

SIX = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}


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
        ({"/{a}/x/{b}": "f"}, "/1/x/2", "f"),
        ({"/files/{path+}": "f"}, "/files/a/b/", "f"),
        ({"/files/{path+}": "f"}, "/files/", None),
        ({"/files/{path+}": "f"}, "/files", None),
        ({"/": "f"}, "/", "f"),
        ({"/": "f"}, "/any/thing", "f"),
        ({"/": {"function_name": "f", "exact": True}}, "/", "f"),
        ({"/": {"function_name": "f", "exact": True}}, "/a", None),
        ({"/": [{"function_name": "f", "exact": True}, {"function_name": "g"}]}, "/", "f"),
        ({"/": [{"function_name": "f", "exact": True}, {"function_name": "g"}]}, "/a", "g"),
        ({"/日本": "f"}, "/%E6%97%A5%E6%9C%AC/x", "f"),
        ({"/a.b": "f"}, "/a.b/c", "f"),
        ({"/shop": "f", "/shop/{id}": "g"}, "/shop/7", "g"),
        ({"/shop": "f", "/shop/{id}": "g"}, "/shop/7/8", "f"),
    ],
)
def test_path_of_a_route(
    make_flask: MakeFlask, far: LambdaServer, routes: Any, path: str, name: str | None
) -> None:
    app, _ = make_flask(routes)
    # The client of tests would take "//shop" for a host.
    response = app.test_client().get("/", environ_overrides={"PATH_INFO": unquote(path, "latin-1")})
    assert (response.status_code, names(far)) == ((200, [name]) if name else (404, []))


HOSTS = {
    "/shop": [
        {"function_name": "api", "hosts": ["api.shop.test"]},
        {"function_name": "f", "hosts": ["shop.test"]},
    ],
    "/any": "any",
}


@pytest.mark.parametrize(
    ("host", "path", "name"),
    [
        ("shop.test", "/shop/7", "f"),
        ("api.shop.test", "/shop/7", "api"),
        ("other.shop.test", "/shop/7", None),
        ("other.shop.test", "/any", "any"),
        ("api.shop.test", "/own", None),
        ("shop.test", "/own", "own"),
    ],
)
@pytest.mark.parametrize("matching", ["host", "subdomain"])
def test_hosts_of_routes_decide_in_an_app_that_matches_hosts(
    make_flask: MakeFlask, far: LambdaServer, matching: str, host: str, path: str, name: str | None
) -> None:
    if matching == "host":
        app = Flask("shop", host_matching=True, static_host="shop.test")
        place = {"host": "shop.test"}
    else:
        app, place = Flask("shop", subdomain_matching=True), {}
        app.config["SERVER_NAME"] = "shop.test"
    app, functions = make_flask(HOSTS, {"own": {}}, app=app)
    app.add_url_rule("/own", view_func=functions.view("own"), **place)
    response = app.test_client().get(path, headers={"Host": host})
    assert (response.status_code, names(far)) == ((200, [name]) if name else (404, []))
    assert app.test_cli_runner().invoke(args=["lambda", "routes"]).exit_code == 0


def test_url_of_a_route_is_built_on_the_current_host(make_flask: MakeFlask) -> None:
    paths = {"/shop": "f", "/t/{id}": "f"}
    app = Flask("shop", host_matching=True, static_host="shop.test")
    make_flask(paths, app=app)
    with app.test_request_context(base_url="http://eu.test:8000"):
        assert url_for("wsgi_lambda.route_/shop", below="a/b") == "/shop/a/b"
        assert url_for("wsgi_lambda.route_/shop", _external=True) == "http://eu.test:8000/shop"
        other = url_for("wsgi_lambda.route_/t/{id}", p1=7, host="us.test")
        assert other == "http://us.test/t/7"
    app.config["SERVER_NAME"] = "shop.test"
    with app.app_context():
        assert url_for("wsgi_lambda.route_/shop") == "http://shop.test/shop"


def test_url_of_a_route_is_built_on_the_current_subdomain(make_flask: MakeFlask) -> None:
    app = Flask("shop", subdomain_matching=True)
    app.config["SERVER_NAME"] = "shop.test"
    make_flask({"/shop": "f"}, app=app)
    for base, external in [
        ("http://eu.shop.test", "http://eu.shop.test/shop"),
        ("http://shop.test", "http://shop.test/shop"),
    ]:
        with app.test_request_context(base_url=base):
            assert url_for("wsgi_lambda.route_/shop") == "/shop"
            assert url_for("wsgi_lambda.route_/shop", _external=True) == external
    with app.app_context():
        assert url_for("wsgi_lambda.route_/shop") == "http://shop.test/shop"


@pytest.mark.filterwarnings("ignore:Current server name")
def test_foreign_host_of_an_app_with_subdomains(make_flask: MakeFlask, far: LambdaServer) -> None:
    app = Flask("shop", subdomain_matching=True)
    app.config["SERVER_NAME"] = "shop.test"
    make_flask({"/any": "any"}, app=app)
    response = app.test_client().get("/any", headers={"Host": "evil.test"})
    assert (response.status_code, names(far)) == (404, [])


def test_template_falls_back_to_the_prefix_for_another_method(
    make_flask: MakeFlask, far: LambdaServer
) -> None:
    app, _ = make_flask(
        {
            "/shop": {"function_name": "f", "methods": ["GET"]},
            "/shop/{id}": {"function_name": "g", "methods": ["POST"]},
        }
    )
    client = app.test_client()
    client.get("/shop/7")
    client.post("/shop/7")
    assert names(far) == ["f", "g"]
    response = client.delete("/shop/7")
    assert (response.status_code, response.allow.as_set(True)) == (405, {"GET", "POST", "OPTIONS"})


def test_path_reaches_the_event_as_the_client_sent_it(
    make_flask: MakeFlask, far: LambdaServer
) -> None:
    app, _ = make_flask({"/shop": {"function_name": "f", **V2}})
    app.test_client().get("/shop//a%2Fb/", environ_overrides={"REQUEST_URI": "/shop//a%2Fb/"})
    assert events(far)[0]["rawPath"] == "/shop//a%2Fb/"


def test_path_parameters_come_from_the_routing_table(
    make_flask: MakeFlask, far: LambdaServer
) -> None:
    app, _ = make_flask({"/todos/{order-id}": {"function_name": "f", **V1}})
    app.test_client().get("/todos/7/")
    (event,) = events(far)
    assert (event["resource"], event["pathParameters"]) == ("/todos/{order-id}", {"order-id": "7"})


def test_mount_is_part_of_the_events_path(make_flask: MakeFlask, far: LambdaServer) -> None:
    app, _ = make_flask({"/shop": {"function_name": "f", **V2}})
    app.test_client().get("/shop/7", base_url="http://localhost/mount")
    assert events(far)[0]["rawPath"] == "/mount/shop/7"


@pytest.mark.parametrize("method", sorted(SIX))
def test_route_without_methods_takes_six(
    make_flask: MakeFlask, far: LambdaServer, method: str
) -> None:
    app, _ = make_flask({"/f": "f"})
    assert app.test_client().open("/f", method=method).status_code == 200
    assert len(far.invocations) == 1


@pytest.mark.parametrize("method", ["TRACE", "PURGE"])
def test_other_methods_are_not_allowed(
    make_flask: MakeFlask, far: LambdaServer, method: str
) -> None:
    app, _ = make_flask({"/f": "f"})
    response = app.test_client().open("/f", method=method)
    assert (response.status_code, response.allow.as_set(True)) == (405, {*SIX, "OPTIONS"})
    assert far.invocations == []


def test_other_methods_are_taken_if_a_route_lists_them(
    make_flask: MakeFlask, far: LambdaServer
) -> None:
    app, _ = make_flask({"/f": {"function_name": "f", "methods": ["PURGE", "OPTIONS"]}})
    client = app.test_client()
    assert client.open("/f", method="PURGE").status_code == 200
    assert client.options("/f").status_code == 200
    assert len(far.invocations) == 2
    assert client.get("/f").status_code == 405


def test_options_are_the_apps(make_flask: MakeFlask, far: LambdaServer) -> None:
    app, _ = make_flask({"/f": {"function_name": "f", "methods": ["GET"]}})
    response = app.test_client().options("/f")
    assert (response.status_code, response.allow.as_set(True)) == (200, {"GET", "OPTIONS"})
    assert far.invocations == []


def test_get_does_not_imply_head(make_flask: MakeFlask, far: LambdaServer) -> None:
    app, _ = make_flask({"/f": {"function_name": "f", "methods": ["GET"]}})
    response = app.test_client().head("/f")
    assert (response.status_code, response.allow.as_set(True)) == (405, {"GET", "OPTIONS"})


def test_methods_of_a_prefix_and_of_an_exact_route(
    make_flask: MakeFlask, far: LambdaServer
) -> None:
    app, _ = make_flask(
        {
            "/f": [
                {"function_name": "e", "exact": True, "methods": ["POST"]},
                {"function_name": "p", "methods": ["GET"]},
            ]
        }
    )
    client = app.test_client()
    for method, path in [("POST", "/f"), ("POST", "/f/"), ("GET", "/f/"), ("GET", "/f/a")]:
        client.open(path, method=method)
    assert names(far) == ["e", "e", "p", "p"]
    assert client.post("/f/a").status_code == 405


@pytest.mark.parametrize(
    "condition", [{"hosts": ["other.test"]}, {"headers": {"X-A": ["1"]}}, {"consumers": ["ada"]}]
)
def test_unmatched_condition_is_the_apps_own_404(
    make_flask: MakeFlask, far: LambdaServer, condition: Any
) -> None:
    app, _ = make_flask({"/f": {"function_name": "f", **condition}})
    app.register_error_handler(404, lambda error: ("the app's own", 404))
    response = app.test_client().get("/f")
    assert (response.status_code, response.text) == (404, "the app's own")
    assert far.invocations == []


def test_condition_and_method_of_two_routes(make_flask: MakeFlask, far: LambdaServer) -> None:
    routes = [
        {"function_name": "f", "hosts": ["a.test"], "methods": ["GET"]},
        {"function_name": "g", "methods": ["POST"]},
    ]
    app, _ = make_flask({"/f": routes})
    response = app.test_client().get("/f")
    assert response.status_code == 404


def test_nul_in_the_path(make_flask: MakeFlask, far: LambdaServer) -> None:
    app, _ = make_flask({"/f": "f"})
    response = app.test_client().get("/f/%00")
    assert (response.status_code, response.json["message"]) == (
        400,
        "The request's path contains NUL",
    )
    assert app.test_client().get("/other/%00").status_code == 404
    assert far.invocations == []


def test_other_spellings_are_the_same_route_or_404(
    make_flask: MakeFlask, far: LambdaServer
) -> None:
    app, _ = make_flask({"/f": "f"})
    client = app.test_client()
    paths = ("//f", "/./f", "/a/../f", "/f//")
    found = [client.get("/", environ_overrides={"PATH_INFO": path}).status_code for path in paths]
    assert found == [200, 404, 404, 200]


def test_rules_of_the_app_come_first(make_flask: MakeFlask, far: LambdaServer) -> None:
    app = Flask("shop")
    app.add_url_rule("/a/<int:id>", view_func=lambda id: "int", endpoint="int")
    make_flask({"/": "root", "/a/{id}": "one", "/b": "b", "/c": "c", "/d/{rest+}": "d"}, app=app)
    # Rules that are added later are more specific, too.
    app.add_url_rule("/", view_func=lambda: "home", endpoint="home")
    app.add_url_rule("/b/<path:x>", view_func=lambda x: "path", endpoint="path")
    app.add_url_rule("/a/<path:x>", view_func=lambda x: "path", endpoint="path2")
    app.add_url_rule("/d/<x>", view_func=lambda x: "var", endpoint="var")
    app.add_url_rule("/c", view_func=lambda: "late", endpoint="late")
    client = app.test_client()

    def served(path: str) -> str:
        before = len(far.invocations)
        text = client.get(path).text
        return names(far)[-1] if len(far.invocations) > before else text

    assert [served(path) for path in ("/", "/x", "/static-like", "/a/7", "/a/x", "/a/x/y")] == [
        "home",
        "root",
        "root",
        "int",
        "one",
        "path",
    ]
    assert [served(path) for path in ("/b", "/b/", "/b/x", "/c", "/d/x", "/d/x/y")] == [
        "b",
        "b",
        "path",
        "c",
        "var",
        "d",
    ]


def test_default_converter_of_the_app_does_not_matter(
    make_flask: MakeFlask, far: LambdaServer
) -> None:
    class Digits(BaseConverter):
        regex = r"\d+"

    app = Flask("shop")
    app.url_map.converters["default"] = Digits
    make_flask({"/todos/{id}": "f"}, app=app)
    assert app.test_client().get("/todos/x").status_code == 200


def test_endpoints_and_names_of_views(make_flask: MakeFlask) -> None:
    app, functions = make_flask(
        {"/static": "f", "/a.b": "f", "/a_b": "g"}, {"static": {}, "x.y": {}}
    )
    assert {name for name in app.view_functions if name != "static"} == {
        "wsgi_lambda.route_/static",
        "wsgi_lambda.route_/a%2Eb",
        "wsgi_lambda.route_/a_b",
    }
    views = [functions.view("static"), functions.view("x.y")]
    views += [app.view_functions[name] for name in app.view_functions if name != "static"]
    places = {(view.__module__, view.__name__, view.__qualname__) for view in views}
    assert len(places) == len(views)
    assert functions.view("static").__name__ == "lambda_static"
    assert functions.view("static") is functions.view("static")


def test_authorize_runs_in_the_context_of_flask(make_flask: MakeFlask, far: LambdaServer) -> None:
    from flask import g
    from werkzeug.wrappers import Request, Response

    def authorize(request: Request) -> Response | None:
        assert g.hook == "ran"
        assert request.get_data() == b"a=1"
        request.environ["REMOTE_USER"] = "ada"
        return None if request.args else Response("no", 401, {"X-Own": "1"})

    app, _ = make_flask({"/f": {"function_name": "f", "authorize": authorize, **V1}})

    @app.before_request
    def hook() -> None:
        g.hook = "ran"

    client = app.test_client()
    refused = client.post("/f", data={"a": "1"})
    assert (refused.status_code, refused.text, refused.headers["X-Own"]) == (401, "no", "1")
    assert far.invocations == []
    assert client.post("/f?b=2", data={"a": "1"}).status_code == 200
    assert events(far)[0]["requestContext"]["authorizer"] == {"principalId": "ada"}


# Configuration


def test_missing_configuration_names_the_key() -> None:
    with pytest.raises(RuntimeError, match="WSGI_LAMBDA"):
        LambdaFunctions(Flask("shop"))


def test_invalid_configuration_lists_all_problems(make_flask: MakeFlask) -> None:
    with pytest.raises(ConfigError) as caught:
        make_flask({"/f": {"function_name": "f", "timeout": 0}}, {"pay": {"timeout": 0}})
    assert len(caught.value.errors) == 2


def test_second_init_app_is_refused(make_flask: MakeFlask) -> None:
    app, functions = make_flask({"/f": "f"})
    with pytest.raises(RuntimeError, match="already"):
        functions.init_app(app)


def test_one_object_serves_several_apps(make_flask: MakeFlask, far: LambdaServer) -> None:
    functions = LambdaFunctions()
    blueprint = Blueprint("shop", "shop", url_prefix="/in")
    blueprint.add_url_rule("/pay/<id>", view_func=functions.view("pay"))
    for name in ("one", "two"):
        app = Flask("shop")
        app.config["WSGI_LAMBDA"] = {**defaults(far), "functions": {"pay": {"function_name": name}}}
        functions.init_app(app)
        app.register_blueprint(blueprint)
        assert app.test_client().get("/in/pay/7").json == {"id": "7"}
        with app.app_context():
            assert functions.dispatcher is app.extensions["wsgi_lambda"]
    assert names(far) == ["one", "two"]


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_app_inside_a_middleware_is_refused(make_flask: MakeFlask, layers: int) -> None:
    from werkzeug.middleware.proxy_fix import ProxyFix

    app = Flask("shop")
    app.wsgi_app = LambdaMiddleware(app.wsgi_app, {"routes": {}})  # type: ignore[method-assign]
    if layers == 2:
        app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]
    if layers == 3:
        static = types.SimpleNamespace(application=app.wsgi_app)  # as WhiteNoise
        app.wsgi_app = ProxyFix(static)  # type: ignore[method-assign, arg-type]
    with pytest.raises(RuntimeError, match="LambdaMiddleware"):
        make_flask({"/f": "f"}, app=app)


def test_environment_variables_of_flask(far: LambdaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in defaults(far).items():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        monkeypatch.setenv(f"FLASK_WSGI_LAMBDA__{name}", text)
    monkeypatch.setenv("FLASK_WSGI_LAMBDA__routes", '{"/x": {"function_name": "f"}}')
    app = Flask("shop")
    app.config.from_prefixed_env()
    LambdaFunctions(app)
    assert app.test_client().get("/x").status_code == 200


def test_configuration_may_be_a_file(far: LambdaServer, tmp_path: Any) -> None:
    import json

    path = tmp_path / "lambda.json"
    path.write_text(json.dumps({**defaults(far), "routes": {"/x": {"function_name": "f"}}}))
    app = Flask("shop")
    app.config["WSGI_LAMBDA"] = str(path)
    LambdaFunctions(app)
    assert app.test_client().get("/x").status_code == 200


def test_nothing_is_opened_before_the_first_invocation(
    make_flask: MakeFlask, far: LambdaServer
) -> None:
    make_flask({"/f": "f"}, {"pay": {}})
    assert far.connections == 0


def test_decorators_of_all_routes(make_flask: MakeFlask, far: LambdaServer) -> None:
    from functools import wraps

    def adds(mark: str) -> Any:
        def decorate(view: Any) -> Any:
            @wraps(view)
            def decorated(*args: Any, **kwargs: Any) -> Any:
                seen.append(mark)
                return view(*args, **kwargs)

            return decorated

        return decorate

    seen: list[str] = []
    app, _ = make_flask({"/a": "f", "/b/{id}": "g"}, decorators=[adds("inner"), adds("outer")])
    app.test_client().get("/b/7")
    assert seen == ["outer", "inner"]


def test_trusted_hosts_hold(make_flask: MakeFlask, far: LambdaServer) -> None:
    app, _ = make_flask({"/f": "f"})
    app.config["TRUSTED_HOSTS"] = ["shop.test"]
    client = app.test_client()
    assert client.get("/f", base_url="http://evil.test").status_code == 400
    assert client.get("/f", base_url="http://shop.test").status_code == 200
    assert len(far.invocations) == 1


def test_proxy_fix_decides_host_scheme_and_port(make_flask: MakeFlask, far: LambdaServer) -> None:
    from werkzeug.middleware.proxy_fix import ProxyFix

    app, _ = make_flask({"/f": {"function_name": "f", "hosts": ["shop.test"], **V2}})
    app.wsgi_app = ProxyFix(app.wsgi_app, x_host=1, x_proto=1, x_port=1)  # type: ignore[method-assign]
    forwarded = {"X-Forwarded-Host": "shop.test", "X-Forwarded-Proto": "https"}
    assert app.test_client().get("/f", headers=forwarded).status_code == 200
    (event,) = events(far)
    assert event["requestContext"]["domainName"] == "shop.test"
    assert event["headers"]["x-forwarded-proto"] == "https"
