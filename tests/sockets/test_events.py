"""Requests and the events they become: one JSON file a case, through real sockets on both sides."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MakeApp
from tests.servers.lambda_server import LambdaServer
from tests.servers.web_server import serving

CASES = sorted((Path(__file__).parent / "cases" / "events").glob("*.json"))


def body_of(part: dict[str, Any]) -> bytes:
    if "body_base64" in part:
        return base64.b64decode(part["body_base64"])
    return part.get("body", "").encode()


@pytest.mark.promise("whole")
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_request_becomes_the_event(
    path: Path, lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    case = json.loads(path.read_text())
    request = case["request"]
    app = make_app({case.get("path", "/f"): {"function_name": "f", **case.get("options", {})}})
    with serving(app, case.get("environ")) as web:
        answer = web.send(
            request["method"],
            request["target"],
            request.get("headers", {}).items(),
            body_of(request),
        )
    if "event" in case:
        assert answer.status == 200, answer.body
        # As text: 1 is True to Python's ==, and no order is lost.
        assert [json.dumps(i.event) for i in lambda_server.invocations] == [
            json.dumps(case["event"])
        ]
    else:
        assert (answer.status, len(lambda_server.invocations)) == (case["status"], 0)
        assert case["message"] in answer.json()["message"]
        assert answer.json()["request_id"]
