"""What goes over the wire to Lambda, for each option that changes it."""

from __future__ import annotations

import base64
import gzip
import json
import re
from typing import Any

import pytest

from tests.conftest import ACCESS_KEY, MakeApp, defaults
from tests.servers import lambda_server as far_end
from tests.servers.lambda_server import LambdaServer
from tests.servers.received_request import Invocation
from tests.servers.web_server import serving
from wsgi_lambda import LambdaMiddleware

ARN = "arn:aws:lambda:us-east-1:123456789012:function:my-fn"


@pytest.mark.parametrize(
    ("options", "target"),
    [
        ({"function_name": "my_fn-1"}, "/2015-03-31/functions/my_fn-1/invocations"),
        ({"function_name": "fn:live"}, "/2015-03-31/functions/fn%3Alive/invocations"),
        (
            {"function_name": ARN},
            f"/2015-03-31/functions/{ARN.replace(':', '%3A')}/invocations",
        ),
        (
            {"function_name": "123456789012:function:fn:$LATEST"},
            "/2015-03-31/functions/123456789012%3Afunction%3Afn%3A%24LATEST/invocations",
        ),
        (
            {"function_name": "fn", "qualifier": "$LATEST"},
            "/2015-03-31/functions/fn/invocations?Qualifier=%24LATEST",
        ),
        (
            {"function_name": "fn:7", "qualifier": "7"},
            "/2015-03-31/functions/fn%3A7/invocations?Qualifier=7",
        ),
    ],
    ids=["name", "alias", "arn", "partial arn", "qualifier", "both alike"],
)
def test_function_is_named_and_signed(
    options: dict[str, Any], target: str, lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    with serving(make_app({"/f": options})) as web:
        assert web.send().status == 200
    assert [i.target for i in lambda_server.invocations] == [target]


@pytest.mark.promise("private")
def test_only_our_own_headers_reach_lambda(lambda_server: LambdaServer, make_app: MakeApp) -> None:
    hostile = [
        ("X-Amz-Invocation-Type", "Event"),
        ("X-Amz-Security-Token", "evil"),
        ("X-Amz-Client-Context", "evil"),
        ("Authorization", "Basic evil"),
        ("Proxy", "http://evil.test"),
        ("Cookie", "a=evil"),
        ("User-Agent", "evil"),
        ("Accept-Encoding", "gzip"),
    ]
    with serving(make_app({"/f": {"function_name": "f"}})) as web:
        web.send("GET", "/f", hostile)
    (invocation,) = lambda_server.invocations
    headers = {name.lower(): value for name, value in invocation.headers}
    for name in ("x-amz-date", "x-amz-content-sha256", "x-amzn-trace-id", "authorization"):
        assert headers.pop(name)
    assert headers == {
        "host": f"127.0.0.1:{lambda_server.port}",
        "content-type": "application/json",
        "content-length": "2",
        "accept-encoding": "identity",
        "user-agent": "wsgi-lambda",
        "x-amz-invocation-type": "RequestResponse",
        "x-amz-log-type": "Tail",
    }
    assert "evil" not in str(invocation.headers)


@pytest.mark.parametrize(
    ("kind", "log_type"), [("RequestResponse", "Tail"), ("Event", None), ("DryRun", None)]
)
def test_invocation_type(
    kind: str, log_type: str | None, lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    lambda_server.respond({"Event": 202, "DryRun": 204}.get(kind, 200), {}, b"")
    with serving(make_app({"/f": {"function_name": "f", "invocation_type": kind}})) as web:
        web.send()
    (invocation,) = lambda_server.invocations
    assert invocation.header("x-amz-invocation-type") == kind
    assert invocation.header("x-amz-log-type") == log_type


def test_an_event_may_be_as_large_as_its_invocation_type_takes(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    text = "x" * (1024 * 1024 - len('{"a":""}'))
    form = [("Content-Type", "application/x-www-form-urlencoded")]
    routes = {
        "/event": {"function_name": "f", "invocation_type": "Event"},
        "/f": {"function_name": "f"},
    }
    with serving(make_app(routes)) as web:
        statuses = [
            web.send("POST", target, form, f"a={text}{more}".encode()).status
            for target, more in (("/event", ""), ("/event", "x"), ("/f", "x"))
        ]
        whole = "a=" + "x" * (6 * 1024 * 1024 - len('{"a":""}'))
        statuses += [
            web.send("POST", "/f", form, f"{whole}{more}".encode()).status for more in ("", "x")
        ]
    assert statuses == [200, 413, 200, 200, 413]
    assert max(len(i.body) for i in lambda_server.invocations) == 6 * 1024 * 1024


def test_text_in_other_scripts_is_not_made_longer(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    with serving(make_app({"/f": {"function_name": "f"}})) as web:
        web.send("GET", "/f?a=%E6%97%A5")
    assert lambda_server.invocations[0].body == '{"a":"\u65e5"}'.encode()


def test_half_a_surrogate_pair_survives(lambda_server: LambdaServer, make_app: MakeApp) -> None:
    body = b'{"a":"\\ud800","b":"\\u00e9"}'
    with serving(make_app({"/f": {"function_name": "f"}})) as web:
        web.send("POST", "/f", [("Content-Type", "application/json")], body)
    # Only what UTF-8 cannot contain is escaped.
    assert lambda_server.invocations[0].body == '{"a":"\\ud800","b":"é"}'.encode()


@pytest.mark.parametrize("depth", [500, 100_000])
@pytest.mark.parametrize("forward", [False, True])
def test_deep_nesting_survives_or_does_not_parse(
    depth: int, forward: bool, lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    nested = "[" * depth + "]" * depth
    app = make_app({"/f": {"function_name": "f", "forward_request_body": forward}})
    with serving(app) as web:
        body = f'{{"a":{nested}}}'.encode()
        answer = web.send("POST", "/f?q=1", [("Content-Type", "application/json")], body)
    assert answer.status == 200
    arguments = f'{{"q":"1","a":{nested}}}' if depth == 500 else '{"q":"1"}'
    if forward:
        inner = body.decode() if depth == 500 else "{}"
        text = body.decode().replace('"', '\\"')
        arguments = f'{{"request_body":"{text}","request_body_args":{inner}}}'
    assert lambda_server.invocations[0].body.decode() == arguments


def test_nesting_that_parses_can_be_sent(lambda_server: LambdaServer, make_app: MakeApp) -> None:
    """Between the parser's limit and the encoder's no depth may raise."""
    app = make_app({"/f": {"function_name": "f", "forward_request_body": True}})
    with serving(app) as web:
        for depth in range(850, 1000, 3):
            body = b"[" * depth + b"]" * depth
            assert (
                web.send("POST", "/f", [("Content-Type", "application/json")], body).status == 200
            )
    assert len(lambda_server.invocations) == 50


def test_integer_beyond_the_parser_does_not_parse(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    body = b'{"a": ' + b"1" * 5000 + b"}"
    with serving(make_app({"/f": {"function_name": "f"}})) as web:
        web.send("POST", "/f?q", [("Content-Type", "application/json")], body)
    assert lambda_server.invocations[0].body == b'{"q":true}'


def test_compressed_answer_is_handed_on_as_it_is(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    packed = gzip.compress(b"x" * 1000)
    lambda_server.respond(200, {"Content-Encoding": "gzip"}, packed)
    with serving(make_app({"/f": {"function_name": "f"}})) as web:
        answer = web.send()
    assert (answer.body, answer.header("content-encoding")) == (packed, "gzip")


@pytest.mark.promise("bounded")
def test_answer_may_be_as_large_as_lambda_s_and_no_larger(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    lambda_server.script(
        far_end.respond(200, {}, b"1" * 6 * 1024 * 1024),
        far_end.respond(200, {"x-amzn-RequestId": "r-1"}, b"1" * 100),
        far_end.respond(200, {}, b"1" * 10),
    )
    routes = {"/f": {"function_name": "f"}, "/s": {"function_name": "f", "max_response_size": 10}}
    with serving(make_app(routes)) as web:
        assert len(web.send().body) == 6 * 1024 * 1024
        too_large = web.send("GET", "/s")
        # What was not read must not be met by the next request.
        assert lambda_server.wait_until(lambda: lambda_server.open_connections() == 0)
        assert web.send("GET", "/s").body == b"1" * 10
    assert (too_large.status, too_large.json()["request_id"]) == (502, "r-1")
    assert "too large" in too_large.json()["message"]


@pytest.mark.promise("bounded")
def test_endless_answer_ends(lambda_server: LambdaServer, make_app: MakeApp) -> None:
    lambda_server.script(far_end.endless([("Transfer-Encoding", "identity")]))
    with serving(make_app({"/f": {"function_name": "f", "max_response_size": 10_000}})) as web:
        assert web.send().status == 502


def test_environment_s_keys_are_read_for_each_request(
    lambda_server: LambdaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = {**defaults(lambda_server), "aws_key": None, "aws_secret": None}
    app = LambdaMiddleware(None, {**config, "routes": {"/f": {"function_name": "f"}}})
    with serving(app) as web:
        without = web.send()
        for key, secret, token in (("AKIDONE", "one", ""), ("AKIDTWO", "two", "a-token")):
            lambda_server.credentials[key] = (secret, token or None)
            monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
            monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
            monkeypatch.setenv("AWS_SESSION_TOKEN", token)
            assert web.send().status == 200
    assert (without.status, set(without.json())) == (500, {"message", "request_id"})
    used = [i.header("authorization").split("/")[0][-7:] for i in lambda_server.invocations]
    tokens = [i.header("x-amz-security-token") for i in lambda_server.invocations]
    assert (used, tokens) == (["AKIDONE", "AKIDTWO"], [None, "a-token"])


@pytest.mark.promise("secret")
def test_no_credentials_are_told_to_the_log_alone(
    lambda_server: LambdaServer, caplog: pytest.LogCaptureFixture
) -> None:
    config = {**defaults(lambda_server), "aws_key": None, "aws_secret": None}
    app = LambdaMiddleware(None, {**config, "routes": {"/f": {"function_name": "f"}}})
    with serving(app) as web:
        answer = web.send()
    assert answer.status == 500
    assert b"AWS_ACCESS_KEY_ID" not in answer.body
    assert "AWS_ACCESS_KEY_ID" in caplog.text
    assert answer.json()["request_id"] in caplog.text
    assert lambda_server.connections == 0


@pytest.mark.promise("secret")
def test_secrets_are_in_no_log_line(
    lambda_server: LambdaServer, make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    lambda_server.script(
        far_end.respond(200, {}, b"{}"), far_end.respond(500, {}, b"{}"), far_end.reset()
    )
    app = make_app(
        {"/f": {"function_name": "f"}}, aws_secret="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
    )
    with caplog.at_level("DEBUG"), serving(app) as web:
        for _ in range(3):
            web.send("POST", "/f")
    assert "wJalrXUtnFEMI" not in caplog.text
    assert ACCESS_KEY not in caplog.text
    assert "wJalrXUtnFEMI" not in repr(vars(app))


def test_answer_without_a_type_is_json(lambda_server: LambdaServer, make_app: MakeApp) -> None:
    lambda_server.script(far_end.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1"))
    with serving(make_app({"/f": {"function_name": "f"}})) as web:
        assert web.send().header("content-type") == "application/json"


@pytest.mark.promise("secret")
def test_session_token_in_a_signature_error_stays_out_of_the_log(
    lambda_server: LambdaServer, make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    body = b'{"message":"The Canonical String should have been\\nx-amz-security-token:SECRET\\n"}'
    lambda_server.respond(403, {"x-amzn-ErrorType": "InvalidSignatureException"}, body)
    with serving(make_app({"/f": {"function_name": "f"}})) as web:
        assert web.send().status == 502
    assert "x-amz-security-token:..." in caplog.text
    assert "SECRET" not in caplog.text


def test_body_that_is_left_out_is_told_to_the_log(
    lambda_server: LambdaServer, make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(make_app({"/f": {"function_name": "f"}})) as web:
        web.send("POST", "/f", [("Content-Type", "image/png")], b"abc")
        web.send("POST", "/f", [("Content-Type", "application/json")], b"{")
    told = [r.getMessage() for r in caplog.records if "not in the event" in r.getMessage()]
    no_arguments = "is not in the event: its type contains no arguments"
    malformed = "is not in the event: malformed, beyond the parser's limits, or a scalar"
    assert told == [
        f"POST '/f': a body of 3 bytes, type 'image/png', {no_arguments}",
        f"POST '/f': a body of 1 bytes, type 'application/json', {malformed}",
    ]


def test_answer_is_dated_by_the_server_alone(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    lambda_server.respond(200, {"Date": "Mon, 01 Jan 2001 00:00:00 GMT"}, b"1")
    with serving(make_app({"/f": {"function_name": "f"}})) as web:
        (date,) = web.send().all("date")
    assert "2001" not in date


def test_client_context_is_sent_and_signed(lambda_server: LambdaServer, make_app: MakeApp) -> None:
    context = {"custom": {"shop": "Zoë's"}, "env": {}}
    app = make_app({"/f": {"function_name": "f", "client_context": context}})
    with serving(app) as web:
        assert web.send().status == 200
    (invocation,) = lambda_server.invocations
    assert json.loads(base64.b64decode(invocation.header("x-amz-client-context") or "")) == context
    assert "x-amz-client-context;" in signed_headers(invocation)


@pytest.mark.parametrize(
    ("tenant_id", "headers", "sent"),
    [
        ("blue  team", [], "blue  team"),
        ("header:X-Tenant", [("X-Tenant", "a/b:c=d@e+f_g.h-1")], "a/b:c=d@e+f_g.h-1"),
        ("header:host", [("Host", "shop.test")], "shop.test"),
    ],
)
def test_tenant_is_sent_and_signed(
    tenant_id: str,
    headers: list[tuple[str, str]],
    sent: str,
    lambda_server: LambdaServer,
    make_app: MakeApp,
) -> None:
    with serving(make_app({"/f": {"function_name": "f", "tenant_id": tenant_id}})) as web:
        assert web.send("GET", "/f", headers).status == 200
    (invocation,) = lambda_server.invocations
    assert invocation.header("x-amz-tenant-id") == sent
    assert "x-amz-tenant-id" in signed_headers(invocation)


@pytest.mark.promise("private")
@pytest.mark.parametrize("given", [None, "", "a*b", "Zoë", "a" * 257])
def test_bad_tenant_header_invokes_nothing(
    given: str | None, lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    headers = [] if given is None else [("X-Tenant", given)]
    with serving(make_app({"/f": {"function_name": "f", "tenant_id": "header:X-Tenant"}})) as web:
        answer = web.send("GET", "/f", headers)
    assert (answer.status, lambda_server.invocations) == (400, [])
    assert "X-Tenant" in answer.json()["message"]


@pytest.mark.promise("private")
@pytest.mark.parametrize("payload_version", [None, "1.0", "2.0"])
def test_trace_of_the_request_travels_with_the_invocation(
    payload_version: str | None, lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    options: dict[str, Any] = {"awsgateway_compatible": payload_version is not None}
    options["awsgateway_compatible_payload_version"] = payload_version
    given = "Sampled=1;Root=1-5759e988-bd862e3fe1be46a994272793;Evil=1"
    with serving(make_app({"/f": {"function_name": "f", **options}})) as web:
        web.send("GET", "/f", [("X-Amzn-Trace-Id", given)])
        web.send("GET", "/f", [("X-Amzn-Trace-Id", "Root=evil")])
    traces = [i.header("x-amzn-trace-id") for i in lambda_server.invocations]
    assert traces[0] == "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", traces[1] or "")
    if payload_version:
        events = [invocation.event for invocation in lambda_server.invocations]
        assert [event["headers"]["x-amzn-trace-id"] for event in events] == traces


def signed_headers(invocation: Invocation) -> str:
    """Return the names that the signature covers, each with a semicolon after it."""
    authorization = invocation.header("authorization") or ""
    return authorization.partition("SignedHeaders=")[2].partition(",")[0] + ";"
