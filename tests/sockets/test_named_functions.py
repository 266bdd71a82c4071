"""Named functions: invoked from Python, or with a request that a framework passes on."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request as WerkzeugRequest
from werkzeug.wrappers import Response

from tests.conftest import defaults
from tests.servers import lambda_server as far_end
from tests.servers.lambda_server import LambdaServer
from tests.servers.web_server import serving
from wsgi_lambda import LambdaMiddleware
from wsgi_lambda.dispatcher import Dispatcher
from wsgi_lambda.errors import (
    ConnectionFailed,
    DeadlinePassed,
    FunctionError,
    LambdaError,
    PayloadTooLarge,
    RequestError,
    ServiceError,
)
from wsgi_lambda.request import FrameworkValues, Request
from wsgi_lambda.response.result import Result

ALL = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"))
LOG = "U1RBUlQKRU5E"  # START, END
RAISED = b'{"errorType": "KeyError", "errorMessage": "\'sk-secret\'", "stackTrace": ["line 7"]}'


def dispatcher(server: LambdaServer, **options: Any) -> Dispatcher:
    config = {**defaults(server), "functions": {"pay": options}, "routes": {}}
    return Dispatcher(config, default_methods=ALL)


def invoke(server: LambdaServer, payload: bytes = b"{}", **options: Any) -> Result:
    """Invoke the only function; ``tenant`` and ``is_safe`` are those of the call."""
    call = {name: options.pop(name) for name in ("tenant_id_", "is_safe") if name in options}
    if "tenant_id_" in call:
        call["tenant_id"] = call.pop("tenant_id_")
    made = dispatcher(server, **options)
    return made.invoke(made["pay"], payload, **call)


def failed_function(status: int = 200, body: bytes = RAISED) -> Any:
    headers = {"X-Amz-Function-Error": "Unhandled", "X-Amz-Log-Result": LOG}
    return far_end.respond(status, {**headers, "X-Amzn-RequestId": "r-7"}, body)


def test_result_has_all_that_the_reply_says(lambda_server: LambdaServer) -> None:
    headers = {"X-Amz-Log-Result": LOG, "X-Amzn-RequestId": "r-7", "X-Amz-Executed-Version": "3"}
    lambda_server.script(far_end.respond(200, headers, b'{"total": 12}'))
    result = invoke(lambda_server, b'{"order":7}')
    assert result == Result(200, b'{"total": 12}', "START\nEND", "r-7", "3")
    assert result.json == {"total": 12}
    assert lambda_server.invocations[0].body == b'{"order":7}'


@pytest.mark.parametrize(("kind", "status"), [("Event", 202), ("DryRun", 204)])
def test_result_without_a_body_has_no_json(
    lambda_server: LambdaServer, kind: str, status: int
) -> None:
    lambda_server.script(far_end.respond(status))
    result = invoke(lambda_server, invocation_type=kind)
    assert (result.status, result.body, result.json, result.log) == (status, b"", None, "")
    assert lambda_server.invocations[0].header("x-amz-invocation-type") == kind


def test_options_of_requests_and_responses_have_no_effect(lambda_server: LambdaServer) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError

    lambda_server.script(far_end.respond(200, {}, b"[]"))
    result = invoke(
        lambda_server,
        b"[1]",
        is_proxy_integration=True,
        awsgateway_compatible=True,
        forward_request_body=True,
        empty_arrays_mode="legacy",
        unhandled_status=400,
        authorize=refuse,
        on_error=refuse,
    )
    assert (result.status, result.body) == (200, b"[]")
    assert lambda_server.invocations[0].body == b"[1]"


def test_each_invocation_has_a_trace_of_its_own(lambda_server: LambdaServer) -> None:
    invoke(lambda_server)
    invoke(lambda_server)
    traces = {each.header("x-amzn-trace-id") for each in lambda_server.invocations}
    assert len(traces) == 2
    assert all(trace and trace.startswith("Root=1-") for trace in traces)


@pytest.mark.parametrize(
    ("option", "given", "sent"),
    [
        (None, "t-1", "t-1"),
        ("t-0", None, "t-0"),
        ("t-0", "t-1", "t-1"),
        ("header:X-T", "t-1", "t-1"),
    ],
)
def test_tenant_of_the_call_wins(
    lambda_server: LambdaServer, option: str | None, given: str | None, sent: str
) -> None:
    invoke(lambda_server, tenant_id=option, tenant_id_=given)
    assert lambda_server.invocations[0].header("x-amz-tenant-id") == sent


@pytest.mark.parametrize(("option", "given"), [("header:X-T", None), (None, "two\nlines")])
def test_missing_or_invalid_tenant_is_a_request_error(
    lambda_server: LambdaServer, option: str | None, given: str | None
) -> None:
    with pytest.raises(RequestError) as caught:
        invoke(lambda_server, tenant_id=option, tenant_id_=given)
    assert caught.value.status == 400
    assert lambda_server.invocations == []


@pytest.mark.parametrize(("is_safe", "sent"), [(True, 2), (False, 1)])
def test_only_a_safe_event_is_repeated(
    lambda_server: LambdaServer, is_safe: bool, sent: int
) -> None:
    made = dispatcher(lambda_server)
    made.invoke(made["pay"], b"{}")
    lambda_server.script(far_end.close_after(far_end.raw(b"")))
    try:
        made.invoke(made["pay"], b"{}", is_safe=is_safe)
    except ConnectionFailed:
        assert not is_safe
    assert len(lambda_server.invocations) == 1 + sent


def test_large_event_is_not_sent(lambda_server: LambdaServer) -> None:
    assert invoke(lambda_server, b'{"a":1}', max_payload_size=7).status == 200
    with pytest.raises(PayloadTooLarge):
        invoke(lambda_server, b'{"a":12}', max_payload_size=7)
    assert len(lambda_server.invocations) == 1


def test_function_error_has_the_details_and_hides_them(
    lambda_server: LambdaServer, caplog: pytest.LogCaptureFixture
) -> None:
    lambda_server.script(failed_function())
    with pytest.raises(FunctionError) as caught:
        invoke(lambda_server)
    error = caught.value
    assert (error.status, error.kind, error.error_type) == (502, "Unhandled", "KeyError")
    assert (error.error_message, error.body) == ("'sk-secret'", RAISED)
    assert (error.log, error.request_id) == ("START\nEND", "r-7")
    assert str(error) == "The function failed"
    assert json.loads(b"".join(error.response.body)) == {
        "message": "The function failed",
        "request_id": "r-7",
    }


@pytest.mark.parametrize(
    ("body", "status", "names"),
    [
        (b'{"errorMessage": "2026 f Task timed out after 3.00 seconds"}', 504, ("", "2026 f Task")),
        (b"not JSON", 502, ("", "")),
        (b'["a list"]', 502, ("", "")),
        (b"[" * 20_000, 502, ("", "")),
        (b'{"errorType": null, "errorMessage": 7}', 502, ("", "7")),
    ],
    ids=["timeout", "text", "list", "deep", "other-types"],
)
def test_function_error_of_any_shape(
    lambda_server: LambdaServer, body: bytes, status: int, names: tuple[str, str]
) -> None:
    lambda_server.script(failed_function(body=body))
    with pytest.raises(FunctionError) as caught:
        invoke(lambda_server)
    error = caught.value
    assert (error.status, (error.error_type, error.error_message[:11])) == (status, names)


@pytest.mark.parametrize(
    ("step", "kind", "status"),
    [
        (far_end.respond(429), ServiceError, 429),
        (far_end.respond(404), ServiceError, 502),
        (far_end.hang(), DeadlinePassed, 504),
    ],
    ids=["throttled", "no-function", "silence"],
)
def test_failure_is_raised_with_its_response_and_logged_once(
    lambda_server: LambdaServer,
    caplog: pytest.LogCaptureFixture,
    step: Any,
    kind: type[LambdaError],
    status: int,
) -> None:
    lambda_server.script(step)
    with pytest.raises(kind) as caught:
        invoke(lambda_server, timeout=300)
    error = caught.value
    assert (error.status, error.response.status, error.has_own_response) == (status, status, False)
    (record,) = [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert record.message.startswith(f"pay {kind.__name__}: invoke 'pay' {status}:")
    assert f"request {error.request_id}" in record.message


def test_unknown_name_suggests_the_near_match(lambda_server: LambdaServer) -> None:
    made = dispatcher(lambda_server)
    assert list(made.functions) == ["pay"]
    with pytest.raises(LookupError, match=r"no function 'pya'; did you mean 'pay'\?"):
        made["pya"]
    with pytest.raises(LookupError, match=r"no function 'zzz'\Z"):
        made["zzz"]


# Requests that a framework passes on.


def make_request(data: bytes | None = None, **framework: Any) -> Request:
    environ = EnvironBuilder("/pay/7", method="POST", data=data).get_environ()
    return Request(environ, framework=FrameworkValues(**framework))


def raised(server: LambdaServer, step: Any, **options: Any) -> LambdaError:
    """Return the error of one request to the function ``pay``."""
    server.script(step)
    made = dispatcher(server, **options)
    with pytest.raises(LambdaError) as caught:
        made.respond_or_raise(made["pay"], make_request())
    return caught.value


def headers_of(error: LambdaError) -> dict[str, str]:
    return {name.lower(): value for name, value in error.response.headers}


def test_response_is_returned(lambda_server: LambdaServer) -> None:
    made = dispatcher(lambda_server)
    response = made.respond_or_raise(made["pay"], make_request())
    assert (response.status, response.function_error) == (200, None)


def test_failure_is_raised_with_the_json(lambda_server: LambdaServer) -> None:
    error = raised(lambda_server, far_end.respond(429, {"Retry-After": "9"}))
    assert (error.response.status, error.has_own_response) == (429, False)
    assert headers_of(error)["retry-after"] == "9"
    assert "cache-control" not in headers_of(error)


@pytest.mark.parametrize(
    ("own", "sent"), [({}, "private, no-store"), ({"cache-control": "max-age=1"}, "max-age=1")]
)
def test_response_of_on_error_is_not_kept_unless_it_says_so(
    lambda_server: LambdaServer, own: dict[str, str], sent: str
) -> None:
    def sorry(request: WerkzeugRequest, error: LambdaError) -> Response:
        return Response("Sorry", 200, own)

    error = raised(lambda_server, far_end.respond(429), on_error=sorry)
    assert (error.response.status, error.has_own_response) == (200, True)
    assert headers_of(error)["cache-control"] == sent


@pytest.mark.parametrize(("unhandled", "status"), [(None, 200), (418, 418)])
def test_function_error_in_plain_mode_has_the_response_of_a_route(
    lambda_server: LambdaServer, unhandled: int | None, status: int
) -> None:
    error = raised(lambda_server, failed_function(), unhandled_status=unhandled)
    assert isinstance(error, FunctionError)
    assert (error.status, error.response.status, error.has_own_response) == (502, status, True)
    assert headers_of(error)["cache-control"] == "private, no-store"
    assert json.loads(b"".join(error.response.body)) == {
        "errorType": "KeyError",
        "errorMessage": "'sk-secret'",
    }


def test_function_error_in_proxy_integration_has_the_json(lambda_server: LambdaServer) -> None:
    error = raised(lambda_server, failed_function(), is_proxy_integration=True)
    assert isinstance(error, FunctionError)
    assert (error.response.status, error.has_own_response) == (502, False)
    assert b"secret" not in b"".join(error.response.body)


def test_failure_of_a_framework_is_logged(
    lambda_server: LambdaServer, caplog: pytest.LogCaptureFixture
) -> None:
    made = dispatcher(lambda_server, on_error=lambda *_: 1 / 0)
    response = made.failure_response(RequestError("Gone"), make_request())
    assert response.status == 400
    assert "RequestError: POST '/pay/7' 400: Gone" in caplog.text


def test_largest_function_decides_how_much_of_a_body_is_read(lambda_server: LambdaServer) -> None:
    config = {
        **defaults(lambda_server),
        "routes": {"/a": {"function_name": "f", "max_payload_size": 10}},
        "functions": {"pay": {"max_payload_size": 50}},
    }
    dispatcher = Dispatcher(config)
    assert dispatcher.body_limit({}) == dispatcher.body_limit({"CONTENT_TYPE": "text/plain"}) == 50
    assert dispatcher.body_limit({"CONTENT_TYPE": "application/json"}) == 6 * 50
    assert Dispatcher({**config, "functions": {"e": {}}}).body_limit({}) == 6 * 1024 * 1024


# Who is asking.


def principal_of(server: LambdaServer, request: Request, **config: Any) -> Any:
    options = {"awsgateway_compatible": True, **config.pop("options", {})}
    given = {**defaults(server), "functions": {"pay": options}, **config}
    made = Dispatcher(given, default_methods=ALL)
    made.respond(made["pay"], request)
    event = json.loads(server.invocations[0].body)
    return event["requestContext"].get("authorizer", {}).get("principalId")


def set_user(request: WerkzeugRequest) -> None:
    request.environ["REMOTE_USER"] = "grace"


@pytest.mark.parametrize(
    ("framework", "config", "user"),
    [
        ({}, {}, None),
        ({"principal": lambda: "ada"}, {}, "ada"),
        ({"principal": lambda: None}, {}, None),
        ({}, {"principal": lambda request: request.headers["Host"]}, "localhost"),
        ({"principal": lambda: "ada"}, {"principal": lambda request: "unused"}, "ada"),
        ({"principal": lambda: "ada"}, {"options": {"authorize": set_user}}, "grace"),
        ({"principal": lambda: "ada"}, {"options": {"authorize": lambda request: None}}, "ada"),
    ],
)
def test_principal_of_a_request(
    lambda_server: LambdaServer, framework: Any, config: Any, user: str | None
) -> None:
    assert principal_of(lambda_server, make_request(**framework), **config) == user


def test_principal_is_not_read_without_need(lambda_server: LambdaServer) -> None:
    made = dispatcher(lambda_server)
    request = make_request(principal=lambda: 1 / 0)
    assert made.respond(made["pay"], request).status == 200


@pytest.mark.parametrize(("user", "status"), [("ada", 200), ("eve", 404), (None, 404)])
def test_configured_principal_is_compared_with_consumers(
    lambda_server: LambdaServer, user: str | None, status: int
) -> None:
    config = {
        **defaults(lambda_server),
        "principal": lambda request: request.headers.get("X-User"),
        "routes": {"/f": {"function_name": "f", "consumers": ["ada"]}},
    }
    with serving(LambdaMiddleware(None, config), {"REMOTE_USER": "ada"}) as web:
        headers = [("X-User", user)] if user else []
        assert web.send("GET", "/f", headers).status == status


def test_allowed_methods_are_those_of_all_routes_of_a_path(lambda_server: LambdaServer) -> None:
    routes = {
        "/a": {"function_name": "f", "methods": ["OPTIONS", "GET"], "hosts": ["a.test"]},
        "/a/{id}": {"function_name": "f", "methods": ["PUT"]},
        "/b": {"function_name": "f"},
    }
    config = {**defaults(lambda_server), "routes": routes}
    made = Dispatcher(config, default_methods=ALL)
    assert made.allowed_methods("/a/7") == {"OPTIONS", "GET", "PUT"}
    assert made.allowed_methods("/b") == ALL
    assert made.allowed_methods("/c") == frozenset()
    # A route without methods does not take any other than the default ones.
    environ = EnvironBuilder("/b", method="OPTIONS").get_environ()
    assert made.find(environ) is None
    assert Dispatcher(config).find(environ) is not None
