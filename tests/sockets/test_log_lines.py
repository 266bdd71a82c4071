"""Foreign text gives exactly the log lines that the product means to write."""

from __future__ import annotations

import base64
import json

import pytest

from tests.conftest import MakeApp
from tests.servers.lambda_server import LambdaServer
from tests.servers.web_server import serving

EVIL = "x\nERROR forged\r\x1b[2J\u202e\u2028\x85"

#: Replies with foreign text in each of their fields.
REPLIES = {
    "type-of-an-error": (400, {}, json.dumps({"__type": EVIL}).encode()),
    "message-of-an-error": (400, {"X-Amzn-ErrorType": "E"}, EVIL.encode()),
    "error-of-a-function": (200, {"X-Amz-Function-Error": "Unhandled"}, EVIL.encode()),
    "tail": (200, {"X-Amz-Log-Result": base64.b64encode(EVIL.encode()).decode()}, b"1"),
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
        web.send("GET", "/f")
    records = [record for record in caplog.records if record.name.startswith("wsgi_lambda")]
    assert records
    for record in records:
        first, *rest = record.getMessage().split("\n")
        assert all(line.startswith("    ") for line in rest)
        assert all(line.isprintable() for line in (first, *rest))
