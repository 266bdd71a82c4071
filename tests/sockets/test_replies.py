"""Lambda's replies and the answers they become: one JSON file a case, through real sockets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import MakeApp
from tests.servers.lambda_server import LambdaServer
from tests.servers.web_server import serving
from tests.sockets.test_events import body_of

CASES = sorted((Path(__file__).parent / "cases" / "replies").glob("*.json"))


@pytest.mark.promise("framing", "told apart")
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_reply_becomes_the_answer(
    path: Path,
    lambda_server: LambdaServer,
    make_app: MakeApp,
    caplog: pytest.LogCaptureFixture,
) -> None:
    case = json.loads(path.read_text())
    reply, expected = case["reply"], case["answer"]
    lambda_server.respond(reply["status"], reply["headers"], body_of(reply))
    app = make_app({"/f": {"function_name": "f", **case.get("options", {})}})
    with caplog.at_level("INFO"), serving(app) as web:
        answer = web.send(case.get("method", "GET"))

    assert answer.status == expected["status"], answer.body
    assert len(lambda_server.invocations) == 1
    for name, value in expected.get("headers", {}).items():
        assert answer.all(name) == (value if isinstance(value, list) else [value])
    assert [name for name in expected.get("absent", []) if answer.all(name)] == []
    if "body" in expected:
        assert answer.body == body_of(expected)
    if "json" in expected:
        assert answer.json() == expected["json"]
    if "message" in expected or "request_id" in expected:
        assert set(answer.json()) == {"message", "request_id"}
        assert answer.header("content-type") == "application/json"
        assert answer.header("x-amzn-requestid") == answer.json()["request_id"]
        sent = lambda_server.invocations[0].header("x-amzn-trace-id")
        assert answer.header("x-amzn-trace-id") == sent
        assert expected.get("message", "") in answer.json()["message"]
        assert expected.get("request_id", answer.json()["request_id"])
        assert b"123456789012" not in answer.body
        assert answer.json()["request_id"] in caplog.text
    if "log" in case:
        records = [r.getMessage() for r in caplog.records if r.name == case["log"]["logger"]]
        assert case["log"]["has"] in "\n".join(records)
