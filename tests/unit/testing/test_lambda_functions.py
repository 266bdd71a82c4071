"""The fixture `lambda_functions`: functions of a test take the place of those in Lambda."""

from __future__ import annotations

import base64
import contextvars
import importlib.util
import json
import logging
import re
import threading
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import Client

from tests.servers.web_server import serving
from wsgi_lambda import LambdaMiddleware, testing
from wsgi_lambda.dispatcher import Dispatcher
from wsgi_lambda.flask import LambdaFunctions as FlaskFunctions
from wsgi_lambda.testing import (
    AccessDenied,
    ExpiredCredentials,
    FunctionError,
    LambdaFunctions,
    NoReply,
    NotFound,
    NotReady,
    Refused,
    Reset,
    ServiceError,
    ServiceFailure,
    Throttled,
    TimedOut,
    TooLarge,
)
from wsgi_lambda.testing import lambda_functions as active_functions

VARIABLE = contextvars.ContextVar("VARIABLE", default="empty")


def make_client(**options: Any) -> Client:
    route = {"function_name": "orders", **options}
    config = {"aws_region": "eu-west-1", "routes": {"/f": route}}
    return Client(LambdaMiddleware(None, config))


# What a function does


def test_callable_runs(lambda_functions: LambdaFunctions) -> None:
    lambda_functions["orders"] = lambda event, context: {"statusCode": 201, "body": event["a"]}
    response = make_client(is_proxy_integration=True).get("/f?a=made")
    assert (response.status_code, response.text) == (201, "made")


def test_callable_runs_in_the_thread_of_the_test(lambda_functions: LambdaFunctions) -> None:
    seen: list[object] = []
    VARIABLE.set("of the test")
    lambda_functions["orders"] = lambda event, context: seen.extend(
        [threading.current_thread(), VARIABLE.get()]
    )
    make_client().get("/f")
    assert seen == [threading.current_thread(), "of the test"]


def test_context_describes_the_function(lambda_functions: LambdaFunctions) -> None:
    lambda_functions["orders"] = lambda event, context: [
        context.function_name,
        context.function_version,
        context.invoked_function_arn,
        context.aws_request_id,
        context.tenant_id,
        context.client_context.custom,
        1000 < context.get_remaining_time_in_millis() <= 5000,
    ]
    client = make_client(
        qualifier="7", timeout=5000, tenant_id="blue", client_context={"custom": {"a": 1}}
    )
    response = client.get("/f")
    assert response.json == [
        "orders",
        "7",
        "arn:aws:lambda:eu-west-1:000000000000:function:orders:7",
        response.headers["X-Amzn-RequestId"],
        "blue",
        {"a": 1},
        True,
    ]
    assert response.headers["X-Amz-Executed-Version"] == "7"


@pytest.mark.parametrize(
    ("value", "body"),
    [
        ({"a": "ü"}, '{"a": "ü"}'),
        ("text", '"text"'),
        (None, "null"),
        (Decimal("1.10"), "1.10"),
        ((1, 2), "[1, 2]"),
        (b"bytes", "bytes"),
    ],
)
def test_value_is_returned_as_json(
    lambda_functions: LambdaFunctions, value: object, body: str
) -> None:
    lambda_functions["orders"] = value
    assert make_client().get("/f").text == body


def test_value_without_json_is_a_function_error(lambda_functions: LambdaFunctions) -> None:
    lambda_functions["orders"] = {1, 2}
    response = make_client().get("/f")
    assert response.json is not None
    assert response.json["errorType"] == "Runtime.MarshalError"


def test_exception_of_a_callable_is_a_function_error(lambda_functions: LambdaFunctions) -> None:
    def handler(event: Any, context: Any) -> None:
        raise ValueError("boom")

    lambda_functions["orders"] = handler
    response = make_client(expose_stack_trace=True).get("/f")
    assert response.json is not None
    assert (response.json["errorMessage"], response.json["errorType"]) == ("boom", "ValueError")
    assert [frame.split(", ")[-1] for frame in response.json["stackTrace"]] == [
        'in handler\n    raise ValueError("boom")\n'
    ]


def test_failure_of_the_test_is_not_caught(lambda_functions: LambdaFunctions) -> None:
    lambda_functions["orders"] = lambda event, context: pytest.fail("stop")
    with pytest.raises(pytest.fail.Exception, match="stop"):
        make_client().get("/f")


def test_list_is_one_item_after_another(lambda_functions: LambdaFunctions) -> None:
    lambda_functions["orders"] = [1, lambda event, context: event, "last"]
    client = make_client()
    assert [client.get("/f?a=b").json for _ in range(4)] == [1, {"a": "b"}, "last", "last"]


def test_behaviour_can_be_replaced(lambda_functions: LambdaFunctions) -> None:
    client = make_client()
    lambda_functions["orders"] = [1, 2]
    assert client.get("/f").json == 1
    lambda_functions["orders"] = 3
    assert client.get("/f").json == 3


def test_mistakes_of_assignments_are_errors(lambda_functions: LambdaFunctions) -> None:
    with pytest.raises(ValueError, match="at least one item"):
        lambda_functions["orders"] = []
    with pytest.raises(TypeError, match=r"write Throttled\(\)"):
        lambda_functions["orders"] = [Throttled]
    for name in ("orders:live", "arn:aws:lambda:eu-west-1:123456789012:function:orders"):
        with pytest.raises(ValueError, match="write the bare name, 'orders'"):
            lambda_functions[name] = 1
    for behaviour in (ValueError, ValueError("boom"), [ValueError("boom")]):
        with pytest.raises(TypeError, match=r"write FunctionError\(message, 'ValueError'\), or a"):
            lambda_functions["orders"] = behaviour
    for invalid in ("", "order s", "bestellungä", None, 7):
        with pytest.raises(ValueError, match=r"valid function name|non-empty string"):
            lambda_functions[invalid] = 1  # type: ignore[index]


def test_misspelt_attributes_are_errors(lambda_functions: LambdaFunctions) -> None:
    with pytest.raises(AttributeError, match="is_stict"):
        lambda_functions.is_stict = False  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match="return_value"):
        lambda_functions["orders"].return_value = 1  # type: ignore[attr-defined]


def test_functions_are_neither_a_container_nor_iterable(
    lambda_functions: LambdaFunctions,
) -> None:
    """Each name has a function, so the answer would be wrong."""
    with pytest.raises(TypeError, match="not a container"):
        assert "orders" in lambda_functions
    with pytest.raises(TypeError, match="not iterable"):
        list(lambda_functions)  # type: ignore[call-overload]


#: What happens, options of the route, the status of the response, and calls.
SIMULATED: dict[str, tuple[Any, dict[str, Any], int, int]] = {
    "function error": (FunctionError("boom", "ValueError"), {}, 200, 1),
    "function error in proxy integration": (
        FunctionError("boom"),
        {"is_proxy_integration": True},
        502,
        1,
    ),
    "unhandled": (FunctionError("boom"), {"unhandled_status": 500}, 500, 1),
    "handled": (FunctionError("boom", kind="Handled"), {"unhandled_status": 500}, 200, 1),
    "timed out": (TimedOut(), {}, 200, 1),
    "timed out in proxy integration": (TimedOut(5), {"is_proxy_integration": True}, 504, 1),
    "throttled": (Throttled(), {}, 429, 1),
    "throttled with retries": (Throttled(), {"retries": 2}, 429, 3),
    "not ready": (NotReady(), {}, 503, 1),
    "not ready with retries": (NotReady(), {"retries": 1}, 503, 2),
    "too large": (TooLarge(), {}, 413, 1),
    "not found": (NotFound(), {}, 502, 1),
    "access denied": (AccessDenied(), {}, 502, 1),
    "service failure": (ServiceFailure(), {}, 502, 1),
    "service error": (
        ServiceError(409, "DurableExecutionAlreadyStartedException", "x"),
        {},
        409,
        1,
    ),
    "expired": (ExpiredCredentials(), {}, 502, 2),
    "expired keys of the route": (
        ExpiredCredentials(),
        {"aws_key": "AKIDOWN", "aws_secret": "secret"},
        502,
        1,
    ),
    "no reply": (NoReply(), {}, 504, 1),
    "refused": (Refused(), {}, 502, 2),
    "reset": (Reset(), {}, 502, 1),
}


@pytest.mark.parametrize(
    ("behaviour", "options", "status", "calls"), SIMULATED.values(), ids=SIMULATED
)
def test_failure_is_simulated(
    lambda_functions: LambdaFunctions,
    behaviour: Any,
    options: dict[str, Any],
    status: int,
    calls: int,
) -> None:
    lambda_functions["orders"] = behaviour
    started = time.monotonic()
    assert make_client(**options).get("/f").status_code == status
    assert len(lambda_functions["orders"].calls) == calls
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("reply", "status", "kind", "side"),
    [
        (testing.Throttled(), 429, "TooManyRequestsException", "User"),
        (testing.NotReady(), 409, "ResourceConflictException", "User"),
        (testing.TooLarge(), 413, "RequestTooLargeException", "User"),
        (testing.NotFound(), 404, "ResourceNotFoundException", "User"),
        (testing.AccessDenied(), 403, "AccessDeniedException", "User"),
        (testing.ExpiredCredentials(), 403, "ExpiredTokenException", "User"),
        (testing.ServiceFailure(), 500, "ServiceException", "Service"),
    ],
)
def test_error_is_that_of_the_invoke_api(
    reply: testing.ServiceError, status: int, kind: str, side: str
) -> None:
    assert (reply.status, reply.type, json.loads(reply.body)["Type"]) == (status, kind, side)


def test_function_error_is_that_of_the_runtime(lambda_functions: LambdaFunctions) -> None:
    lambda_functions["orders"] = FunctionError("boom", "ValueError")
    response = make_client(expose_stack_trace=True, expose_log_result=True).get("/f")
    assert response.json == {
        "errorMessage": "boom",
        "errorType": "ValueError",
        "requestId": response.headers["X-Amzn-RequestId"],
        "stackTrace": [],
    }
    log = base64.b64decode(response.headers["X-Amz-Log-Result"]).decode()
    assert "[ERROR] ValueError: boom\nTraceback (most recent call last):\nEND " in log
    assert "REPORT RequestId: " in log


def test_function_that_times_out_says_so(lambda_functions: LambdaFunctions) -> None:
    lambda_functions["orders"] = TimedOut(seconds=5)
    response = make_client().get("/f")
    assert response.json is not None
    assert response.json["errorType"] == "Sandbox.Timedout"
    assert response.json["errorMessage"].endswith("Task timed out after 5.00 seconds")


def test_retry_after_is_lambdas(lambda_functions: LambdaFunctions) -> None:
    client = make_client()
    for behaviour, expected in ((Throttled(retry_after=7), "7"), (Throttled("x", None), "1")):
        lambda_functions["orders"] = behaviour
        assert client.get("/f").headers["Retry-After"] == expected


def test_shop_survives_throttling(lambda_functions: LambdaFunctions) -> None:
    lambda_functions["orders"] = [Throttled(), Throttled(), "at last"]
    assert make_client(retries=2).get("/f").json == "at last"
    assert len(lambda_functions["orders"].calls) == 3


def test_refresh_finds_new_keys(lambda_functions: LambdaFunctions) -> None:
    lambda_functions["orders"] = [ExpiredCredentials(), "ok"]
    assert make_client().post("/f").json == "ok"
    first, second = lambda_functions.calls
    assert first.headers["authorization"] != second.headers["authorization"]
    assert "AKIATEST2" in second.headers["authorization"]


def test_refused_connection_is_opened_again(lambda_functions: LambdaFunctions) -> None:
    lambda_functions["orders"] = [Refused(), "ok"]
    assert make_client().post("/f").json == "ok"


@pytest.mark.parametrize("run", range(3))
def test_every_test_has_a_full_quota(lambda_functions: LambdaFunctions, run: int) -> None:
    client = make_client(retries=10)
    lambda_functions["orders"] = Throttled()
    for _ in range(3):
        client.get("/f")
    # 100 tokens are 20 retries, after the first call of each request.
    assert len(lambda_functions.calls) == 3 + 20
    with active_functions() as inner:
        inner["orders"] = [Throttled(), "ok"]
        assert client.get("/f").json == "ok"


# Calls


def test_call_has_everything_that_was_sent(lambda_functions: LambdaFunctions) -> None:
    lambda_functions["orders"] = None
    arn = "arn:aws:lambda:eu-north-1:123456789012:function:orders:live"
    config = {
        "routes": {
            "/f": {
                "function_name": arn,
                "tenant_id": "header:X-Tenant",
                "client_context": {"custom": {"a": 1}},
            }
        }
    }
    client = Client(LambdaMiddleware(None, config))
    client.post("/f", json={"item": 7}, headers={"X-Tenant": "green"})
    (call,) = lambda_functions.calls
    assert lambda_functions["orders"].calls == [call]
    assert (call.function, call.qualifier) == ("orders", "live")
    assert (call.event, call.payload) == ({"item": 7}, b'{"item":7}')
    assert (call.invocation_type, call.tenant_id) == ("RequestResponse", "green")
    assert call.client_context == {"custom": {"a": 1}}
    assert "/eu-north-1/lambda/aws4_request" in call.headers["authorization"]
    assert call.headers["host"] == "lambda.eu-north-1.amazonaws.com"
    assert call.headers["x-amzn-trace-id"].startswith("Root=1-")
    assert all(name == name.lower() for name in call.headers)
    assert "authorization" not in repr(call)


def test_call_without_options_has_none_of_them(lambda_functions: LambdaFunctions) -> None:
    lambda_functions["orders"] = None
    make_client().get("/f")
    (call,) = lambda_functions.calls
    assert (call.qualifier, call.client_context, call.tenant_id) == ("", None, None)


def test_event_is_that_of_the_only_call(lambda_functions: LambdaFunctions) -> None:
    lambda_functions["orders"] = None
    client = make_client()
    with pytest.raises(AssertionError, match="function 'orders' was called 0 times"):
        _ = lambda_functions["orders"].event
    client.get("/f?a=1")
    assert lambda_functions["orders"].event == {"a": "1"}
    assert repr(lambda_functions["orders"]) == "<function 'orders', called once>"
    client.get("/f")
    with pytest.raises(AssertionError, match="function 'orders' was called 2 times"):
        _ = lambda_functions["orders"].event


def test_calls_are_in_order(lambda_functions: LambdaFunctions) -> None:
    lambda_functions["a"] = lambda_functions["b"] = None
    routes = {f"/{name}": {"function_name": name} for name in "ab"}
    client = Client(LambdaMiddleware(None, {"aws_region": "eu-west-1", "routes": routes}))
    for path in ("/b", "/a", "/b"):
        client.get(path)
    assert [call.function for call in lambda_functions.calls] == ["b", "a", "b"]
    assert len(lambda_functions["b"].calls) == 2


# Events and dry runs


def test_event_has_run_before_the_response(lambda_functions: LambdaFunctions) -> None:
    seen: list[Any] = []
    lambda_functions["orders"] = lambda event, context: seen.append(event)
    response = make_client(invocation_type="Event").get("/f?a=1")
    assert (response.status_code, response.data, seen) == (202, b"", [{"a": "1"}])
    assert lambda_functions.calls[0].invocation_type == "Event"


@pytest.mark.parametrize("is_callable", [True, False])
def test_error_of_an_event_is_logged(
    lambda_functions: LambdaFunctions, caplog: pytest.LogCaptureFixture, is_callable: bool
) -> None:
    lambda_functions["orders"] = (lambda event: None) if is_callable else FunctionError("boom")
    assert make_client(invocation_type="Event").get("/f").status_code == 202
    assert [each.levelno for each in caplog.records] == [logging.ERROR]
    assert caplog.messages[0].startswith("function orders: an Event failed, request ")


def test_dry_run_runs_nothing(lambda_functions: LambdaFunctions) -> None:
    lambda_functions["orders"] = [lambda event, context: pytest.fail("it ran"), AccessDenied()]
    client = make_client(invocation_type="DryRun")
    assert [client.get("/f").status_code for _ in range(2)] == [204, 502]
    assert [call.invocation_type for call in lambda_functions.calls] == ["DryRun"] * 2


# Unknown functions


def test_check_of_an_app_uses_it(lambda_functions: LambdaFunctions) -> None:
    lambda_functions["orders"] = 1
    lambda_functions["payments"] = testing.AccessDenied()
    app = Flask(__name__)
    app.config["WSGI_LAMBDA"] = {
        "aws_region": "eu-west-1",
        "routes": {"/f": {"function_name": "orders"}},
        "functions": {"pay": {"function_name": "payments:live"}},
    }
    FlaskFunctions(app)
    result = app.test_cli_runner().invoke(args=["lambda", "check"])
    assert (result.exit_code, result.output.splitlines()[-1]) == (1, "2 routes: 1 ok, 1 failed")
    assert [call.invocation_type for call in lambda_functions.calls] == ["DryRun"] * 2


def test_unknown_function_is_404(lambda_functions: LambdaFunctions) -> None:
    lambda_functions.is_strict = False
    assert make_client().get("/f").status_code == 502
    assert len(lambda_functions["orders"].calls) == 1


def call_unknown(*paths: str) -> None:
    routes = {f"/{name}": {"function_name": name} for name in "ab"}
    client = Client(LambdaMiddleware(None, {"aws_region": "eu-west-1", "routes": routes}))
    with active_functions():
        for path in paths:
            if path == "raise":
                raise LookupError
            client.get(path)


def test_end_names_unknown_functions() -> None:
    with pytest.raises(AssertionError, match="does not know were called: 'b', 'a'; assign"):
        call_unknown("/b", "/a", "/b")


def test_exception_of_the_test_comes_first() -> None:
    with pytest.raises(LookupError):
        call_unknown("/b", "raise")


# Reach


def test_nothing_is_replaced_afterwards() -> None:
    client = make_client()
    with active_functions() as functions:
        functions["orders"] = "here"
        assert client.get("/f").json == "here"
    assert client.get("/f").status_code == 500  # no credentials


def test_inner_one_applies() -> None:
    client = make_client()
    with active_functions() as outer:
        outer["orders"] = "outer"
        with active_functions() as inner:
            inner["orders"] = "inner"
            assert client.get("/f").json == "inner"
        assert client.get("/f").json == "outer"
    assert (len(outer.calls), len(inner.calls)) == (1, 1)


def test_newest_one_applies_whichever_ends_first() -> None:
    """As with a fixture of a module that is used after one of a test."""
    client, first, second = make_client(), active_functions(), active_functions()
    first.__enter__()["orders"] = 1
    second.__enter__()["orders"] = 2
    first.__exit__(None, None, None)
    assert client.get("/f").json == 2
    third = active_functions()
    third.__enter__()["orders"] = 3
    assert client.get("/f").json == 3
    third.__exit__(None, None, None)
    assert client.get("/f").json == 2
    second.__exit__(None, None, None)
    assert client.get("/f").status_code == 500  # no credentials


def test_route_in_local_mode_uses_it(lambda_functions: LambdaFunctions) -> None:
    lambda_functions["orders"] = "of the test"
    route = {"function_name": "orders", "handler": "no_such_module.handler", "max_concurrency": 1}
    client = Client(LambdaMiddleware(None, {"local": True, "routes": {"/f": route}}))
    assert [client.get("/f").json for _ in range(2)] == ["of the test"] * 2


def test_named_functions_use_it(lambda_functions: LambdaFunctions) -> None:
    lambda_functions["payments"] = {"total": 7}
    app = Flask(__name__)
    app.config["WSGI_LAMBDA"] = {
        "aws_region": "eu-west-1",
        "functions": {"pay": {"function_name": "payments:live"}},
    }
    functions = FlaskFunctions(app)
    app.add_url_rule("/pay/<order>", view_func=functions.view("pay"))
    with app.app_context():
        result = functions["pay"].invoke({"order": 7})
    assert (result.json, "REPORT RequestId: " in result.log) == ({"total": 7}, True)
    assert app.test_client().get("/pay/8").json == {"total": 7}
    assert [call.event for call in lambda_functions["payments"].calls] == [
        {"order": 7},
        {"order": "8"},
    ]


def test_limits_of_a_handler_are_inactive(lambda_functions: LambdaFunctions) -> None:
    """A function of a test may be slow, and may invoke itself."""
    options = {"handler": "no.such", "handler_timeout": 1, "handler_concurrency": 1}
    routes = {"/f": {"function_name": "orders", **options}}
    client = Client(LambdaMiddleware(None, {"local": True, "routes": routes}))

    def handler(event: Any, context: Any) -> Any:
        time.sleep(0.01)
        return client.get("/f").json if event else "inner"

    lambda_functions["orders"] = handler
    assert client.get("/f?outer=1").json == "inner"


def test_live_server_in_another_thread_uses_it(lambda_functions: LambdaFunctions) -> None:
    lambda_functions["orders"] = lambda event, context: threading.current_thread().name
    config = {"aws_region": "eu-west-1", "routes": {"/f": {"function_name": "orders"}}}
    with serving(LambdaMiddleware(None, config)) as web:
        assert web.send("GET", "/f").json() != threading.current_thread().name


def test_calls_of_many_threads_are_counted(lambda_functions: LambdaFunctions) -> None:
    lambda_functions["orders"] = list(range(1, 101))
    client = make_client()
    found: list[Any] = []
    threads = [
        threading.Thread(target=lambda: found.extend(client.get("/f").json for _ in range(10)))
        for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(found) == list(range(1, 101))


# What stays active


def test_max_concurrency_holds(lambda_functions: LambdaFunctions) -> None:
    clients: list[Client] = []
    lambda_functions["orders"] = lambda event, context: clients[0].get("/f").status_code
    clients.append(make_client(max_concurrency=1))
    assert clients[0].get("/f").json == 503


def test_limits_hold(lambda_functions: LambdaFunctions) -> None:
    lambda_functions["orders"] = lambda event, context: b"x" * 100
    assert make_client(max_response_size=10).get("/f").status_code == 502
    assert make_client(max_payload_size=20).post("/f", json={"a": "x" * 20}).status_code == 413
    assert len(lambda_functions.calls) == 1


def test_result_over_lambdas_limit_is_a_function_error(lambda_functions: LambdaFunctions) -> None:
    lambda_functions["orders"] = lambda event, context: b"x" * 6_291_557
    response = make_client().get("/f")
    assert response.json is not None
    assert response.json["errorType"] == "Function.ResponseSizeTooLarge"


def test_log_is_sent_on_demand(lambda_functions: LambdaFunctions) -> None:
    lambda_functions["orders"] = None
    response = make_client(expose_log_result=True).get("/f")
    log = base64.b64decode(response.headers["X-Amz-Log-Result"]).decode()
    assert re.match(r"START RequestId: \S+ Version: \$LATEST\nEND ", log)
    response = make_client(expose_log_result=True, log_type="None").get("/f")
    assert "X-Amz-Log-Result" not in response.headers


def test_record_is_written(
    lambda_functions: LambdaFunctions, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "wsgi_lambda.access")
    lambda_functions["orders"] = [Throttled(), "ok"]
    make_client(retries=1).get("/f")
    (record,) = (each for each in caplog.records if each.name == "wsgi_lambda.access")
    assert (record.outcome, record.attempts, record.is_reused) == (  # type: ignore[attr-defined]
        "ok",
        2,
        False,
    )


def test_dispatcher_created_before_uses_it() -> None:
    functions = {"pay": {"function_name": "payments"}}
    dispatcher = Dispatcher({"aws_region": "eu-west-1", "functions": functions})
    with active_functions() as active:
        active["payments"] = lambda event, context: event
        assert json.loads(dispatcher.invoke(dispatcher["pay"], b'{"a": 1}').body) == {"a": 1}


def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    source = compile(Path(testing.__file__).read_text(), testing.__file__, "exec")
    with pytest.raises(ImportError, match=r"pip install '\.\[local\]' in the checkout"):
        exec(source, {"__name__": "wsgi_lambda.testing"})
