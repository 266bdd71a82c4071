"""The fixture `lambda_functions` and functions that stream."""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.test import Client, EnvironBuilder

from wsgi_lambda import LambdaMiddleware
from wsgi_lambda.errors import StreamCutOff
from wsgi_lambda.testing import (
    FunctionError,
    LambdaFunctions,
    NoReply,
    NotReady,
    Throttled,
    TimedOut,
)


def make_app(**options: Any) -> LambdaMiddleware:
    route = {"function_name": "chat", "invoke_mode": "RESPONSE_STREAM", **options}
    return LambdaMiddleware(None, {"aws_region": "eu-west-1", "routes": {"/f": route}})


def chat(event: Any, context: Any) -> Iterator[Any]:
    yield {"statusCode": 201, "headers": {"Content-Type": "text/plain"}}
    yield from event["words"]


def test_generator_streams(lambda_functions: LambdaFunctions) -> None:
    lambda_functions["chat"] = chat
    response = Client(make_app()).post("/f", json={"words": ["a", "ü"]})
    assert (response.status_code, response.mimetype) == (201, "text/plain")
    assert response.text == "aü"
    assert lambda_functions["chat"].event == {"words": ["a", "ü"]}
    assert response.headers["X-Amz-Executed-Version"] == "$LATEST"


def test_request_of_the_context_is_that_of_the_response(lambda_functions: LambdaFunctions) -> None:
    lambda_functions["chat"] = lambda event, context: iter([context.aws_request_id])
    response = Client(make_app()).get("/f")
    assert response.text == response.headers["X-Amzn-RequestId"] != ""


def test_chunk_is_produced_when_it_is_read(lambda_functions: LambdaFunctions) -> None:
    made: list[str] = []

    def handler(event: Any, context: Any) -> Iterator[str]:
        try:
            for word in ("a", "b", "c"):
                made.append(word)
                yield word
        finally:
            made.append("closed")

    lambda_functions["chat"] = handler
    body: Any = make_app()(EnvironBuilder("/f").get_environ(), lambda *_: None)  # type: ignore[arg-type,return-value]
    assert next(chunk for chunk in body if chunk) == b"a"
    assert made == ["a"]
    body.close()
    assert made == ["a", "closed"]
    assert list(body) == []


@pytest.mark.parametrize(
    ("behaviour", "body"), [({"a": 1}, b'{"a": 1}'), ("text", b'"text"'), (b"\x00", b"\x00")]
)
def test_value_is_one_chunk(lambda_functions: LambdaFunctions, behaviour: Any, body: bytes) -> None:
    lambda_functions["chat"] = behaviour
    assert Client(make_app()).get("/f").data == body


@pytest.mark.parametrize(
    ("behaviour", "status"),
    [
        (FunctionError("boom"), 502),
        (TimedOut(), 504),
        (Throttled(), 429),
        (NotReady(), 503),
        (NoReply(), 504),
        (lambda event, context: event["missing"], 502),
        ({1, 2}, 502),
    ],
)
def test_failure_before_the_first_chunk(
    lambda_functions: LambdaFunctions, behaviour: Any, status: int
) -> None:
    lambda_functions["chat"] = behaviour
    response = Client(make_app()).get("/f")
    assert response.status_code == status
    assert response.json is not None
    assert set(response.json) == {"message", "request_id"}


def test_failure_later_cuts_the_response_off(
    lambda_functions: LambdaFunctions, caplog: pytest.LogCaptureFixture
) -> None:
    lambda_functions["chat"] = lambda event, context: iter(["a", 7])
    response = Client(make_app()).get("/f")
    with pytest.raises(StreamCutOff):
        _ = response.data
    assert "a chunk must be bytes or str, not int" in caplog.text


def test_error_of_a_generator_that_is_closed_is_logged(
    lambda_functions: LambdaFunctions, caplog: pytest.LogCaptureFixture
) -> None:
    def handler(event: Any, context: Any) -> Iterator[str]:
        try:
            yield "no head"
        finally:
            raise ValueError("boom")

    lambda_functions["chat"] = handler
    assert Client(make_app(is_proxy_integration=True)).get("/f").status_code == 502
    assert "the generator of a handler raised an error when it was closed" in caplog.text


def test_log_is_part_of_the_end(
    lambda_functions: LambdaFunctions, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "wsgi_lambda.tail")
    lambda_functions["chat"] = lambda event, context: iter(["a"])
    assert Client(make_app()).get("/f").data == b"a"
    assert "REPORT RequestId: " in caplog.text
    caplog.clear()
    assert Client(make_app(log_type="None")).get("/f").data == b"a"
    assert caplog.text == ""


def test_throttled_stream_is_retried(lambda_functions: LambdaFunctions) -> None:
    lambda_functions["chat"] = [Throttled(), lambda event, context: iter(["a"])]
    assert Client(make_app(retries=1)).get("/f").data == b"a"
    assert [call.function for call in lambda_functions.calls] == ["chat", "chat"]


def test_stream_of_local_mode_uses_the_fixture(lambda_functions: LambdaFunctions) -> None:
    lambda_functions["chat"] = lambda event, context: iter(["of the test"])
    route = {"function_name": "chat", "handler": "no.such", "invoke_mode": "RESPONSE_STREAM"}
    app = LambdaMiddleware(None, {"local": True, "routes": {"/f": route}})
    assert Client(app).get("/f").data == b"of the test"


def test_call_has_the_payload_of_a_stream(lambda_functions: LambdaFunctions) -> None:
    lambda_functions["chat"] = None
    context = {"custom": {"a": 1}}
    assert Client(make_app(client_context=context)).get("/f?a=1").data == b"null"
    (call,) = lambda_functions.calls
    assert (call.event, call.client_context) == ({"a": "1"}, context)
    assert base64.b64decode(call.headers["x-amz-client-context"])
