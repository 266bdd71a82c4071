"""`retries` and `max_concurrency`: how often a function is invoked, counted at the far end."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from tests.conftest import MakeApp
from tests.servers.lambda_server import LambdaServer, echo, respond, wait_for
from tests.servers.web_server import serving
from tests.tools.promises import Tried
from wsgi_lambda.invoke import retry_quota

LATER = {
    "throttled": (429, "TooManyRequestsException"),
    "conflict": (409, "ResourceConflictException"),
    "snap-start": (409, "SnapStartNotReadyException"),
    "code-artifact": (502, "CodeArtifactUserPendingException"),
    "network": (502, "ENINotReadyException"),
    "ec2": (502, "EC2ThrottledException"),
    "resource": (502, "ResourceNotReadyException"),
}
NEVER = {
    "service": (500, "ServiceException"),
    "unavailable": (503, "ServiceUnavailableException"),
    "denied": (403, "AccessDeniedException"),
    "not-found": (404, "ResourceNotFoundException"),
    "too-large": (413, "RequestTooLargeException"),
    "durable": (409, "DurableExecutionAlreadyStartedException"),
    "ran": (200, ""),
}


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the longest wait be short; how long it is has tests of its own."""
    monkeypatch.setattr(retry_quota, "LONGEST_WAIT", 0.01)


def error(status: int, kind: str) -> Any:
    return respond(status, {"x-amzn-ErrorType": kind} if kind else {}, b"{}")


def ask(make_app: MakeApp, method: str = "POST", **options: Any) -> int:
    with serving(make_app({"/f": {"function_name": "f", **options}})) as web:
        status: int = web.send(method).status
    return status


@pytest.mark.promise("once")
@pytest.mark.parametrize(("status", "kind"), LATER.values(), ids=LATER)
def test_it_is_tried_again_where_it_certainly_did_not_run(
    status: int, kind: str, lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    lambda_server.script(error(status, kind), error(status, kind), echo())
    assert (ask(make_app, retries=2), len(lambda_server.invocations)) == (200, 3)


@pytest.mark.promise("once")
@pytest.mark.parametrize(("status", "kind"), LATER.values(), ids=LATER)
def test_without_retries_it_is_sent_once(
    status: int, kind: str, lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    lambda_server.respond(status, {"x-amzn-ErrorType": kind}, b"{}")
    assert ask(make_app) == (429 if status == 429 else 503)
    assert len(lambda_server.invocations) == 1


@pytest.mark.promise("calm")
def test_retries_end(lambda_server: LambdaServer, make_app: MakeApp) -> None:
    lambda_server.respond(429, {}, b"{}")
    assert (ask(make_app, retries=3), len(lambda_server.invocations)) == (429, 4)


@pytest.mark.promise("once")
@pytest.mark.parametrize(("status", "kind"), NEVER.values(), ids=NEVER)
def test_anything_else_is_sent_once(
    status: int, kind: str, lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    lambda_server.respond(status, {"x-amzn-ErrorType": kind} if kind else {}, b"{}")
    ask(make_app, "GET", retries=5)
    assert len(lambda_server.invocations) == 1


@pytest.mark.promise("once")
def test_function_error_that_is_named_like_one_of_lambda_s_is_no_reason(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    headers = {"X-Amz-Function-Error": "Unhandled"}
    lambda_server.respond(200, headers, b'{"__type": "ResourceConflictException"}')
    ask(make_app, retries=5)
    assert len(lambda_server.invocations) == 1


@pytest.mark.promise("calm")
def test_quota_ends_the_retries_of_all_routes(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    lambda_server.respond(429, {}, b"{}")
    routes = {path: {"function_name": "f"} for path in ("/a", "/b")}
    with serving(make_app(routes, retries=3)) as web:
        for path in ("/a", "/b") * 100:
            assert web.send("POST", path).status == 429
    quota = retry_quota.CAPACITY // retry_quota.RETRY_COST
    assert len(lambda_server.invocations) == 200 + quota


@pytest.mark.promise("calm")
def test_outage_of_a_minute_adds_less_than_a_tenth(
    lambda_server: LambdaServer,
    make_app: MakeApp,
    monkeypatch: pytest.MonkeyPatch,
    tried: Tried,
) -> None:
    """Ten requests a second, each of which may be tried three times more."""
    monkeypatch.setattr("wsgi_lambda.invoke.retry_quota.random.uniform", lambda low, high: low)
    lambda_server.respond(429, {}, b"{}")
    with serving(make_app({"/f": {"function_name": "f"}}, retries=3)) as web:
        assert {web.send("POST").status for _ in range(600)} == {429}
        sent = len(lambda_server.invocations)
        assert sent <= 600 * 1.1
        lambda_server.respond(200, {}, b"{}")
        assert web.send("POST").status == 200
    tried(requests=600, invocations=sent)


@pytest.mark.promise("calm")
def test_success_fills_the_quota(lambda_server: LambdaServer, make_app: MakeApp) -> None:
    with serving(make_app({"/f": {"function_name": "f"}}, retries=1)) as web:
        for _ in range(30):
            lambda_server.script(error(*LATER["throttled"]), echo())
            assert web.send("POST").status == 200
    assert len(lambda_server.invocations) == 60


@pytest.mark.promise("calm")
def test_no_retry_is_beyond_the_deadline(
    lambda_server: LambdaServer, make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wsgi_lambda.invoke.retry_quota.random.uniform", lambda low, high: 20.0)
    lambda_server.respond(429, {}, b"{}")
    started = time.monotonic()
    status = ask(make_app, retries=10, timeout=15_000)
    # The first wait, of 20 seconds, would end too late.
    assert (status, len(lambda_server.invocations)) == (429, 1)
    assert time.monotonic() - started < 10


@pytest.mark.promise("calm")
def test_surplus_is_refused_at_once_while_others_go_on(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    may_answer = threading.Event()
    lambda_server.script(wait_for(may_answer, echo()), wait_for(may_answer, echo()))
    routes = {
        "/slow": {"function_name": "f", "max_concurrency": 2},
        "/other": {"function_name": "g"},
    }
    statuses: list[int] = []
    app = make_app(routes, lambda environ, start_response: own_page(start_response))
    with serving(app) as web:
        waiting = [
            threading.Thread(target=lambda: statuses.append(web.send("GET", "/slow").status))
            for _ in range(2)
        ]
        for thread in waiting:
            thread.start()
        assert lambda_server.wait_until(lambda: len(lambda_server.invocations) == 2)
        started = time.monotonic()
        refused = web.send("GET", "/slow")
        assert (refused.status, refused.header("retry-after")) == (503, "1")
        assert web.send("GET", "/other").status == 200
        assert web.send("GET", "/page").status == 200
        assert time.monotonic() - started < 5
        may_answer.set()
        for thread in waiting:
            thread.join()
        assert web.send("GET", "/slow").status == 200
    assert (statuses, len(lambda_server.invocations)) == ([200, 200], 4)


def own_page(start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "4")])
    return [b"page"]
