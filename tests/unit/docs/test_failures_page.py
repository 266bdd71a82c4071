"""docs/failures.md: statuses, and the words to look for in the log."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client

from tests.conftest import MakeApp, defaults
from tests.servers.lambda_server import Exchange, LambdaServer, Step, hang
from tests.unit.docs.pages import block, code, importing, page, rows, save_files, section
from wsgi_lambda import LambdaMiddleware
from wsgi_lambda.options import OPTIONS

PAGE = page("docs/failures.md")
TROUBLES = rows(section(PAGE, "Troubleshooting"))


def reply(status: int, error: str = "", body: bytes = b"{}", head: str = "") -> Step:
    def step(exchange: Exchange) -> None:
        named = f"x-amzn-ErrorType: {error}\r\n" if error else ""
        text = f"HTTP/1.1 {status} Any\r\n{named}{head}Content-Length: {len(body)}\r\n\r\n"
        exchange.send(text.encode() + body)

    return step


FAILED = "X-Amz-Function-Error: Unhandled\r\n"
#: By the word in the log: the reply, and the options of the route.
CAUSES: dict[str, tuple[Step | None, dict[str, Any]]] = {
    "CredentialsError": (None, {"aws_key": None, "aws_secret": None}),
    "403 AccessDeniedException": (reply(403, "AccessDeniedException"), {}),
    "403 UnrecognizedClientException": (reply(403, "UnrecognizedClientException"), {}),
    "403 InvalidSignatureException": (reply(403, "InvalidSignatureException"), {}),
    "404 ResourceNotFoundException": (reply(404, "ResourceNotFoundException"), {}),
    "name not resolved": (None, {"host": "lambda.invalid"}),
    "TLS failed": (None, {"disable_https": False}),
    "connection refused": (None, {"port": 1}),
    "DeadlinePassed": (hang(), {"timeout": 200}),
    "Task timed out": (
        reply(200, body=b'{"errorMessage": "Task timed out after 3.00 seconds"}', head=FAILED),
        {"is_proxy_integration": True},
    ),
    "function error": (reply(200, body=b'{"errorMessage": "no"}', head=FAILED), {}),
}


@pytest.mark.parametrize("words", CAUSES)
def test_log_has_the_words_and_the_client_the_status(
    words: str, lambda_server: LambdaServer, make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    step, options = CAUSES[words]
    if step:
        lambda_server.script(step)
    app = make_app({"/f": {"function_name": "MyLambda"}}, **options)
    with caplog.at_level(logging.WARNING, "wsgi_lambda"):
        response = Client(app).get("/f")
    (row,) = (row for row in TROUBLES if words in code(row[1]))
    assert words in caplog.text
    assert response.status_code == int(row[0].split()[0])
    lambda_server.errors.clear()


def test_every_row_with_a_status_of_its_own_has_a_test() -> None:
    shown = {
        words
        for status, words_cell, _ in TROUBLES
        if status[:3].isdigit()
        for words in code(words_cell)
    }
    assert shown - {"LengthRequired", "RequestError"} == set(CAUSES)


def test_chunked_body_without_a_known_end_is_411(caplog: pytest.LogCaptureFixture) -> None:
    config = {"aws_region": "us-east-1", "routes": {"/f": {"function_name": "f"}}}
    environ = {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
    client = Client(LambdaMiddleware(None, config))
    response = client.post("/f", data={"a": "1"}, environ_overrides=environ)
    assert response.status_code == 411
    assert "LengthRequired" in caplog.text


def test_page_of_the_app_is_sent_to_browsers(lambda_server: LambdaServer, tmp_path: Path) -> None:
    text = section(PAGE, "Your own error pages")
    save_files(text, tmp_path)
    names: dict[str, Any] = {}
    with importing(tmp_path, "shop.errors"):
        exec(block(text, "python", "WSGI_LAMBDA ="), names)
        config = {**defaults(lambda_server), **names["WSGI_LAMBDA"]}
        client = Client(LambdaMiddleware(None, config))
        throttled = reply(429, "TooManyRequestsException")
        lambda_server.script(throttled, throttled)
        response = client.get("/lambda1", headers={"Accept": "text/html"})
        assert (response.status_code, response.mimetype) == (429, "text/html")
        assert response.headers["X-Amzn-RequestId"] in response.text
        assert (response.headers["Retry-After"], "Error 429" in response.text) == ("1", True)
        assert client.get("/lambda1").json


def test_options_on_the_page_exist() -> None:
    names = ("timeout", "retries", "max_payload_size", "max_arguments", "max_concurrency")
    names += ("max_response_size", "tenant_id", "authorize", "on_error")
    assert all(f"`{name}`" in PAGE for name in names)
    assert set(names) <= set(OPTIONS)
