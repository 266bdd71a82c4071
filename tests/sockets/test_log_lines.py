"""Foreign text gives exactly the log lines that the product means to write."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from typing import Any

import pytest
from werkzeug.test import Client

from tests.conftest import MakeApp
from tests.servers.event_stream import chunk, complete, stream
from tests.servers.lambda_server import LambdaServer
from tests.servers.streamed import Streamed
from tests.servers.web_server import serving
from wsgi_lambda.observe import FIELDS

EVIL = "x\nERROR forged\r\x1b[2J\u202e\u2028\x85"

#: Replies with foreign text in each of their fields.
REPLIES = {
    "type-of-an-error": (400, {}, json.dumps({"__type": EVIL}).encode()),
    "message-of-an-error": (400, {"X-Amzn-ErrorType": "E"}, EVIL.encode()),
    "error-of-a-function": (200, {"X-Amz-Function-Error": "Unhandled"}, EVIL.encode()),
    "tail": (200, {"X-Amz-Log-Result": base64.b64encode(EVIL.encode()).decode()}, b"1"),
    # Control characters of latin-1: terminals take the second one for ESC [.
    "request-id": (400, {"X-Amzn-RequestId": "r\x80\x9b2J"}, b"{}"),
    "version": (200, {"X-Amz-Executed-Version": "7\x9b2J"}, b"{}"),
    "field-of-a-result": (200, {}, json.dumps({"statusCode": 200, "headers": {EVIL: 1}}).encode()),
}


@pytest.mark.promise("secret")
@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
def test_foreign_text_forges_no_line(
    reply: tuple[int, dict[str, str], bytes],
    lambda_server: LambdaServer,
    make_app: MakeApp,
    caplog: pytest.LogCaptureFixture,
) -> None:
    lambda_server.respond(*reply)
    routes = {"/f": {"function_name": "f", "is_proxy_integration": True}}
    with caplog.at_level("INFO", logger="wsgi_lambda"), serving(make_app(routes)) as web:
        web.send("GET", "/f/%1b%5b2J%e2%80%ae")
    records = [record for record in caplog.records if record.name.startswith("wsgi_lambda")]
    assert records
    for record in records:
        first, *rest = record.getMessage().split("\n")
        assert all(line.startswith("    ") for line in rest)
        assert all(line.isprintable() for line in (first, *rest))
        attributes = [vars(record).get(name, "") for name in FIELDS]
        assert all(value.isprintable() for value in attributes if isinstance(value, str))


FAILED = {"X-Amzn-RequestId": "r-1", "X-Amz-Function-Error": "Unhandled"}
THROTTLED = {"X-Amzn-RequestId": "r-1", "X-Amzn-ErrorType": "TooManyRequestsException"}

#: Reply, then logger, level, template's beginning, and the attributes error_type and status.
LINES = {
    "failure": (
        (429, THROTTLED, b"{}"),
        ("wsgi_lambda", "WARNING", "/shop ServiceError: %s %r ", "TooManyRequestsException", 429),
    ),
    "function-error": (
        (200, FAILED, b'{"errorType":"ValueError"}'),
        ("wsgi_lambda", "ERROR", "/shop function error: %s %r ", "ValueError", 200),
    ),
    "tail": (
        (200, {"X-Amzn-RequestId": "r-1", "X-Amz-Log-Result": "bG9n"}, b"{}"),
        ("wsgi_lambda.tail", "INFO", "%s request %s:", "", 200),
    ),
}


@pytest.mark.parametrize(("reply", "expected"), LINES.values(), ids=LINES)
def test_lines_about_a_request_share_their_attributes(
    reply: tuple[int, dict[str, str], bytes],
    expected: tuple[Any, ...],
    lambda_server: LambdaServer,
    make_app: MakeApp,
    caplog: pytest.LogCaptureFixture,
) -> None:
    lambda_server.respond(*reply)
    caplog.set_level("WARNING", logger="wsgi_lambda.access")
    caplog.set_level("INFO", logger="wsgi_lambda")
    Client(make_app({"/shop": {"function_name": "orders:live"}})).get("/shop/7")
    (record,) = (each for each in caplog.records if hasattr(each, "aws_request_id"))
    logger, level, template, error_type, status = expected
    assert (record.name, record.levelname) == (logger, level)
    assert record.msg.startswith(template)
    assert record.exc_info is None
    given = vars(record)
    assert (given["error_type"], given["status"]) == (error_type, status)
    assert (given["route"], given["function"], given["aws_request_id"]) == (
        "/shop",
        "orders",
        "r-1",
    )


def test_first_8_kib_of_an_error_are_logged(
    lambda_server: LambdaServer, make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    lambda_server.respond(200, FAILED, b"x" * 8192 + b"y")
    Client(make_app({"/shop": {"function_name": "orders"}})).get("/shop")
    message = caplog.records[-1].getMessage()
    assert message.endswith(f"8193 bytes: '{'x' * 8192}'")


def test_error_that_is_cut_within_a_character(
    lambda_server: LambdaServer, make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    lambda_server.respond(200, FAILED, b"x" + "\xe9".encode() * 5000)
    Client(make_app({"/shop": {"function_name": "orders"}})).get("/shop")
    message = caplog.records[-1].getMessage()
    assert message.endswith("10001 bytes: 'x" + "\xe9" * 4095 + "\ufffd'")


def test_details_of_a_stream_that_are_cut_within_a_character(
    lambda_server: LambdaServer, make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    lambda_server.script(stream(chunk(b"tea"), complete("Own", "x" + "\xe9" * 4096)))
    route = {"function_name": "chat", "invoke_mode": "RESPONSE_STREAM"}
    with Streamed(make_app({"/f": route})) as response, suppress(ConnectionResetError):
        response.rest()
    assert caplog.records[-1].getMessage().endswith("\xe9\xe9\ufffd")


def test_function_error_in_proxy_integration_is_one_line(
    lambda_server: LambdaServer, make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    body = b'{"errorType":"ValueError","errorMessage":"boom"}'
    lambda_server.respond(200, FAILED, body)
    route = {"function_name": "orders", "is_proxy_integration": True}
    Client(make_app({"/shop": route})).get("/shop/7")
    (record,) = caplog.records
    assert record.getMessage() == (
        f"/shop function error: GET '/shop/7' 502: orders ValueError, request r-1, {len(body)} "
        f"bytes: {body.decode()!r}"
    )


def test_percent_in_a_path_is_no_placeholder(
    make_app: MakeApp, lambda_server: LambdaServer, caplog: pytest.LogCaptureFixture
) -> None:
    lambda_server.respond(404)
    Client(make_app({"/100% off": {"function_name": "orders"}})).get("/100%25 off")
    (record,) = caplog.records
    assert record.getMessage().startswith("/100% off ServiceError: GET '/100% off' 502: ")


def test_lines_of_the_tail(
    lambda_server: LambdaServer, make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    log = base64.b64encode(b"a\tb\rc\r\nd\x1b[2J\x0be\n\xc2\xa0\xc2\xa0File\n").decode()
    lambda_server.respond(200, {"X-Amzn-RequestId": "r-1", "X-Amz-Log-Result": log}, b"1")
    caplog.set_level("INFO", logger="wsgi_lambda.tail")
    Client(make_app({"/shop": {"function_name": "orders"}})).get("/shop")
    (record,) = caplog.records
    assert record.getMessage().splitlines() == [
        "orders request r-1:",
        "    a\tb",
        "    c",
        r"    d\x1b[2J\x0be",
        "      File",
    ]
