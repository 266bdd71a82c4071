"""docs/events.md: the events in its tables, and the result of proxy integration."""

from __future__ import annotations

import json
import logging
import re
import sys
from types import ModuleType
from typing import Any

import pytest
from flask import Flask, request
from werkzeug.test import Client

from tests.conftest import MakeApp
from tests.servers.lambda_server import LambdaServer, echo
from tests.unit.docs.pages import block, blocks, code, page, rows, section
from tests.unit.docs.running import far_end, handler_of, run_handler
from wsgi_lambda import LambdaMiddleware
from wsgi_lambda.options import OPTIONS

PAGE = page("docs/events.md")
DEFAULT = rows(section(PAGE, "The default event: arguments"))
GATEWAY = section(PAGE, "API Gateway's events")
TYPES = {
    "form": "application/x-www-form-urlencoded",
    "JSON": "application/json",
    "text": "text/plain",
    "image": "image/png",
}


def examples() -> list[tuple[str, str, str, str, str | None]]:
    """Return method, target, type, body and event of each row; the last row is four examples."""
    found = []
    for about, shown in DEFAULT:
        method, target = code(about)[0].split()
        event = None if shown.startswith("none") else code(shown)[0]
        bodies = [(kind, body) for kind, body in re.findall(r"(form|JSON) `([^`]+)`", about)]
        if "invalid JSON" in about:
            bodies += [("JSON", "{"), ("text", "hello"), ("image", "\x89PNG")]
        found += [
            (method, target, TYPES.get(kind, ""), body, event)
            for kind, body in bodies or [("", "")]
        ]
    return found


@pytest.mark.parametrize("example", examples(), ids=lambda example: " ".join(map(str, example)))
def test_default_event_is_the_one_in_the_table(
    example: tuple[str, str, str, str, str | None],
    lambda_server: LambdaServer,
    make_app: MakeApp,
    caplog: pytest.LogCaptureFixture,
) -> None:
    method, target, kind, body, event = example
    lambda_server.script(echo())
    app = make_app({"/f": {"function_name": "f"}})
    options = {"data": body.encode("latin-1"), "content_type": kind} if body else {}
    with caplog.at_level(logging.WARNING, "wsgi_lambda"):
        response = Client(app).open(target, method=method, **options)
    if event is None:
        assert response.status_code == 400
        assert lambda_server.invocations == []
    else:
        assert response.json == json.loads(event)
        is_dropped = "is not in the event" in caplog.text
        assert is_dropped == (kind in ("text/plain", "image/png") or body in ("{", "7"))


def test_file_of_a_multipart_form_is_the_object_on_the_page(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    from io import BytesIO

    (shown,) = re.findall(r'`(\{"filename"[^`]+)`', PAGE)
    lambda_server.script(echo())
    data = {"file": (BytesIO(b"hello"), "a.txt", "text/plain")}
    response = Client(make_app({"/f": {"function_name": "f"}})).post("/f", data=data)
    assert response.json == {"file": json.loads(shown)}


@pytest.mark.parametrize("row", rows(section(PAGE, "Parts of the request")), ids=lambda row: row[0])
def test_option_has_the_keys_in_the_table(
    row: list[str], lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    (option,) = code(row[0])
    keys = {key.partition(":")[0] for key in code(row[1]) if key.startswith("request_")}
    lambda_server.script(echo())
    app = make_app({"/f": {"function_name": "f", option: True}})
    response = Client(app).post("/f?a=1", data=b"\xff", content_type="image/png")
    assert response.json
    assert set(response.json) == keys


def test_app_behind_an_adapter_gets_the_request(
    lambda_server: LambdaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = ModuleType("shop")
    app = shop.app = Flask("shop")  # type: ignore[attr-defined]
    app.post("/cups/<name>")(lambda name: f"{name} {request.args['q']} {request.form['a']}")
    monkeypatch.setitem(sys.modules, "shop", shop)
    names: dict[str, Any] = {}
    exec(block(GATEWAY, "python", "WSGI_LAMBDA"), names)
    for name, value in {**far_end(lambda_server), "AWS_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    run_handler(lambda_server, handler_of(block(GATEWAY, "python", "handler"), "handler"))
    response = Client(LambdaMiddleware(None, names["WSGI_LAMBDA"])).post(
        "/shop/cups/blue%20one?q=%C3%A9", data={"a": "1"}
    )
    assert (response.status_code, response.text) == (200, "blue one é 1")


def test_result_on_the_page_is_a_response(lambda_server: LambdaServer, make_app: MakeApp) -> None:
    (shown,) = (each for each in blocks(PAGE, "json") if "statusCode" in each)
    result = json.loads(shown)
    run_handler(lambda_server, lambda event, context: result)
    app = make_app({"/f": {"function_name": "f", "is_proxy_integration": True}})
    response = Client(app).get("/f")
    assert (response.status_code, response.text) == (201, "<h1>Ordered</h1>")
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert response.headers.getlist("Link") == result["multiValueHeaders"]["Link"]
    assert response.headers["Set-Cookie"] == "cart=7; HttpOnly; Secure"
    fields = {code(cell)[0] for cell, _ in rows(section(PAGE, "With proxy integration"))}
    assert fields == set(result)


def test_options_on_the_page_exist() -> None:
    prefixes = ("forward_", "awsgateway_", "max_", "expose_", "strip_", "is_proxy", "unhandled_")
    named = {
        name for name in re.findall(r"\b[a-z]+_[a-z_0-9]+\b", PAGE) if name.startswith(prefixes)
    }
    assert named - {"forward_request_"} <= set(OPTIONS)
