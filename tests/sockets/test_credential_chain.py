"""Credentials from everywhere botocore finds them, proven by the signature that Lambda gets.

The services that give them away are real sockets (tests/fake_service.py).
"""

from __future__ import annotations

import hashlib
import json
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import defaults
from tests.servers.fake_service import Asked, FakeService, Reply, in_an_hour, metadata, sts
from tests.servers.lambda_server import LambdaServer, respond
from tests.servers.proxy_server import ProxyServer
from tests.servers.web_server import ClientResponse, serving
from wsgi_lambda import LambdaMiddleware

KEY, SECRET, TOKEN = "ASIACHAIN", "chain/secret+key", "chain-token/with+signs=="
ROLE = "arn:aws:iam::123456789012:role/shop"
NO_KEYS = {"aws_key": None, "aws_secret": None}
BUSY = 3.0  # seconds, for a busy machine


@pytest.fixture
def far_end() -> Iterator[LambdaServer]:
    """Lambda, which knows the credentials that the chain is to find, and no others."""
    with LambdaServer(credentials={KEY: (SECRET, TOKEN), "AKIDFILE": (SECRET, None)}) as server:
        yield server


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))


def wrapped(server: LambdaServer, **options: Any) -> LambdaMiddleware:
    config = {
        **defaults(server, **{**NO_KEYS, **options}),
        "routes": {"/f": {"function_name": "f"}},
    }
    return LambdaMiddleware(None, config)


def ask(app: LambdaMiddleware, times: int = 1) -> list[ClientResponse]:
    with serving(app) as web:
        return [web.send() for _ in range(times)]


def assert_invoked(server: LambdaServer, app: LambdaMiddleware) -> None:
    """Send two requests, both of which must reach Lambda with a right signature."""
    assert [a.status for a in ask(app, times=2)] == [200, 200], server.errors
    assert len(server.invocations) == 2


def assert_refused(
    server: LambdaServer, app: LambdaMiddleware, told: str, log: pytest.LogCaptureFixture
) -> None:
    """Send a request, which must be answered 500 and say in the log alone what happened."""
    (refusal,) = ask(app)
    assert (refusal.status, server.invocations) == (500, [])
    assert refusal.json()["message"] == "The server has no credentials for the function"
    assert told in log.text
    assert SECRET not in log.text
    assert TOKEN not in log.text


# --- files


def write(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, text: str) -> None:
    file = tmp_path / variable
    file.write_text(text)
    monkeypatch.setenv(variable, str(file))


def test_shared_credentials_file(
    far_end: LambdaServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = f"[default]\naws_access_key_id = AKIDFILE\naws_secret_access_key = {SECRET}\n"
    write(monkeypatch, tmp_path, "AWS_SHARED_CREDENTIALS_FILE", text)
    assert_invoked(far_end, wrapped(far_end))


def test_profile_of_the_environment_and_its_region(
    far_end: LambdaServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "wsgi_lambda")
    keys = f"aws_access_key_id = AKIDFILE\naws_secret_access_key = {SECRET}\n"
    text = f"[profile shop]\nregion = us-east-1\n{keys}"
    write(monkeypatch, tmp_path, "AWS_CONFIG_FILE", text)
    monkeypatch.setenv("AWS_PROFILE", "shop")
    assert_invoked(far_end, wrapped(far_end, aws_region=None))
    assert "credentials: profile shop (config-file), key …" in caplog.text


def test_credential_process(
    far_end: LambdaServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given = {"Version": 1, "AccessKeyId": KEY, "SecretAccessKey": SECRET, "SessionToken": TOKEN}
    (tmp_path / "given.json").write_text(json.dumps({**given, "Expiration": in_an_hour()}))
    command = f"{sys.executable} -c 'print(open(\"{tmp_path}/given.json\").read())'"
    write(monkeypatch, tmp_path, "AWS_CONFIG_FILE", f"[default]\ncredential_process = {command}\n")
    assert_invoked(far_end, wrapped(far_end))


@pytest.mark.parametrize(
    ("variable", "text", "told"),
    [
        ("AWS_SHARED_CREDENTIALS_FILE", "aws_secret_access_key", "Unable to parse config file"),
        ("AWS_CONFIG_FILE", "[default\nregion", "Unable to parse config file"),
        (
            "AWS_SHARED_CREDENTIALS_FILE",
            f"[default]\naws_access_key_id = {KEY}\n",
            "Partial credentials found in shared-credentials-file",
        ),
        (
            "AWS_SHARED_CREDENTIALS_FILE",
            f"[default]\naws_access_key_id = A B\naws_secret_access_key = {SECRET}\n",
            "shared-credentials-file returned a key with characters other than visible ASCII",
        ),
        ("AWS_CONFIG_FILE", "[default]\ncredential_process = false\n", "custom-process"),
    ],
    ids=["corrupt", "corrupt-config", "half", "blank", "process-fails"],
)
def test_bad_file_is_told_in_the_log(
    variable: str,
    text: str,
    told: str,
    far_end: LambdaServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    write(monkeypatch, tmp_path, variable, text)
    assert_refused(far_end, wrapped(far_end), told, caplog)


def test_profile_that_is_not_there(
    far_end: LambdaServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert_refused(far_end, wrapped(far_end), "AWS_PROFILE=nobody", caplog)


def test_corrupt_config_file_tells_no_region(
    far_end: LambdaServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    write(monkeypatch, tmp_path, "AWS_CONFIG_FILE", "[default\nregion")
    with pytest.raises(ValueError, match="aws_region: not set"):
        wrapped(far_end, aws_region=None)
    assert "cannot read the profile's region" in caplog.text
    assert "Unable to parse config file" in caplog.text


# --- containers, web identity, SSO


def test_container(far_end: LambdaServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("Basic b2s=")

    def give(asked: Asked) -> Reply:
        allowed = asked.headers.get("authorization") == "Basic b2s="
        return (200, metadata(KEY, SECRET, TOKEN)) if allowed else (401, "who are you?")

    with FakeService(give) as service:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{service.url}/v2/me")
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(tmp_path / "token"))
        assert_invoked(far_end, wrapped(far_end))
    assert [asked.target for asked in service.asked] == ["/v2/me"]


def use_web_identity(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str) -> None:
    (tmp_path / "identity").write_text("a.web.token")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "identity"))
    monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", url)


def test_web_identity(
    far_end: LambdaServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def give(asked: Asked) -> Reply:
        assert asked.form["Action"] == "AssumeRoleWithWebIdentity"
        assert (asked.form["WebIdentityToken"], asked.form["RoleArn"]) == ("a.web.token", ROLE)
        return 200, sts("AssumeRoleWithWebIdentity", KEY, SECRET, TOKEN)

    with FakeService(give) as service:
        use_web_identity(monkeypatch, tmp_path, service.url)
        assert_invoked(far_end, wrapped(far_end))
    assert len(service.asked) == 1


def test_sso(far_end: LambdaServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    start = "https://shop.awsapps.test/start"
    cache = tmp_path / "cache"
    cache.mkdir()
    # Read once, when botocore is imported.
    monkeypatch.setattr("botocore.credentials.SSOProvider._SSO_TOKEN_CACHE_DIR", str(cache))
    name = hashlib.sha1(start.encode(), usedforsecurity=False).hexdigest()
    session = {"startUrl": start, "region": "us-east-1", "accessToken": "sso-token"}
    (cache / f"{name}.json").write_text(json.dumps({**session, "expiresAt": in_an_hour()}))
    profile = (
        f"[default]\nsso_start_url = {start}\nsso_region = us-east-1\n"
        "sso_account_id = 123456789012\nsso_role_name = shop\n"
    )
    write(monkeypatch, tmp_path, "AWS_CONFIG_FILE", profile)
    given = {"accessKeyId": KEY, "secretAccessKey": SECRET, "sessionToken": TOKEN}
    expires = int((time.time() + 3600) * 1000)

    def give(asked: Asked) -> Reply:
        assert asked.headers["x-amz-sso_bearer_token"] == "sso-token"
        return 200, {"roleCredentials": {**given, "expiration": expires}}

    with FakeService(give) as portal:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SSO", portal.url)
        assert_invoked(far_end, wrapped(far_end))
    assert len(portal.asked) == 1


# --- an instance's metadata service


def instance(*, has_v1: bool = True, has_v2: bool = True) -> FakeService:
    def give(asked: Asked) -> Reply:
        if asked.target == "/latest/api/token":
            return (200, "metadata-token") if has_v2 and asked.method == "PUT" else (403, "no")
        if asked.headers.get("x-aws-ec2-metadata-token") != ("metadata-token" if has_v2 else None):
            return 401, "no token"
        if not has_v1 and not has_v2:
            return 401, "nothing"
        path = "/latest/meta-data/iam/security-credentials/"
        return (200, "shop") if asked.target == path else (200, metadata(KEY, SECRET, TOKEN))

    return FakeService(give)


def use_instance(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", url)
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")


@pytest.mark.parametrize(
    ("version", "has_v2", "status"), [("v1", True, 200), ("v1", False, 200), ("v2", True, 200)]
)
def test_instance(
    version: str,
    has_v2: bool,
    status: int,
    far_end: LambdaServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with instance(has_v2=has_v2) as service:
        use_instance(monkeypatch, service.url)
        assert_invoked(far_end, wrapped(far_end, aws_imds_protocol_version=version))


def test_v2_never_falls_back_to_v1(
    far_end: LambdaServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with instance(has_v2=False) as service:
        use_instance(monkeypatch, service.url)
        app = wrapped(far_end, aws_imds_protocol_version="v2")
        assert_refused(far_end, app, "MetadataRetrievalError", caplog)
    assert {asked.method for asked in service.asked} == {"PUT"}


def test_metadata_is_never_asked_through_a_proxy(
    far_end: LambdaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with instance() as service, ProxyServer() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, proxy.url)
        use_instance(monkeypatch, service.url)
        app = wrapped(far_end, proxy_url=proxy.url)
        assert_invoked(far_end, app)
    # What went through it are the invocations.
    assert {asked.target.split("/")[3] for asked in proxy.asked} == {"2015-03-31"}


@contextmanager
def silent_server() -> Iterator[str]:
    """Accept connections, and never answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_metadata_service_that_hangs_is_given_up_after_two_seconds(
    version: str,
    far_end: LambdaServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with silent_server() as url:
        use_instance(monkeypatch, url)
        started = time.monotonic()
        app = wrapped(far_end, aws_imds_protocol_version=version)
        assert_refused(far_end, app, f"AWS_EC2_METADATA_SERVICE_ENDPOINT={url}", caplog)
        assert time.monotonic() - started < 2 + BUSY


def test_look_up_counts_towards_the_timeout(
    far_end: LambdaServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with silent_server() as url:
        use_instance(monkeypatch, url)
        started = time.monotonic()
        (late,) = ask(wrapped(far_end, timeout=300))
        took = time.monotonic() - started
    assert (late.status, far_end.invocations) == (504, [])
    assert 0.3 <= took < 0.3 * 1.2 + BUSY
    assert "credentials were still being looked up" in caplog.text


# --- a role


def use_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDBASE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "base-secret")


def give_role(asked: Asked) -> Reply:
    return 200, sts("AssumeRole", KEY, SECRET, TOKEN)


@pytest.mark.parametrize("base", ["environment", "own"])
def test_role_is_assumed_with_the_credentials_found_so_far(
    base: str, far_end: LambdaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = {"aws_key": "AKIDBASE", "aws_secret": "base-secret"} if base == "own" else {}
    if not own:
        use_keys(monkeypatch)
    options = {
        "aws_assume_role_arn": ROLE,
        "aws_role_session_name": "shop-at-home",
        "aws_external_id": "shop-7",
    }
    with FakeService(give_role) as service:
        assert_invoked(
            far_end, wrapped(far_end, **options, **own, aws_sts_endpoint_url=service.url)
        )
    (asked,) = service.asked
    assert "Credential=AKIDBASE/" in asked.headers["authorization"]
    assert "/us-east-1/sts/aws4_request" in asked.headers["authorization"]
    assert (asked.form["Action"], asked.form["RoleArn"]) == ("AssumeRole", ROLE)
    assert (asked.form["RoleSessionName"], asked.form["ExternalId"]) == ("shop-at-home", "shop-7")


def test_role_is_assumed_with_the_chain_s(
    far_end: LambdaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeService(give_role) as service, instance() as metadata_service:
        use_instance(monkeypatch, metadata_service.url)
        app = wrapped(far_end, aws_assume_role_arn=ROLE, aws_sts_endpoint_url=service.url)
        assert_invoked(far_end, app)
    assert service.asked[0].form["RoleSessionName"] == "wsgi_lambda"
    assert "ExternalId" not in service.asked[0].form
    assert service.asked[0].headers["x-amz-security-token"] == TOKEN


def test_sts_is_reached_through_the_proxy_and_not_through_the_environment_s(
    far_end: LambdaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_keys(monkeypatch)
    with FakeService(give_role) as service, ProxyServer() as proxy, ProxyServer() as other:
        for name in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, other.url)
        role = {"aws_assume_role_arn": ROLE, "aws_sts_endpoint_url": service.url}
        assert_invoked(far_end, wrapped(far_end, **role, proxy_url=proxy.url))
        assert ask(wrapped(far_end, **role))[0].status == 200
    assert f"{service.url}/" in {asked.target for asked in proxy.asked}
    assert (len(service.asked), other.asked) == (2, [])


DENIED = (
    '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>'
    "<Code>AccessDenied</Code><Message>User: arn:aws:iam::123456789012:user/web may not</Message>"
    "</Error></ErrorResponse>"
)


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (200, "<html><h1>Welcome to the hotel</h1>", "STS at"),
        (200, "", "STS at"),
        (403, DENIED, "AccessDenied"),
        (200, "<AssumeRoleResponse/>", "STS at"),
        (500, "<html>", "STS at"),
    ],
    ids=["html", "empty", "denied", "no-credentials", "broken"],
)
def test_sts_that_refuses_or_talks_nonsense(
    status: int,
    body: str,
    told: str,
    far_end: LambdaServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    use_keys(monkeypatch)
    with FakeService(lambda asked: (status, body)) as service:
        app = wrapped(far_end, aws_assume_role_arn=ROLE, aws_sts_endpoint_url=service.url)
        assert_refused(far_end, app, told, caplog)
        assert f"STS at {service.url} returned no credentials for {ROLE}" in caplog.text
    assert "requested with AWS_ACCESS_KEY_ID in the environment" in caplog.text


def test_secrets_that_sts_repeats_are_not_told(
    far_end: LambdaServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    use_keys(monkeypatch)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "base-token")
    echo = DENIED.replace("may not", "said: base-secret base-token shop-7")
    with FakeService(lambda asked: (403, echo)) as service:
        role = {"aws_assume_role_arn": ROLE, "aws_external_id": "shop-7"}
        app = wrapped(far_end, **role, aws_sts_endpoint_url=service.url)
        assert_refused(far_end, app, "STS at", caplog)
    assert "said: " in caplog.text
    for secret in ("base-secret", "base-token", "shop-7"):
        assert secret not in caplog.text


def test_answer_of_sts_that_was_cut_off_is_not_told(
    far_end: LambdaServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    use_keys(monkeypatch)
    cut = sts("AssumeRole", KEY, SECRET, TOKEN)[:-20]
    with FakeService(lambda asked: (200, cut)) as service:
        app = wrapped(far_end, aws_assume_role_arn=ROLE, aws_sts_endpoint_url=service.url)
        assert_refused(far_end, app, "ResponseParserError", caplog)
    assert "SecretAccessKey" not in caplog.text


def test_sts_that_is_not_there(
    far_end: LambdaServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    use_keys(monkeypatch)
    with FakeService(give_role) as gone:
        url = gone.url
    app = wrapped(far_end, aws_assume_role_arn=ROLE, aws_sts_endpoint_url=url)
    assert_refused(far_end, app, f"STS at {url}", caplog)


# --- once for all, and again when they are refused


def test_fifty_requests_at_once_are_one_look_up(
    far_end: LambdaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_keys(monkeypatch)
    role = {"aws_assume_role_arn": ROLE}
    with FakeService(give_role) as service:
        routes = {"/f": {"function_name": "f"}, "/g": {"function_name": "g"}}
        options = defaults(far_end, **NO_KEYS, **role, aws_sts_endpoint_url=service.url)
        statuses: list[int] = []
        with serving(LambdaMiddleware(None, {**options, "routes": routes})) as web:
            threads = [
                threading.Thread(
                    target=lambda path=path: statuses.append(web.send("GET", path).status)
                )
                for path in ["/f", "/g"] * 25
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    assert (statuses, len(service.asked)) == ([200] * 50, 1)


EXPIRED = [
    ("ExpiredTokenException", "The security token included in the request is expired"),
    ("UnrecognizedClientException", "The security token included in the request is invalid."),
    ("ExpiredToken", "The security token included in the request is expired"),
    ("InvalidClientTokenId", "The security token included in the request is invalid"),
]


@pytest.mark.parametrize(("kind", "message"), EXPIRED)
def test_refused_credentials_are_renewed_and_tried_once_more(
    kind: str, message: str, far_end: LambdaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_keys(monkeypatch)
    given = iter([("ASIAOLD", "old-secret", "old-token"), (KEY, SECRET, TOKEN)])
    far_end.credentials["ASIAOLD"] = ("old-secret", "old-token")
    refused = respond(403, {"x-amzn-ErrorType": kind}, json.dumps({"message": message}).encode())
    far_end.script(refused)
    with FakeService(lambda asked: (200, sts("AssumeRole", *next(given)))) as service:
        app = wrapped(far_end, aws_assume_role_arn=ROLE, aws_sts_endpoint_url=service.url)
        assert [a.status for a in ask(app, times=2)] == [200, 200]
    tokens = [invocation.header("x-amz-security-token") for invocation in far_end.invocations]
    assert (tokens, len(service.asked)) == (["old-token", TOKEN, TOKEN], 2)


def test_credentials_that_stay_refused_are_a_502_after_one_renewal(
    far_end: LambdaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_keys(monkeypatch)
    kind, message = EXPIRED[0]
    refused = respond(403, {"x-amzn-ErrorType": kind}, json.dumps({"message": message}).encode())
    far_end.script(refused, refused, refused)
    with FakeService(give_role) as service:
        app = wrapped(far_end, aws_assume_role_arn=ROLE, aws_sts_endpoint_url=service.url)
        assert [a.status for a in ask(app)] == [502]
    assert (len(far_end.invocations), len(service.asked)) == (2, 2)


def test_any_other_403_is_not_tried_again(
    far_end: LambdaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_keys(monkeypatch)
    far_end.script(respond(403, {"x-amzn-ErrorType": "AccessDeniedException"}, b"{}"))
    with FakeService(give_role) as service:
        app = wrapped(far_end, aws_assume_role_arn=ROLE, aws_sts_endpoint_url=service.url)
        assert [a.status for a in ask(app)] == [502]
    assert (len(far_end.invocations), len(service.asked)) == (1, 1)


def test_own_keys_that_are_refused_are_a_502_at_once(far_end: LambdaServer) -> None:
    kind, message = EXPIRED[0]
    body = json.dumps({"message": message}).encode()
    far_end.script(respond(403, {"x-amzn-ErrorType": kind}, body))
    own = {"aws_key": KEY, "aws_secret": SECRET, "aws_session_token": TOKEN}
    assert [a.status for a in ask(wrapped(far_end, **own))] == [502]
    assert len(far_end.invocations) == 1


def test_keys_renewed_in_the_environment_are_used_at_once(
    far_end: LambdaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "old-token")
    far_end.credentials[KEY] = (SECRET, "old-token")
    kind, message = EXPIRED[0]
    refused = respond(403, {"x-amzn-ErrorType": kind}, json.dumps({"message": message}).encode())

    def expire(exchange: Any) -> None:
        monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
        far_end.credentials[KEY] = (SECRET, TOKEN)
        refused(exchange)

    far_end.script(expire)
    assert [a.status for a in ask(wrapped(far_end))] == [200]
    tokens = [invocation.header("x-amz-security-token") for invocation in far_end.invocations]
    assert tokens == ["old-token", TOKEN]
