"""Invokers and observers that are given to the dispatcher, with nothing in the package changed."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import defaults
from tests.servers import lambda_server as far_end
from tests.servers.lambda_server import LambdaServer
from tests.servers.web_server import serving
from wsgi_lambda import LambdaMiddleware
from wsgi_lambda.dispatcher import Dispatcher
from wsgi_lambda.errors import LambdaError
from wsgi_lambda.invoke import Invocation, Invoker
from wsgi_lambda.invoke.reply import Reply
from wsgi_lambda.options import Route


class InProcess:
    """Runs a handler in this process."""

    def __init__(self, handler: Callable[[Any, Any], Any]) -> None:
        self._handler = handler

    def invoke(self, invocation: Invocation) -> Reply:
        result = self._handler(json.loads(invocation.payload), None)
        return Reply(200, (), json.dumps(result).encode())


class Weighted:
    """Sends a share of the invocations to another invoker."""

    def __init__(self, first: Invoker, second: Invoker, share: float) -> None:
        self._first, self._second, self._share = first, second, share
        self._random = random.Random(7)

    def invoke(self, invocation: Invocation) -> Reply:
        chosen = self._second if self._random.random() < self._share else self._first
        return chosen.invoke(invocation)


class Observed:
    """Records the course of each invocation, whether it fails or not."""

    def __init__(self, route: Route, invoker: Invoker, records: list[Any]) -> None:
        self._route, self._invoker, self._records = route, invoker, records

    def invoke(self, invocation: Invocation) -> Reply:
        try:
            return self._invoker.invoke(invocation)
        finally:
            self._records.append((str(self._route.path), invocation.delivery))


def app_around(config: dict[str, Any], around: Callable[[Route, Invoker], Invoker]) -> Any:
    app = LambdaMiddleware(None, config)
    app.dispatcher = Dispatcher(config, around=around)
    return app


def config_of(server: LambdaServer, **options: Any) -> dict[str, Any]:
    return {**defaults(server, **options), "routes": {"/f": {"function_name": "f"}}}


def test_handler_in_this_process(lambda_server: LambdaServer) -> None:
    handler = lambda event, context: {"statusCode": 201, "body": event["name"]}  # noqa: E731
    config = config_of(lambda_server, is_proxy_integration=True)
    with serving(app_around(config, lambda route, invoker: InProcess(handler))) as web:
        response = web.send("GET", "/f?name=tea")
    assert (response.status, response.body) == (201, b"tea")
    assert lambda_server.invocations == []


def test_error_of_an_invoker_is_a_response(lambda_server: LambdaServer) -> None:
    def handler(event: Any, context: Any) -> Any:
        raise LambdaError("Out of tea", status=503, retry_after="1")

    app = app_around(config_of(lambda_server), lambda route, invoker: InProcess(handler))
    with serving(app) as web:
        response = web.send("GET", "/f")
    assert (response.status, response.json()["message"]) == (503, "Out of tea")
    assert response.header("retry-after") == "1"


def test_weighted_choice(lambda_server: LambdaServer) -> None:
    local = InProcess(lambda event, context: "local")
    around = lambda route, invoker: Weighted(invoker, local, share=0.5)  # noqa: E731
    lambda_server.respond(200, {}, b'"remote"')
    with serving(app_around(config_of(lambda_server), around)) as web:
        bodies = [web.send("GET", "/f").body for _ in range(20)]
    assert set(bodies) == {b'"local"', b'"remote"'}
    assert bodies.count(b'"remote"') == len(lambda_server.invocations)


def test_observer_sees_the_course_of_each_invocation(
    lambda_server: LambdaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wsgi_lambda.invoke.retry_quota.random.uniform", lambda low, high: 0.01)
    records: list[Any] = []
    config = config_of(lambda_server, retries=2)
    throttled = far_end.respond(429, {"X-Amzn-ErrorType": "TooManyRequestsException"}, b"{}")
    success = far_end.respond(200, {"X-Amzn-RequestId": "r-1", "X-Amz-Log-Result": "bG9n"}, b"1")
    lambda_server.script(throttled, success)
    around = lambda route, invoker: Observed(route, invoker, records)  # noqa: E731
    with serving(app_around(config, around)) as web:
        assert web.send("GET", "/f").status == 200
    ((path, delivery),) = records
    assert (path, delivery.attempts, delivery.is_reused) == ("/f", 2, True)
    assert (delivery.status, delivery.request_id, delivery.log_result) == (200, "r-1", "bG9n")
    assert delivery.backoff == 0.01
    assert delivery.credentials_wait == 0


def test_delivery_of_a_failure_has_no_reply(lambda_server: LambdaServer) -> None:
    records: list[Any] = []
    lambda_server.script(far_end.reset())
    around = lambda route, invoker: Observed(route, invoker, records)  # noqa: E731
    with serving(app_around(config_of(lambda_server), around)) as web:
        assert web.send("POST", "/f").status == 502
    ((_, delivery),) = records
    assert (delivery.attempts, delivery.is_reused, delivery.status) == (1, False, None)
    assert (delivery.headers, delivery.request_id, delivery.log_result) == ((), "", "")
