"""Credentials against an independent STS, IAM and metadata service (ministack)."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.config
import botocore.session
import pytest

from sample_app import emulator
from sample_app.processes import running, wait_until_ready
from tests.servers.app_servers import free_port
from tests.servers.web_server import ClientResponse, serving
from wsgi_lambda import LambdaMiddleware

pytestmark = pytest.mark.e2e

PREFIX = "identity-"


class Peer:
    """An emulator with functions, a user with a key, and a role that the user may assume."""

    def __init__(self, url: str) -> None:
        self.url = url
        arns = emulator.deploy(url, PREFIX)
        self.key = emulator.create_user(url, arns)
        self.role = emulator.create_role(url, arns)

    def ask(self, function: str, **options: Any) -> ClientResponse:
        """Return the response of ``function``, invoked as the user or as ``options`` say."""
        config = {
            "aws_region": emulator.REGION,
            "host": "127.0.0.1",
            "port": int(self.url.rpartition(":")[2]),
            "disable_https": True,
            "aws_key": self.key.key_id,
            "aws_secret": self.key.secret,
            "aws_sts_endpoint_url": self.url,
            "timeout": 10_000,
            **options,
        }
        routes = {"/f": {"function_name": f"{PREFIX}{function}"}}
        with serving(LambdaMiddleware(None, {**config, "routes": routes})) as web:
            response: ClientResponse = web.send("GET", "/f?a=1")
        return response


@contextlib.contextmanager
def emulator_with_a_port(folder: Path, **environ: str) -> Iterator[str]:
    """Run an emulator without the demo's guard; yield its URL.

    It accepts any signature unless AUTH is "true" in ``environ``.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    settings = {
        "PATH": "/usr/bin:/bin",
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "localhost",
        "LAMBDA_EXECUTOR": "local",
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
        "IOT_MTLS_ENABLED": "0",  # it would listen on all addresses
        **environ,
    }
    command = [sys.executable, "-m", "ministack"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with running(command, settings, **quiet) as process:
        wait_until_ready(process, port, "/_ministack/health", lambda: "the emulator did not start")
        yield url


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    folder = tmp_path_factory.mktemp("identity")
    with emulator_with_a_port(folder, AUTH="true", MINISTACK_REGION=emulator.REGION) as url:
        yield Peer(url)


def test_right_key(peer: Peer) -> None:
    response = peer.ask("echo")
    assert (response.status, response.json()) == (200, {"a": "1"})


@pytest.mark.parametrize(
    ("options", "logged"),
    [
        ({"aws_secret": "wrong"}, "403 InvalidSignatureException"),
        ({"aws_key": "AKIDNOBODY"}, "403 UnrecognizedClientException"),
        ({"aws_session_token": "expired"}, "403"),
    ],
    ids=["wrong-secret", "unknown-key", "unknown-token"],
)
def test_wrong_key(
    options: dict[str, str], logged: str, peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    assert peer.ask("echo", **options).status == 502
    assert logged in caplog.text
    assert peer.key.secret not in caplog.text


def test_key_without_the_permission(peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    assert peer.ask(emulator.FORBIDDEN).status == 502
    assert "403 AccessDeniedException" in caplog.text


def test_role_with_the_permission(peer: Peer) -> None:
    response = peer.ask(emulator.FORBIDDEN, aws_assume_role_arn=peer.role)
    assert (response.status, response.json()["event"]) == (200, {"a": "1"})


def test_role_has_no_other_permission(peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    assert peer.ask("echo", aws_assume_role_arn=peer.role).status == 502
    assert "403 AccessDeniedException" in caplog.text


@pytest.mark.parametrize(
    ("options", "logged"),
    [
        ({"aws_secret": "wrong"}, "SignatureDoesNotMatch"),
        ({"aws_assume_role_arn": "arn:aws:iam::000000000000:role/nobody"}, "AccessDenied"),
    ],
    ids=["wrong-secret", "unknown-role"],
)
def test_role_that_cannot_be_assumed(
    options: dict[str, str], logged: str, peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    response = peer.ask(emulator.FORBIDDEN, **{"aws_assume_role_arn": peer.role, **options})
    assert (response.status, set(response.json())) == (500, {"message", "request_id"})
    assert logged in caplog.text
    assert peer.key.secret not in caplog.text


def expired_session(peer: Peer) -> dict[str, str]:
    """Return expired credentials of the role."""
    config = botocore.config.Config(parameter_validation=False, proxies={})
    session = botocore.session.Session()
    keys = {"aws_access_key_id": peer.key.key_id, "aws_secret_access_key": peer.key.secret}
    client = session.create_client(
        "sts", region_name=emulator.REGION, endpoint_url=peer.url, config=config, **keys
    )
    # The STS of AWS has a minimum of 15 minutes.
    given = client.assume_role(RoleArn=peer.role, RoleSessionName="short", DurationSeconds=1)
    found: dict[str, str] = given["Credentials"]
    time.sleep(1.2)
    return found


def test_expired_token_is_logged(peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    expired = expired_session(peer)
    own = {
        "aws_key": expired["AccessKeyId"],
        "aws_secret": expired["SecretAccessKey"],
        "aws_session_token": expired["SessionToken"],
    }
    assert peer.ask(emulator.FORBIDDEN, **own).status == 502
    assert "403 ExpiredToken" in caplog.text


def test_expired_token_is_renewed(
    peer: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A credential process returns expired credentials first, then the user's."""
    expired = expired_session(peer)
    names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
    first = {"Version": 1, **{name: expired[name] for name in names}}
    then = {"Version": 1, "AccessKeyId": peer.key.key_id, "SecretAccessKey": peer.key.secret}
    (tmp_path / "first").write_text(json.dumps(first))
    (tmp_path / "then").write_text(json.dumps(then))
    script = tmp_path / "process"
    script.write_text(
        f"#!/bin/sh\ncd {tmp_path}\ncat first 2>/dev/null || cat then\nmv first gone 2>/dev/null\n"
        "exit 0\n"
    )
    script.chmod(0o755)
    (tmp_path / "config").write_text(f"[default]\ncredential_process = {script}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    response = peer.ask("echo", aws_key=None, aws_secret=None)
    assert (response.status, response.json()) == (200, {"a": "1"})
    assert not (tmp_path / "first").exists()


# --- an instance's metadata service; its keys are unknown to an emulator that checks signatures


@pytest.mark.parametrize("required", ["0", "1"], ids=["v1-allowed", "v2-required"])
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_role_of_an_instance(
    version: str, required: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with emulator_with_a_port(tmp_path, MINISTACK_IMDS_V2_REQUIRED=required) as url:
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", url)
        monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
        peer = Peer(url)
        none = {"aws_key": None, "aws_secret": None}
        response = peer.ask("echo", aws_imds_protocol_version=version, **none)
    assert (response.status, response.json()) == (200, {"a": "1"})
