"""The snapshot of a Flask or Django app, taken while a view waits for its function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.inapp.conftest import PROXY, MakeDjango, MakeFlask, result
from tests.servers.lambda_server import Exchange, LambdaServer
from wsgi_lambda.observe import snapshot

Look = Callable[[], dict[str, Any]]


@pytest.fixture(params=["flask", "django"])
def app(request: pytest.FixtureRequest, make_flask: MakeFlask, make_django: MakeDjango) -> Any:
    """Return a client of an app with a route and a view, and a function that takes snapshots."""
    routes, named = {"/f/{id}": "f"}, {"pay": {**PROXY, "max_concurrency": 2}}
    if request.param == "flask":
        app, functions = make_flask(routes, named)
        app.add_url_rule("/view/", view_func=functions.view("pay"))

        def look() -> dict[str, Any]:
            with app.app_context():
                return snapshot(functions)

        return app.test_client(), look

    def urls() -> Any:
        from django.urls import path

        from wsgi_lambda.django import lambda_view

        return [path("view/", lambda_view("pay"))]

    client = make_django(routes, named, urls=urls).client
    from wsgi_lambda.django import functions as of_project

    return client, lambda: snapshot(of_project)


def test_named_functions_follow_the_routes(app: Any, far: LambdaServer) -> None:
    client, look = app
    during: list[dict[str, Any]] = []

    def held(exchange: Exchange) -> None:
        during.append(look())
        result(200)(exchange)

    far.script(held)
    assert client.get("/view/").status_code == 200
    (found,) = during
    route = {"path": "/f/{id}", "function": "f", "in_flight": 0, "max_concurrency": None}
    pay = {"path": "pay", "function": "pay", "in_flight": 1, "max_concurrency": 2}
    assert found["routes"] == [route, pay]
    assert [each["in_use"] for each in found["lambda_endpoints"]] == [1]
    after = look()
    assert after["routes"] == [route, {**pay, "in_flight": 0}]
    assert [(each["in_use"], each["idle"]) for each in after["lambda_endpoints"]] == [(0, 1)]


def test_flask_needs_an_app_context(make_flask: MakeFlask) -> None:
    _, functions = make_flask({"/f": "f"})
    with pytest.raises(RuntimeError, match="application context"):
        snapshot(functions)
