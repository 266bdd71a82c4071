"""Named functions of a Flask app: views, and calls from Python."""

from __future__ import annotations

import json
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
import werkzeug
from flask import Blueprint, Flask, request
from flask.json.provider import JSONProvider

from tests.inapp.conftest import V1, V2, MakeFlask, events, names
from tests.servers.lambda_server import LambdaServer
from wsgi_lambda.flask import LambdaFunctions


def test_view_has_the_values_of_its_url(make_flask: MakeFlask, far: LambdaServer) -> None:
    app, functions = make_flask({}, {"pay": {}})
    app.add_url_rule("/pay/<int:order_id>", view_func=functions.view("pay"))
    response = app.test_client().post("/pay/7?order_id=8&a=1", data={"order_id": "9"})
    assert response.json == {"order_id": "7", "a": "1"}


RULES = [
    ("/pay", "/pay", "/pay", {}),
    ("/pay/<int:order_id>", "/pay/7", "/pay/{order_id}", {"order_id": "7"}),
    ("/f/<path:rest>", "/f/a/b", "/f/{rest+}", {"rest": "a/b"}),
    (
        "/<any('a,b', \"c>d\"):x>/<string(length=2):y>",
        "/a,b/de",
        "/{x}/{y}",
        {"x": "a,b", "y": "de"},
    ),
]


@pytest.mark.parametrize(("rule", "path", "template", "values"), RULES)
def test_url_of_a_view_in_gateway_events(
    make_flask: MakeFlask,
    far: LambdaServer,
    rule: str,
    path: str,
    template: str,
    values: dict[str, str],
) -> None:
    app, functions = make_flask({}, {"one": V1, "two": V2})
    for name in ("one", "two"):
        blueprint = Blueprint(name, name, url_prefix=f"/{name}")
        blueprint.add_url_rule(rule, view_func=functions.view(name))
        app.register_blueprint(blueprint)
    for name in ("one", "two"):
        app.test_client().post(f"/{name}{path}")
    one, two = events(far)
    assert one["resource"] == one["requestContext"]["resourcePath"] == f"/one{template}"
    assert one["pathParameters"] == (values or None)
    assert two["routeKey"] == two["requestContext"]["routeKey"] == f"POST /two{template}"
    assert two.get("pathParameters", {}) == values
    assert two["rawPath"] == f"/two{path}"


def test_hooks_cannot_take_values_of_the_url_from_the_event(
    make_flask: MakeFlask, far: LambdaServer
) -> None:
    """Flask's own pattern for language codes takes a value away before the view runs."""
    app, functions = make_flask({}, {"pay": V1})
    blueprint = Blueprint("shop", "shop", url_prefix="/<tenant>/<lang>")
    blueprint.url_value_preprocessor(lambda _, values: values.pop("tenant"))
    blueprint.before_request(lambda: (request.view_args.pop("lang"), None)[1])
    blueprint.add_url_rule("/pay/<int:order_id>", view_func=functions.view("pay"))
    blueprint.add_url_rule("/own", view_func=lambda: functions["pay"].respond(), endpoint="own")
    app.register_blueprint(blueprint)
    for path in ("pay/7", "own"):
        app.test_client().get(f"/acme/de/{path}?tenant=evil")
    view, own = events(far)
    assert view["resource"] == "/{tenant}/{lang}/pay/{order_id}"
    assert view["pathParameters"] == {"tenant": "acme", "lang": "de", "order_id": "7"}
    assert own["pathParameters"] == {"tenant": "acme", "lang": "de"}


def test_respond_where_no_url_matched(make_flask: MakeFlask, far: LambdaServer) -> None:
    app, functions = make_flask({}, {"page": V2})
    app.register_error_handler(404, lambda error: functions["page"].respond())
    app.test_client().get("/missing")
    assert events(far)[0]["routeKey"] == "$default"


@pytest.mark.parametrize("method", ["TRACE", "PURGE"])
def test_view_takes_six_methods(make_flask: MakeFlask, far: LambdaServer, method: str) -> None:
    app, functions = make_flask({}, {"pay": {}})
    app.add_url_rule("/pay", view_func=functions.view("pay"))
    client = app.test_client()
    assert client.open("/pay", method=method).status_code == 405
    assert client.options("/pay").status_code == 200
    assert far.invocations == []
    for allowed in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
        assert client.open("/pay", method=allowed).status_code == 200


def test_view_that_a_url_rule_opens_to_options_is_still_closed(
    make_flask: MakeFlask, far: LambdaServer
) -> None:
    app, functions = make_flask({}, {"pay": {}})
    app.add_url_rule("/pay", view_func=functions.view("pay"), methods=["OPTIONS", "POST"])
    response = app.test_client().options("/pay")
    assert (response.status_code, far.invocations) == (405, [])
    assert "OPTIONS" not in response.allow.as_set(True)


def test_methods_of_the_url_rule(make_flask: MakeFlask, far: LambdaServer) -> None:
    app, functions = make_flask({}, {"pay": {}})
    app.add_url_rule("/pay", view_func=functions.view("pay"), methods=["POST"])
    assert app.test_client().get("/pay").status_code == 405


# From Python


@pytest.mark.parametrize(
    ("event", "sent"),
    [
        (None, b"{}"),
        ({"b": 1, "a": Decimal("1.5")}, b'{"a":"1.5","b":1}'),
        ([1, "\u65e5"], b'[1,"\\u65e5"]'),
        (b"raw", b"raw"),
        (0, b"0"),
        ("", b'""'),
    ],
)
def test_event_is_encoded_by_the_app(
    make_flask: MakeFlask, far: LambdaServer, event: Any, sent: bytes
) -> None:
    app, functions = make_flask({}, {"pay": {}})
    with app.app_context():
        functions["pay"].invoke(event)
    assert far.invocations[0].body.replace(b" ", b"") == sent


def test_not_a_number_is_a_value_error(make_flask: MakeFlask, far: LambdaServer) -> None:
    app, functions = make_flask({}, {"pay": {}})
    with app.app_context(), pytest.raises(ValueError, match="JSON compliant"):
        functions["pay"].invoke({"x": float("nan")})
    assert far.invocations == []


def test_json_provider_of_the_app(make_flask: MakeFlask, far: LambdaServer) -> None:
    class Provider(JSONProvider):
        def dumps(self, obj: Any, **kwargs: Any) -> str:
            return json.dumps({"wrapped": obj}, **kwargs)

        def loads(self, s: Any, **kwargs: Any) -> Any:
            return json.loads(s, **kwargs)

    app, functions = make_flask({}, {"pay": {}})
    app.json = Provider(app)
    with app.app_context():
        assert functions["pay"].invoke(7).json == {"wrapped": 7}


def test_function_may_be_invoked_from_any_thread(make_flask: MakeFlask, far: LambdaServer) -> None:
    app, functions = make_flask({}, {"pay": {}})
    with app.app_context():
        pay = functions["pay"]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(pay.invoke, [{"order": number} for number in range(8)]))
    assert [each.json["order"] for each in results] == list(range(8))


def test_nothing_of_the_request_is_passed_on(make_flask: MakeFlask, far: LambdaServer) -> None:
    app, functions = make_flask({}, {"pay": {}})
    app.add_url_rule("/", view_func=lambda: functions["pay"].invoke().json, endpoint="home")
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793"
    app.test_client().get("/", headers={"X-Amzn-Trace-Id": trace, "X-Own": "1"})
    (invocation,) = far.invocations
    assert invocation.header("x-own") is None
    assert trace not in (invocation.header("x-amzn-trace-id") or "")


def test_authorize_guards_views_and_not_invoke(make_flask: MakeFlask, far: LambdaServer) -> None:
    app, functions = make_flask({}, {"pay": {}}, authorize=lambda _: werkzeug.Response("", 401))
    app.add_url_rule("/view", view_func=functions.view("pay"))
    app.add_url_rule("/own", "own", lambda: functions["pay"].respond())
    app.add_url_rule("/python", "python", lambda: functions["pay"].invoke().json)
    client = app.test_client()
    paths = ("/view", "/own", "/python")
    assert [client.get(path).status_code for path in paths] == [401, 401, 200]
    assert len(far.invocations) == 1


def test_unknown_name(make_flask: MakeFlask, far: LambdaServer) -> None:
    app, functions = make_flask({}, {"pay": {}})
    with app.app_context(), pytest.raises(LookupError, match="did you mean 'pay'"):
        functions["pya"]
    # A view is looked up when it is used.
    app.add_url_rule("/pya", view_func=functions.view("pya"))
    app.testing = True
    with pytest.raises(LookupError, match="did you mean 'pay'"):
        app.test_client().get("/pya")


def test_app_without_the_extension() -> None:
    with Flask("other").app_context(), pytest.raises(RuntimeError, match="init_app"):
        LambdaFunctions()["pay"]


def test_functions_need_an_app_context(make_flask: MakeFlask) -> None:
    _, functions = make_flask({}, {"pay": {}})
    with pytest.raises(RuntimeError, match="context"):
        functions["pay"]


def test_function_in_an_async_view(make_flask: MakeFlask, far: LambdaServer) -> None:
    import asyncio

    app, functions = make_flask({}, {"pay": {}})

    @app.get("/")
    async def home() -> Any:
        result = await asyncio.to_thread(functions["pay"].invoke, {"a": 1})
        return result.json

    assert app.test_client().get("/").json == {"a": 1}


# Who is asking


def test_remote_user_of_the_server(make_flask: MakeFlask, far: LambdaServer) -> None:
    app, _ = make_flask({"/f": {"function_name": "f", "consumers": ["ada"], **V1}})
    client = app.test_client()
    assert client.get("/f", headers={"Remote-User": "ada"}).status_code == 404
    assert client.get("/f", environ_overrides={"REMOTE_USER": "ada"}).status_code == 200
    assert events(far)[0]["requestContext"]["authorizer"] == {"principalId": "ada"}


def test_configured_principal_gets_the_request_of_flask(
    make_flask: MakeFlask, far: LambdaServer
) -> None:
    def principal(request: Any) -> Any:
        return request.view_args.get("user") or request.args.get("user")

    routes = {"/f": {"function_name": "f", "consumers": ["ada"], **V1}}
    app, functions = make_flask(routes, {"pay": V1}, principal=principal)
    app.add_url_rule("/pay/<user>", view_func=functions.view("pay"))
    client = app.test_client()
    client.get("/pay/grace")
    assert events(far)[0]["requestContext"]["authorizer"] == {"principalId": "grace"}
    assert client.get("/f?user=ada").status_code == 200
    assert client.get("/f?user=eve").status_code == 404
    assert names(far) == ["pay", "f"]


@pytest.mark.parametrize(
    ("user", "text"), [(7, "7"), (0, "0"), (uuid.UUID(int=7), str(uuid.UUID(int=7)))]
)
def test_principal_is_text(
    make_flask: MakeFlask, far: LambdaServer, user: object, text: str
) -> None:
    """An app's own id of a user may be a number."""
    routes = {"/f": {"function_name": "f", "consumers": [text], **V1}}
    app, _ = make_flask(routes, principal=lambda _: user)
    assert app.test_client().get("/f").status_code == 200
    assert events(far)[0]["requestContext"]["authorizer"] == {"principalId": text}


def test_import_of_the_package_loads_no_framework() -> None:
    import subprocess

    code = "import sys, wsgi_lambda; print({'flask', 'django', 'click'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "set()\n"
