"""Local mode, and the fixture `lambda_functions`, for functions in an app."""

from __future__ import annotations

from typing import Any

import pytest

from tests.inapp.conftest import MakeDjango, MakeFlask
from tests.servers.lambda_server import LambdaServer


def handler(event: Any, context: Any) -> Any:
    return {"name": context.function_name, "event": event}


@pytest.fixture(params=["flask", "django"])
def visit(request: pytest.FixtureRequest, make_flask: MakeFlask, make_django: MakeDjango) -> Any:
    """Return a function that makes an app with options, and gets three pages as JSON."""
    pages = ("/f", "/view/?a=1", "/invoke/")

    def flask(**options: Any) -> list[Any]:
        app, functions = make_flask({"/f": "f"}, {"pay": {}}, **options)
        app.add_url_rule("/view/", view_func=functions.view("pay"))
        app.add_url_rule(
            "/invoke/", view_func=lambda: functions["pay"].invoke([7]).json, endpoint="i"
        )
        return [app.test_client().get(page).json for page in pages]

    def django(**options: Any) -> list[Any]:
        def urls() -> Any:
            from django.http import JsonResponse
            from django.urls import path

            from wsgi_lambda.django import functions, lambda_view

            def invoke(request: Any) -> JsonResponse:
                return JsonResponse(functions["pay"].invoke([7]).json, safe=False)

            return [path("view/", lambda_view("pay")), path("invoke/", invoke)]

        client = make_django({"/f": "f"}, {"pay": {}}, urls=urls, options=options).client
        return [client.get(page).json() for page in pages]

    return flask if request.param == "flask" else django


def test_handlers_run_in_this_process(visit: Any, far: LambdaServer) -> None:
    assert visit(handler=handler, local=True) == [
        {"name": "f", "event": {}},
        {"name": "pay", "event": {"a": "1"}},
        {"name": "pay", "event": [7]},
    ]
    assert far.connections == 0


def test_fixture_takes_the_place_of_lambda(
    visit: Any, far: LambdaServer, lambda_functions: Any
) -> None:
    lambda_functions["f"] = lambda_functions["pay"] = handler
    assert [each["name"] for each in visit()] == ["f", "pay", "pay"]
    assert [call.event for call in lambda_functions["pay"].calls] == [{"a": "1"}, [7]]
    assert far.connections == 0
