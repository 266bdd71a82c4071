"""Requests and the gateway events they become: one JSON file a case, through real sockets.

A case has the whole ``event``, or what it ``has`` and ``lacks`` by dotted path;
``<uuid>``, ``<time>``, ``<now>`` and ``<root>`` stand for what differs each time.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from werkzeug.middleware.proxy_fix import ProxyFix

from tests.conftest import MakeApp
from tests.servers.lambda_server import LambdaServer
from tests.servers.web_server import serving
from tests.sockets.test_events import body_of

CASES = sorted((Path(__file__).parent / "cases" / "gateway_events").glob("*.json"))
V2 = {"awsgateway_compatible": True, "awsgateway_compatible_payload_version": "2.0"}


def as_expected(value: Any, wanted: Any) -> Any:
    """Return ``value`` with its placeholder where ``wanted`` has one, and it is as it says."""
    if isinstance(value, dict) and isinstance(wanted, dict):
        return {name: as_expected(item, wanted.get(name)) for name, item in value.items()}
    if isinstance(value, list) and isinstance(wanted, list) and len(value) == len(wanted):
        return [as_expected(*pair) for pair in zip(value, wanted, strict=True)]
    return wanted if isinstance(wanted, str) and IS.get(wanted, is_never)(value) else value


def is_never(value: Any) -> bool:
    return False


def is_a_uuid(value: Any) -> bool:
    return str(uuid.UUID(value)) == value


def is_now(value: Any) -> bool:
    return type(value) is int and abs(value - time.time() * 1000) < 60_000


def is_the_time(value: Any) -> bool:
    """Compare with the clock, in the locale of the tests, which is English."""
    parsed = time.strptime(value, "%d/%b/%Y:%H:%M:%S +0000")
    return abs(time.mktime((*parsed[:8], 0)) - time.mktime((*time.gmtime()[:8], 0))) < 60


def is_a_root(value: Any) -> bool:
    return re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", value) is not None


IS = {"<uuid>": is_a_uuid, "<now>": is_now, "<time>": is_the_time, "<root>": is_a_root}


def look_up(event: Any, path: str) -> Any:
    """Return what stands at a dotted path; `KeyError` where nothing does."""
    for name in path.split("."):
        event = event[name]
    return event


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_request_becomes_the_gateway_event(
    path: Path, lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    case = json.loads(path.read_text())
    request = case["request"]
    app = make_app({case.get("path", "/f"): {"function_name": "f", **case["options"]}})
    with serving(app, case["environ"]) as web:
        answer = web.send(
            request["method"],
            request["target"],
            request.get("headers", {}).items(),
            body_of(request),
        )
    if "status" in case:
        assert (answer.status, len(lambda_server.invocations)) == (case["status"], 0)
        assert case["message"] in answer.json()["message"]
        return
    assert answer.status == 200, answer.body
    (event,) = (invocation.event for invocation in lambda_server.invocations)
    if "event" in case:
        assert as_expected(event, case["event"]) == case["event"]
    for place, wanted in case.get("has", {}).items():
        assert as_expected(look_up(event, place), wanted) == wanted, place
    for place in case.get("lacks", ()):
        with pytest.raises(KeyError):
            look_up(event, place)


def test_every_request_has_its_own_id_and_root(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    with serving(make_app({"/f": {"function_name": "f", **V2}})) as web:
        web.send()
        web.send()
    first, second = (invocation.event for invocation in lambda_server.invocations)
    assert first["requestContext"]["requestId"] != second["requestContext"]["requestId"]
    assert first["headers"]["x-amzn-trace-id"] != second["headers"]["x-amzn-trace-id"]


@pytest.mark.parametrize(
    ("given", "hops", "ours"),
    [
        ("198.51.100.9", 1, "198.51.100.9"),
        ("198.51.100.9, 10.0.0.1", 2, "198.51.100.9"),
        ("198.51.100.9:51234", 1, "198.51.100.9"),
        ("[2001:db8::7]:51234, 10.0.0.1", 2, "2001:db8::7"),
    ],
)
def test_proxy_fix_decides_who_the_client_is(
    given: str, hops: int, ours: str, lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    app = ProxyFix(make_app({"/f": {"function_name": "f", **V2}}), x_for=hops, x_proto=1, x_port=1)
    sent = {"X-Forwarded-For": given, "X-Forwarded-Proto": "https", "X-Forwarded-Port": "443"}
    with serving(app) as web:
        web.send("GET", "/f", sent.items())
    (event,) = (invocation.event for invocation in lambda_server.invocations)
    assert event["requestContext"]["http"]["sourceIp"] == ours
    assert event["headers"]["x-forwarded-for"] == given
    assert event["headers"]["x-forwarded-proto"] == "https"
    assert event["headers"]["x-forwarded-port"] == "443"


def test_client_cannot_hide_behind_proxy_fix_for_other_headers(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    app = ProxyFix(make_app({"/f": {"function_name": "f", **V2}}), x_for=0, x_host=1)
    given = "127.0.0.1, 198.51.100.9"
    with serving(app) as web:
        web.send("GET", "/f", [("X-Forwarded-For", given), ("X-Forwarded-Host", "shop.test")])
    (event,) = (invocation.event for invocation in lambda_server.invocations)
    assert event["headers"]["x-forwarded-for"] == f"{given}, 127.0.0.1"
