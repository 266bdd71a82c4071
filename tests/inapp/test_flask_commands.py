"""flask lambda routes, check and invoke."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.inapp.conftest import MakeFlask, events, function_error
from tests.servers import lambda_server as far_end
from tests.servers.event_stream import chunk, complete, stream, with_head
from tests.servers.lambda_server import LambdaServer
from wsgi_lambda import LambdaMiddleware


def run(app: Flask, *arguments: str) -> tuple[int, str]:
    done = app.test_cli_runner().invoke(args=["lambda", *arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def test_routes_lists_routes_and_functions(make_flask: MakeFlask) -> None:
    app, _ = make_flask({"/b": "f", "/a/{id}": "g"}, {"pay": {}})
    status, output = run(app, "routes")
    assert status == 0
    assert [line.split()[:2] for line in output.splitlines()] == [
        ["PATH", "KIND"],
        ["/a/{id}", "template"],
        ["/b", "prefix"],
        ["pay", "function"],
    ]
    rows = json.loads(run(app, "routes", "--json")[1])
    assert [row["path"] for row in rows] == ["/a/{id}", "/b", "pay"]
    assert "POST" in rows[0]["methods"]


def test_check_does_a_dry_run_of_each(make_flask: MakeFlask, far: LambdaServer) -> None:
    app, _ = make_flask({"/b": "f"}, {"pay": {}})
    far.script(far_end.respond(204), far_end.respond(204))
    status, output = run(app, "check")
    assert (status, output.splitlines()[-1]) == (0, "2 routes: 2 ok, 0 failed")
    kinds = [each.header("x-amz-invocation-type") for each in far.invocations]
    assert kinds == ["DryRun", "DryRun"]


def test_check_fails_if_a_function_must_not_be_invoked(
    make_flask: MakeFlask, far: LambdaServer
) -> None:
    app, _ = make_flask({"/b": "f"}, {"pay": {}})
    far.script(far_end.respond(204), far_end.respond(403))
    assert run(app, "check")[0] == 1


def test_check_of_nothing(make_flask: MakeFlask) -> None:
    app, _ = make_flask()
    assert run(app, "check") == (1, "no routes and no functions\n")


def test_check_finds_what_the_app_does_wrong(make_flask: MakeFlask, far: LambdaServer) -> None:
    app = Flask("shop")
    app.add_url_rule("/a", view_func=lambda: "", endpoint="a", methods=["GET", "POST"])
    app.add_url_rule(
        "/hidden",
        view_func=lambda: "",
        endpoint="all",
        methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
    )
    app.add_url_rule("/h.x/<id>/", view_func=lambda id: "", endpoint="slash", methods=["GET"])
    routes: dict[str, Any] = {
        "/a": "f",
        "/hidden": {"function_name": "f", "exact": True},
        "/h.x/{id}": {"function_name": "f", "methods": ["GET"]},
        "/": "root",
    }
    _, functions = make_flask(routes, {"pay": {}}, app=app)
    app.add_url_rule("/pya", view_func=functions.view("pya"))
    app.add_url_rule("/pay", view_func=functions.view("pay"))
    app.wsgi_app = LambdaMiddleware(app.wsgi_app, {"routes": {}})  # type: ignore[method-assign]
    far.always(far_end.respond(204))
    status, output = run(app, "check")
    assert status == 1
    found = [line for line in output.splitlines() if line.startswith("FAIL")]
    assert [line.split(":")[0] for line in found] == [
        "FAIL view lambda_pya",
        "FAIL app.wsgi_app is a LambdaMiddleware as well, which responds before the app's login",
        "FAIL route /hidden",
        "FAIL route /h.x/{id}",
    ]


def test_invoke_a_named_function(make_flask: MakeFlask, far: LambdaServer, tmp_path: Path) -> None:
    app, _ = make_flask({}, {"pay": {}})
    far.script(far_end.respond(200, {"X-Amzn-RequestId": "r-7"}, b'{"total": 12}'))
    status, output = run(app, "invoke", "pay", "-d", '{"order": 7}')
    assert status == 0
    assert '"order": 7' in output
    assert "< 200\n< X-Amzn-RequestId: r-7\n" in output
    assert output.endswith('{"total": 12}\n')
    path = tmp_path / "event.json"
    path.write_text("[1]")
    assert run(app, "invoke", "pay", "-d", f"@{path}")[0] == 0
    assert run(app, "invoke", "pay")[0] == 0
    assert events(far) == [{"order": 7}, [1], {}]


@pytest.mark.parametrize("name", ["pay", "pya"])
def test_invoke_that_fails(make_flask: MakeFlask, far: LambdaServer, name: str) -> None:
    app, _ = make_flask({}, {"pay": {}})
    far.script(function_error())
    status, output = run(app, "invoke", name)
    assert status == 1
    assert ("did you mean 'pay'" if name == "pya" else "function error") in output


def test_invoke_a_path_goes_through_the_app(make_flask: MakeFlask, far: LambdaServer) -> None:
    app, _ = make_flask({"/f": "f"})
    refused: list[int] = []

    @app.before_request
    def hook() -> Any:
        return ("no", 401) if refused else None

    status, output = run(app, "invoke", "/f?a=1")
    assert (status, output.splitlines()[0]) == (0, "< 200 OK")
    run(app, "invoke", "/f", "-d", '{"b": 2}')
    assert events(far) == [{"a": "1"}, {"b": 2}]
    refused.append(1)
    assert run(app, "invoke", "/f")[1].startswith("< 401 UNAUTHORIZED")
    far.script(far_end.respond(500))
    refused.clear()
    assert run(app, "invoke", "/f")[0] == 1


def test_invoke_a_path_of_a_trusted_host(make_flask: MakeFlask, far: LambdaServer) -> None:
    app, _ = make_flask({"/f": "f"})
    app.config["TRUSTED_HOSTS"] = [".shop.test"]
    assert run(app, "invoke", "/f")[1].startswith("< 200 OK")
    assert far.invocations
    app.config.update(TRUSTED_HOSTS=["shop.test", "www.shop.test"], SERVER_NAME="www.shop.test")
    assert run(app, "invoke", "/f")[1].startswith("< 200 OK")


def test_invoke_a_stream_that_is_cut_off(make_flask: MakeFlask, far: LambdaServer) -> None:
    app, _ = make_flask({"/f": "f"}, invoke_mode="RESPONSE_STREAM")
    far.script(stream(chunk(with_head({}) + b"one"), complete("Broken")))
    status, output = run(app, "invoke", "/f")
    assert status == 1
    assert "\n\none" in output


@pytest.mark.parametrize("name", ["pay", "/f"])
@pytest.mark.parametrize(
    ("data", "text"), [("{bad", "the event is not JSON"), ("@/missing", "No such file")]
)
def test_data_that_cannot_be_sent(
    make_flask: MakeFlask, far: LambdaServer, name: str, data: str, text: str
) -> None:
    app, _ = make_flask({"/f": "f"}, {"pay": {}})
    status, output = run(app, "invoke", name, "-d", data)
    is_body = (name, data) == ("/f", "{bad")  # the app decides
    assert (status, text in output, len(far.invocations)) == (not is_body, not is_body, is_body)
