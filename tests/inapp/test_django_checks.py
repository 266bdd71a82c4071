"""System checks, and manage.py lambda_routes, lambda_check and lambda_invoke."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.middleware.csrf import CsrfViewMiddleware

from tests.inapp.conftest import MakeDjango, events, function_error
from tests.inapp.django_project import MIDDLEWARE
from tests.servers import lambda_server as far_end
from tests.servers.event_stream import chunk, complete, stream, with_head
from tests.servers.lambda_server import LambdaServer
from wsgi_lambda import LambdaMiddleware
from wsgi_lambda.django.middleware import LambdaFunctionsMiddleware

OURS = "wsgi_lambda.django.middleware.LambdaFunctionsMiddleware"


def found() -> list[tuple[str, str]]:
    """Return id and text of each message of the checks of the app."""
    from django.core.checks import run_checks

    messages = [each for each in run_checks() if each.id.startswith("wsgi_lambda.")]
    return [(each.id.removeprefix("wsgi_lambda."), each.msg) for each in messages]


def ids() -> list[str]:
    return [id for id, _ in found()]


def test_nothing_to_report(make_django: MakeDjango) -> None:
    make_django({"/f": "f", "/t/{id}": "g"}, {"pay": {}})
    assert found() == []


def test_missing_setting(make_django: MakeDjango) -> None:
    from django.conf import settings
    from django.test import override_settings

    from wsgi_lambda.django.conf import dispatcher

    make_django()
    with override_settings():
        del settings.WSGI_LAMBDA
        dispatcher.cache_clear()
        assert ids() == ["E001"]


def test_each_problem_of_the_configuration(make_django: MakeDjango) -> None:
    route = {"function_name": "f", "timeout": 0}
    make_django({"/f": route}, {"pay": {"hots": 1}})
    assert found() == [
        ("E002", "WSGI_LAMBDA: routes['/f'].timeout: must be an integer from 1 to 2147483646"),
        ("E002", "WSGI_LAMBDA: functions['pay'].hots: unknown option; did you mean 'hosts'?"),
    ]


def test_middleware_is_missing_or_stands_after_csrf(make_django: MakeDjango) -> None:
    without = [each for each in MIDDLEWARE if each != OURS]
    make_django({"/f": "f"}, MIDDLEWARE=without)
    assert ids() == ["E003"]
    make_django({"/f": "f"}, MIDDLEWARE=[*without, OURS])
    assert ids() == ["E004"]


class OursOfTheProject(LambdaFunctionsMiddleware):
    pass


class CsrfOfTheProject(CsrfViewMiddleware):
    pass


def test_middlewares_may_be_subclasses(make_django: MakeDjango) -> None:
    ours, csrf = f"{__name__}.OursOfTheProject", f"{__name__}.CsrfOfTheProject"
    unknown = f"{__name__}.Missing"
    function = "wsgi_lambda.django.lambda_view"
    make_django({"/f": "f"}, MIDDLEWARE=[unknown, function, ours, csrf])
    assert found() == []
    make_django({"/f": "f"}, MIDDLEWARE=[csrf, ours])
    assert found() == [("E004", f"{ours} must stand before {csrf}, which parses forms")]


def test_view_with_an_unknown_function(make_django: MakeDjango) -> None:
    from django.contrib.auth.decorators import login_required
    from django.urls import include, path

    from wsgi_lambda.django import lambda_view

    urls = [
        path("shop/", include([path("pay/<int:id>/", login_required(lambda_view("pya")))])),
        path("pay/", lambda_view("pay")),
    ]
    make_django({}, {"pay": {}}, urls=urls)
    ((id, text),) = found()
    assert (id, text) == (
        "E005",
        "url /shop/pay/<int:id>/: WSGI_LAMBDA has no function 'pya'; did you mean 'pay'?",
    )


wrapped = LambdaMiddleware(LambdaMiddleware(None, {"routes": {}}), {"routes": {}})
twice = type("Outer", (), {"application": wrapped})()
plain = type("App", (), {"app": None})()


@pytest.mark.parametrize(
    ("name", "expected"),
    [("wrapped", ["W001"]), ("twice", ["W001"]), ("plain", []), ("missing", []), (None, [])],
)
def test_wsgi_application_inside_a_middleware(
    make_django: MakeDjango, name: str | None, expected: list[str]
) -> None:
    place = f"tests.inapp.test_django_checks.{name}" if name else None
    make_django({"/f": "f"}, WSGI_APPLICATION=place)
    assert ids() == expected


def page() -> Any:
    from django.urls import path

    return [
        path("shop/", lambda request: None),
        path("todos/<slug:id>", lambda request, id: None),
        path("", lambda request: None),
    ]


@pytest.mark.parametrize(
    ("routes", "below", "hidden"),
    [
        ({"/shop/": "f", "/todos/{id}": "f", "/a": "f"}, "", ["/todos/{id}"]),
        ({"/todos/{id}": "f"}, "api/", []),
        ({"/": "f"}, "", []),
        ({"/": {"function_name": "f", "exact": True}}, "", ["/"]),
        ({"/": "f"}, "todos/", ["/"]),
        ({"/todos/{id}": "f"}, "<slug:lang>/", []),
        ({}, "", []),
    ],
)
def test_route_that_another_url_hides(
    make_django: MakeDjango, routes: Any, below: str, hidden: list[str]
) -> None:
    def urls() -> Any:
        from django.urls import path

        return [path("todos/~wsgi-lambda~", lambda request: None), *page()]

    make_django(routes, urls=urls, below=below)
    texts = [text for id, text in found() if id == "W002"]
    assert texts == [f"the route {path} is hidden by another url of the project" for path in hidden]


def test_prefix_that_is_an_expression_is_not_tried(make_django: MakeDjango) -> None:
    from django.urls import include, re_path

    def urls() -> Any:
        return [re_path("^api/", include("wsgi_lambda.django.urls")), *page()]

    make_django({"/shop": "f"}, urls=urls)
    assert found() == []


def test_urls_are_not_included(make_django: MakeDjango) -> None:
    from django.test import override_settings

    make_django({"/f": "f"})
    with override_settings(ROOT_URLCONF="tests.inapp.django_project"):
        assert ids() == ["W002"]
    make_django({}, {"pay": {}})
    with override_settings(ROOT_URLCONF="tests.inapp.django_project"):
        assert ids() == []
    with override_settings(ROOT_URLCONF=None):
        from wsgi_lambda.django.checks import check_urls

        assert check_urls() == []


# Commands


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[str, str]:
    """Return what the command printed, and the text of its CommandError."""
    from django.core.management import CommandError, call_command

    failed = ""
    try:
        call_command(*arguments)
    except CommandError as error:
        failed = str(error)
    return capsys.readouterr().out, failed


def test_lambda_routes(make_django: MakeDjango, capsys: pytest.CaptureFixture[str]) -> None:
    make_django({"/b": "f"}, {"pay": {}})
    output, _ = run(capsys, "lambda_routes")
    assert [line.split()[0] for line in output.splitlines()] == ["PATH", "/b", "pay"]
    rows = json.loads(run(capsys, "lambda_routes", "--json")[0])
    assert [row["path"] for row in rows] == ["/b", "pay"]


def test_lambda_check(
    make_django: MakeDjango, far: LambdaServer, capsys: pytest.CaptureFixture[str]
) -> None:
    make_django({"/b": "f"}, {"pay": {}})
    far.always(far_end.respond(204))
    output, failed = run(capsys, "lambda_check")
    assert (output.splitlines()[-1], failed) == ("2 routes: 2 ok, 0 failed", "")
    far.script(far_end.respond(403))
    assert run(capsys, "lambda_check")[1] == "the check failed"
    make_django({"/b": "f"}, WSGI_APPLICATION="tests.inapp.test_django_checks.wrapped")
    output, failed = run(capsys, "lambda_check")
    assert (output.startswith("FAIL WSGI_APPLICATION"), failed) == (True, "the check failed")


def test_lambda_invoke_of_a_name(
    make_django: MakeDjango,
    far: LambdaServer,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    make_django({}, {"pay": {}})
    path = tmp_path / "event.json"
    path.write_text("[1]")
    output, failed = run(capsys, "lambda_invoke", "pay", "-d", '{"order": 7}')
    assert ("< 200" in output, failed) == (True, "")
    run(capsys, "lambda_invoke", "pay", "-d", f"@{path}")
    assert events(far) == [{"order": 7}, [1]]
    far.script(function_error())
    assert run(capsys, "lambda_invoke", "pay")[1] == "the invocation failed"
    assert run(capsys, "lambda_invoke", "pya")[1] == "the invocation failed"


def test_lambda_invoke_of_a_broken_view(
    make_django: MakeDjango, far: LambdaServer, capsys: pytest.CaptureFixture[str]
) -> None:
    from django.urls import path

    def broken(request: object) -> None:
        raise ZeroDivisionError

    make_django({}, {"pay": {}}, urls=[path("broken/", broken)])
    output, failed = run(capsys, "lambda_invoke", "/broken/")
    assert output.startswith("< 500 Internal Server Error")
    assert failed == "the invocation failed"


def test_lambda_invoke_of_a_path(
    make_django: MakeDjango, far: LambdaServer, capsys: pytest.CaptureFixture[str]
) -> None:
    make_django({"/f": {"function_name": "f", "is_proxy_integration": True}})
    cookies = {"statusCode": 200, "cookies": ["a=1"], "body": "tea"}
    far.script(far_end.respond(200, {}, json.dumps(cookies).encode()))
    output, failed = run(capsys, "lambda_invoke", "/f?a=1")
    assert output.startswith("< 200 OK\n")
    assert "< Set-Cookie: a=1\n" in output
    assert (output.endswith("tea\n"), failed) == (True, "")
    assert events(far) == [{"a": "1"}]
    # CSRF protection applies.
    assert run(capsys, "lambda_invoke", "/f", "-d", "{}")[0].startswith("< 403 Forbidden")
    make_django({"/f": "f"}, ALLOWED_HOSTS=["*"])
    assert run(capsys, "lambda_invoke", "/f")[0].startswith("< 200 OK")
    make_django({"/f": "f"}, SECURE_SSL_REDIRECT=True)
    assert run(capsys, "lambda_invoke", "/f")[0].startswith("< 200 OK")
    far.script(stream(chunk(with_head({}) + b"one"), complete("Broken")))
    make_django({"/f": {"function_name": "f", "invoke_mode": "RESPONSE_STREAM"}})
    output, failed = run(capsys, "lambda_invoke", "/f")
    assert (output.endswith("one\n"), failed) == (True, "the invocation failed")


@pytest.mark.parametrize(
    ("data", "text"), [("{bad", "the event is not JSON"), ("@/missing", "No such file")]
)
def test_data_that_cannot_be_sent(
    make_django: MakeDjango,
    far: LambdaServer,
    capsys: pytest.CaptureFixture[str],
    data: str,
    text: str,
) -> None:
    from django.core.management import CommandError, call_command

    make_django({"/f": "f"}, {"pay": {}})
    with pytest.raises(CommandError):
        call_command("lambda_invoke", "pay", "-d", data)
    assert text in capsys.readouterr().err
    assert far.invocations == []
