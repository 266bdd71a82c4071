"""How the shop behaves when its functions work, fail, or cannot be reached."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from sample_app.functions.chat.app import handler as chat
from sample_app.functions.orders.app import handler as orders
from sample_app.settings import DEFAULT_PREFIX
from wsgi_lambda.testing import (
    FunctionError,
    LambdaFunctions,
    NoReply,
    NotReady,
    Refused,
    Throttled,
    TimedOut,
)

ORDERS = f"{DEFAULT_PREFIX}orders"


@pytest.mark.parametrize("path", ["/", "/about", "/contact", "/lambda-prices", "/lambda"])
def test_own_pages_invoke_nothing(
    client: FlaskClient, lambda_functions: LambdaFunctions, path: str
) -> None:
    assert client.get(path).status_code == (404 if path == "/lambda" else 200)
    assert lambda_functions.calls == []


def test_an_order_is_made(client: FlaskClient, lambda_functions: LambdaFunctions) -> None:
    lambda_functions[ORDERS] = orders
    response = client.post("/lambda/orders", json={"item": "mug", "quantity": 2})
    assert response.status_code == 201
    assert response.headers["Location"] == "/lambda/orders/mug-2-5e04c285"
    assert len(response.headers.getlist("Set-Cookie")) == 2
    event = lambda_functions[ORDERS].event
    assert (event["request_method"], event["request_uri"]) == ("POST", "/lambda/orders")
    assert client.get(response.headers["Location"]).json["item"] == "mug"  # type: ignore[index]


def test_an_order_is_never_sent_twice(
    client: FlaskClient, lambda_functions: LambdaFunctions
) -> None:
    lambda_functions[ORDERS] = [Throttled(retry_after=2), pytest.fail]
    response = client.post("/lambda/orders", json={"item": "mug"})
    assert (response.status_code, response.headers["Retry-After"]) == (429, "2")
    assert len(lambda_functions.calls) == 1


#: What happens to the function of the orders, and the status that the client gets.
FAILURES: dict[str, tuple[Any, int]] = {
    "throttled": (Throttled(), 429),
    "not deployed completely": (NotReady(), 503),
    "cold start fails": (
        FunctionError(
            "Unable to import module 'app': No module named 'stripe'", "Runtime.ImportModuleError"
        ),
        502,
    ),
    "bug": (FunctionError("'item'", "KeyError"), 502),
    "late": (TimedOut(seconds=10), 504),
    "silent": (NoReply(), 504),
    "unreachable": (Refused(), 502),
    "nonsense": ("no mapping", 502),
}


@pytest.mark.parametrize(("behaviour", "status"), FAILURES.values(), ids=FAILURES)
def test_a_failed_order_tells_the_customer_nothing(
    client: FlaskClient, lambda_functions: LambdaFunctions, behaviour: Any, status: int
) -> None:
    lambda_functions[ORDERS] = behaviour
    response = client.post("/lambda/orders", json={"item": "mug"})
    assert (response.status_code, response.mimetype) == (status, "application/json")
    assert response.json is not None
    assert set(response.json) == {"message", "request_id"}
    assert "stripe" not in response.text


def test_a_subscription_is_queued(client: FlaskClient, lambda_functions: LambdaFunctions) -> None:
    name = f"{DEFAULT_PREFIX}newsletter"
    lambda_functions[name] = None
    assert client.post("/lambda/newsletter", data={"email": "ada@shop.test"}).status_code == 202
    (call,) = lambda_functions[name].calls
    assert (call.invocation_type, call.event) == ("Event", {"email": "ada@shop.test"})


def test_a_file_is_part_of_the_event(
    client: FlaskClient, lambda_functions: LambdaFunctions
) -> None:
    name = f"{DEFAULT_PREFIX}upload"
    lambda_functions[name] = lambda event, context: sorted(event)
    form = {"title": "Receipt", "file": (io.BytesIO(b"paid"), "receipt.txt")}
    assert client.post("/lambda/upload", data=form).json == ["file", "title"]
    assert lambda_functions[name].event["file"]["filename"] == "receipt.txt"


def test_the_chat_streams_word_by_word(
    client: FlaskClient, lambda_functions: LambdaFunctions
) -> None:
    lambda_functions[f"{DEFAULT_PREFIX}chat"] = chat
    response = client.get("/lambda/chat?pause=0")
    assert response.mimetype == "text/event-stream"
    assert response.text.count("data: ") == 11
    assert response.text.endswith("event: end\ndata:\n\n")


def test_a_chat_that_fails_later_is_cut_off(
    client: FlaskClient, lambda_functions: LambdaFunctions
) -> None:
    lambda_functions[f"{DEFAULT_PREFIX}chat"] = chat
    assert client.get("/lambda/chat?pause=0&fail=begin").status_code == 502
    response = client.get("/lambda/chat?pause=0&fail=middle")
    with pytest.raises(ConnectionResetError):
        _ = response.data


def test_other_host_names_reach_no_function(
    client: FlaskClient, lambda_functions: LambdaFunctions
) -> None:
    assert client.get("/lambda/echo", base_url="http://evil.test").status_code >= 400
    assert lambda_functions.calls == []


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/lambda/catalogue?tag=gift&max_price=10", {"found": 2}),
        ("/lambda/echo?a=1&a=2", {"a": ["1", "2"]}),
        ("/lambda/slow?seconds=0", {"slept": 0.0}),
    ],
)
def test_functions_themselves_run_in_this_process(
    client: FlaskClient, path: str, expected: dict[str, Any]
) -> None:
    # Without the fixture, local mode runs the shop's own functions.
    found = json.loads(client.get(path).data)
    assert expected.items() <= found.items()


def test_a_bug_is_a_500(client: FlaskClient) -> None:
    response = client.get("/lambda/broken")
    assert (response.status_code, response.json) == (
        500,
        {
            "errorMessage": "'mug'",
            "errorType": "KeyError",
            "requestId": response.headers["X-Amzn-RequestId"],
        },
    )


def test_operations_page_leaves_out_a_line_that_is_being_written(
    client: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "invocations"
    file.write_text('{"route": "/lambda/orders"}\n{"route": "/lam')
    monkeypatch.setenv("DEMO_INVOCATIONS", str(file))
    page = client.get("/operations").text
    assert page.count("<td>/lam") == 1
