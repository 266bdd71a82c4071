"""Run Lambda and IAM locally: ministack, the shop's functions, and a user who may invoke them."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from typing import Any

import botocore.config
import botocore.session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from urllib3 import HTTPResponse

from sample_app.processes import ProgramEnded, UnixConnection, running, wait_until_ready

FUNCTIONS = Path(__file__).parent / "functions"
REGION = "us-east-1"
USER = "demo-web"

#: The function that only the role may invoke. The user may assume the role.
FORBIDDEN = "payroll"
ROLE = "demo-bookkeeper"

#: The only variables that are passed on: functions inherit the emulator's environment.
INHERITED = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "SYSTEMROOT")


@dataclass(frozen=True, slots=True)
class Emulator:
    """A running emulator: its Unix socket and its process."""

    socket: Path
    process: Popen[bytes]


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A user's access key; the repr does not show the secret."""

    key_id: str
    secret: str

    def __repr__(self) -> str:
        return f"AccessKey({self.key_id!r})"


@contextlib.contextmanager
def emulator() -> Iterator[Emulator]:
    """Run ministack on a Unix socket; it checks signatures and policies.

    Its root key is known (test, test), and root may run code. So it opens no port:
    its socket is in a folder that no other user can enter. See `sample_app.guard`.
    It writes to that folder only. Raises `ProgramEnded` if it does not start.
    """
    with tempfile.TemporaryDirectory(prefix="wsgi-lambda-demo-") as folder:
        environ = {name: os.environ[name] for name in INHERITED if name in os.environ}
        environ.update(
            MINISTACK_HOST="localhost",
            MINISTACK_REGION=REGION,
            AUTH="true",
            LAMBDA_EXECUTOR="local",
            IOT_MTLS_ENABLED="0",  # it would listen on port 8883 of all addresses
            SFTP_ENABLED="0",
            HOME=folder,
            TMPDIR=folder,
            STATE_DIR=f"{folder}/state",
            S3_DATA_DIR=f"{folder}/s3",
        )
        log, socket = Path(folder, "ministack.log"), Path(folder, "socket")
        # `python -m ministack` takes addresses only; this is how its option -d starts it.
        command = [sys.executable, "-m", "hypercorn", "ministack.app:app", "--keep-alive", "75"]
        with (
            log.open("wb") as output,
            running(
                [*command, "--bind", f"unix:{socket}"], environ, stdout=output, stderr=output
            ) as process,
        ):
            wait_until_ready(
                process,
                socket,
                "/_ministack/health",
                lambda: f"The Lambda emulator did not start:\n{log.read_text()[-2000:]}",
            )
            yield Emulator(socket, process)


def deploy(server: Path | str, prefix: str, functions: Path = FUNCTIONS) -> dict[str, str]:
    """Create each function in the folder ``functions``; return ARNs by name, without ``prefix``.

    ``server`` is the emulator's Unix socket, or a URL.
    """
    iam, client = _client("iam", server), _client("lambda", server)
    role = iam.create_role(
        RoleName=f"{prefix}role",
        AssumeRolePolicyDocument=_policy(
            Principal={"Service": "lambda.amazonaws.com"}, Action="sts:AssumeRole"
        ),
    )
    arns = {}
    for name in function_names(functions):
        function = client.create_function(
            FunctionName=prefix + name,
            Runtime="python3.13",
            Handler="app.handler",
            Role=role["Role"]["Arn"],
            Timeout=10,
            Code={"ZipFile": _zip(functions / name)},
        )
        arns[name] = function["FunctionArn"]
    end = time.monotonic() + 10
    for name in arns:
        while client.get_function_configuration(FunctionName=prefix + name)["State"] == "Pending":
            if time.monotonic() > end:
                raise ProgramEnded(f"The function {prefix}{name} did not become active")
            time.sleep(0.05)
    return arns


def create_user(server: Path | str, arns: dict[str, str]) -> AccessKey:
    """Create the user of the web app, who may only invoke the functions that the app needs."""
    iam = _client("iam", server)
    iam.create_user(UserName=USER)
    iam.put_user_policy(
        UserName=USER,
        PolicyName="invoke-the-shop",
        PolicyDocument=_policy(
            Action="lambda:InvokeFunction",
            Resource=[arn for name, arn in arns.items() if name != FORBIDDEN],
        ),
    )
    key = iam.create_access_key(UserName=USER)["AccessKey"]
    return AccessKey(key["AccessKeyId"], key["SecretAccessKey"])


def create_role(server: Path | str, arns: dict[str, str]) -> str:
    """Create the role that may invoke the forbidden function; return its ARN."""
    iam = _client("iam", server)
    user = iam.get_user(UserName=USER)["User"]["Arn"]
    role: str = iam.create_role(
        RoleName=ROLE,
        AssumeRolePolicyDocument=_policy(Principal={"AWS": user}, Action="sts:AssumeRole"),
    )["Role"]["Arn"]
    for kind, name, action, resource in (
        ("user", USER, "sts:AssumeRole", role),
        ("role", ROLE, "lambda:InvokeFunction", arns[FORBIDDEN]),
    ):
        put = getattr(iam, f"put_{kind}_policy")
        document = _policy(Action=action, Resource=[resource])
        put(**{f"{kind.title()}Name": name}, PolicyName="payroll", PolicyDocument=document)
    return role


def function_names(functions: Path = FUNCTIONS) -> list[str]:
    """Return the functions that the emulator runs: all without a runtime of their own."""
    folders = (path.parent for path in functions.glob("*/app.py"))
    return sorted(folder.name for folder in folders if not (folder / "bootstrap").exists())


def _client(service: str, server: Path | str) -> Any:
    # test/test is the key of the emulator's root user.
    client = botocore.session.Session(session_vars=_NO_FILES).create_client(
        service,
        region_name=REGION,
        endpoint_url=server if isinstance(server, str) else "http://localhost",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=botocore.config.Config(retries={"max_attempts": 0}, proxies={}),
    )
    if isinstance(server, Path):
        # botocore sends nothing itself if a handler of this event returns the response.
        client.meta.events.register(
            "before-send", lambda request, **_: _sent(server, request), unique_id="unix-socket"
        )
    return client


def _sent(server: Path, request: AWSPreparedRequest) -> AWSResponse:
    with contextlib.closing(UnixConnection(server)) as connection:
        headers = {name: _text(value) for name, value in request.headers.items()}
        target = request.url.removeprefix("http://localhost")
        connection.request(request.method, target, request.body, {"Host": "localhost", **headers})
        reply = connection.getresponse()
        body = HTTPResponse(io.BytesIO(reply.read()), preload_content=False)
        return AWSResponse(request.url, reply.status, dict(reply.getheaders()), body)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


#: The developer's own AWS files must not have an effect.
_NO_FILES = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}


def _policy(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


def _zip(folder: Path) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(folder / "app.py", "app.py")
    return data.getvalue()
