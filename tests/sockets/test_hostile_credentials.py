"""Sources of credentials that are broken or hostile: a clear error, soon, and no secret told."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import botocore.credentials
import pytest

from tests.conftest import defaults
from tests.servers.certificate import certificate
from tests.servers.fake_service import in_an_hour, metadata, sts
from tests.servers.lambda_server import LambdaServer
from tests.servers.raw_service import Answer, RawService, endless, reply
from tests.servers.web_server import ClientResponse, serving
from wsgi_lambda import LambdaMiddleware

KEY, SECRET, TOKEN = "ASIAHOSTILE", "hostile/secret+key", "hostile-token/with+signs=="
ROLE = "arn:aws:iam::123456789012:role/shop"
A_ROLE = {"aws_key": "AKIDEXAMPLE", "aws_secret": SECRET, "aws_assume_role_arn": ROLE}
BUSY = 3.0  # seconds, for a busy machine
HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def far_end() -> Iterator[LambdaServer]:
    with LambdaServer(credentials={KEY: (SECRET, TOKEN)}) as server:
        yield server


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))


def send(server: LambdaServer, **options: Any) -> ClientResponse:
    """Send one request, whose response must arrive long before its timeout."""
    options = {"aws_key": None, "aws_secret": None, **options}
    config = {**defaults(server, **options), "routes": {"/f": {"function_name": "f"}}}
    started = time.monotonic()
    with serving(LambdaMiddleware(None, config)) as web:
        response = web.send()
    assert time.monotonic() - started < 3 + BUSY
    return response


def assert_refused(response: ClientResponse, text: str, log: pytest.LogCaptureFixture) -> None:
    assert (response.status, set(response.json())) == (500, {"message", "request_id"})
    assert text in log.text
    for secret in (SECRET, TOKEN, "/secret-path", "Traceback"):
        assert secret not in log.text


GIVEN = metadata(KEY, SECRET, TOKEN)


def changed(**fields: Any) -> bytes:
    return json.dumps({**GIVEN, **fields}).encode()


#: What a service may send, and cannot be used.
BROKEN: dict[str, Answer] = {
    "endless": endless(HEAD + b"\r\n", b"x" * 65536),
    "in single bytes": endless(HEAD + b"\r\n", b"x"),
    "more than 64 KiB": reply(json.dumps({**GIVEN, "x": "x" * 70_000}).encode()),
    "many numbers": reply(b"[" + b"1," * 200_000 + b"1]"),
    "interim responses without end": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "a head without end": endless(HEAD, b"X: y\r\n" * 100),
    "a slow head": endless(HEAD, b"x", 0.1),
    "a slow body": endless(HEAD + b"Content-Length: 99999\r\n\r\n", b"x", 0.1),
    "silence": endless(b"", b"", 0.1),
    "nothing": lambda *_: None,
    "another protocol": lambda _, connection, __: connection.sendall(b"\0\1\2\r\n\r\n"),
    "half a body": lambda _, connection, __: connection.sendall(
        HEAD + b"Content-Length: 9999\r\n\r\n" + changed()
    ),
    "nested arrays": reply(b"[" * 60_000),
    "not UTF-8": reply(b"\xff\xfe" + SECRET.encode()),
    "half of the JSON": reply(changed()[:-20]),
    "an array": reply(json.dumps([GIVEN]).encode()),
    "a string": reply(json.dumps(SECRET).encode()),
    "null": reply(b"null"),
    "other fields": reply(json.dumps({"key": SECRET}).encode()),
    "a number as key": reply(changed(SecretAccessKey=5)),
    "a list as key": reply(changed(SecretAccessKey=[SECRET])),
    "an object as token": reply(changed(Token={"a": TOKEN})),
    "a key with a line end": reply(changed(SecretAccessKey=f"{SECRET}\n")),
    "an expiry without a zone": reply(changed(Expiration=in_an_hour().rstrip("Z"))),
    "an expiry in words": reply(changed(Expiration="soon")),
    "an expiry that is a number": reply(changed(Expiration=10**300)),
    "an expiry that is long": reply(changed(Expiration="9" * 50_000)),
    "the year 0": reply(changed(Expiration="0000-01-01T00:00:00Z")),
    "a redirect": reply(b"", "302 Found", "Location: http://127.0.0.1:9/"),
    "an error": reply(SECRET.encode(), "500 Internal Server Error"),
}
USABLE: dict[str, Answer] = {
    "a fraction": reply(changed(Expiration=in_an_hour().replace("Z", ".123456789Z"))),
    "an offset": reply(changed(Expiration=in_an_hour().replace("Z", "+00:00"))),
    "the year 9999": reply(changed(Expiration="9999-12-31T23:59:59Z")),
    "a key twice": reply(b'{"AccessKeyId": "ASIAOTHER", ' + changed()[1:]),
}


def use_container(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setattr("botocore.utils.ContainerMetadataFetcher.SLEEP_TIME", 0.01)
    monkeypatch.setattr("botocore.utils.ContainerMetadataFetcher.TIMEOUT_SECONDS", 0.3)
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{url}/secret-path")


def use_instance(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", url)
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")


def of_an_instance(answer: Answer) -> Answer:
    """Give the token and the role's name, and let ``answer`` give the credentials."""

    def choose(head: bytes, *rest: Any) -> None:
        if head.startswith(b"PUT"):
            reply(b"token")(head, *rest)
        elif b"security-credentials/ " in head:
            reply(b"shop")(head, *rest)
        else:
            answer(head, *rest)

    return choose


USES: dict[str, tuple[Callable[[pytest.MonkeyPatch, str], None], Callable[[Answer], Answer]]] = {
    "container": (use_container, lambda answer: answer),
    "instance": (use_instance, of_an_instance),
}


ON_THE_WIRE = list(BROKEN)[:12]


@pytest.mark.parametrize(
    ("answer", "use", "served"),
    [(answer, *USES["container"]) for answer in BROKEN.values()]
    + [(BROKEN[name], *USES["instance"]) for name in ON_THE_WIRE],
    ids=[*BROKEN, *(f"instance-{name}" for name in ON_THE_WIRE)],
)
def test_metadata_service_that_is_broken(
    answer: Answer,
    use: Callable[[pytest.MonkeyPatch, str], None],
    served: Callable[[Answer], Answer],
    far_end: LambdaServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with RawService(served(answer)) as service:
        use(monkeypatch, service.url)
        assert_refused(send(far_end), "", caplog)
    # The variable that leads there, or the name of the source.
    assert re.search("AWS_CONTAINER|AWS_EC2_METADATA|(container|iam)-role returned a", caplog.text)
    assert far_end.invocations == []


@pytest.mark.parametrize("answer", USABLE.values(), ids=USABLE)
@pytest.mark.parametrize(("use", "served"), USES.values(), ids=USES)
def test_metadata_service_that_is_unusual(
    use: Callable[[pytest.MonkeyPatch, str], None],
    served: Callable[[Answer], Answer],
    answer: Answer,
    far_end: LambdaServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with RawService(served(answer)) as service:
        use(monkeypatch, service.url)
        assert send(far_end).status == 200, far_end.errors


STS_ENTITIES = (
    b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "'
    + b"&a;" * 1000
    + b'"><!ENTITY c "'
    + b"&b;" * 1000
    + b'"><!ENTITY d "'
    + b"&c;" * 1000
    + b'">]><a>&d;</a>'
)
STS: dict[str, Answer] = {
    **{name: BROKEN[name] for name in ON_THE_WIRE},
    "entities": reply(STS_ENTITIES),
    "nested elements": reply(b"<a>" * 20_000),
    "a redirect": BROKEN["a redirect"],
    "an error": BROKEN["an error"],
    "an error without an end": reply(b"<Error><Code>", "403 Forbidden"),
}


@pytest.mark.parametrize(
    ("kind", "name"),
    [("a role", name) for name in STS]
    + [("web identity", name) for name in ("endless", "a slow body", "an error")],
)
def test_sts_that_is_broken(
    kind: str,
    name: str,
    far_end: LambdaServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("wsgi_lambda.credentials.chain.SERVICE_TIMEOUT", 0.3)
    options: dict[str, Any] = {}
    with RawService(STS[name]) as service:
        if kind == "a role":
            options = {**A_ROLE, "aws_sts_endpoint_url": service.url}
        else:
            (tmp_path / "identity").write_text("a.web.token")
            monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "identity"))
            monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
            monkeypatch.setenv("AWS_ENDPOINT_URL_STS", service.url)
        assert_refused(send(far_end, **options), "failed" if options == {} else "STS at", caplog)


@pytest.mark.parametrize(
    ("expiration", "text"),
    [
        ("2020-01-01T00:00:00Z", "ValueError: the credentials have expired already"),
        ("12345678901234567890", "RuntimeError: Unable to calculate correct timezone offset"),
        ("99999-12-31T23:59:59Z", "ValueError: Invalid timestamp"),
        ("2030-01-01T00:00:00", "TypeError"),
    ],
)
def test_expiration_of_sts_that_cannot_be_used(
    expiration: str, text: str, far_end: LambdaServer, caplog: pytest.LogCaptureFixture
) -> None:
    answer = sts("AssumeRole", KEY, SECRET, TOKEN)
    answer = re.sub(r"(?<=<Expiration>)[^<]*", expiration, answer)
    with RawService(reply(answer.encode())) as service:
        response = send(far_end, **A_ROLE, aws_sts_endpoint_url=service.url)
    assert_refused(response, f"STS at {service.url}", caplog)
    assert text in caplog.text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("endless", "InvalidReply: The reply is too long or malformed"),
        ("another protocol", "InvalidReply: The reply is too long or malformed"),
        ("nothing", "ConnectionClosedError: "),
        ("silence", "ReadTimeoutError: "),
    ],
)
def test_reason_of_sts_is_logged(
    name: str,
    text: str,
    far_end: LambdaServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("wsgi_lambda.credentials.chain.SERVICE_TIMEOUT", 0.3)
    with RawService(STS[name]) as service:
        response = send(far_end, **A_ROLE, aws_sts_endpoint_url=service.url)
    assert_refused(response, text, caplog)


@pytest.mark.parametrize(
    ("bundle", "text"),
    [
        ("the right one", ""),
        (None, "SSLError: SSL validation failed"),
        ("missing.pem", "FileNotFoundError"),
    ],
)
def test_certificate_of_sts_is_verified(
    bundle: str | None,
    text: str,
    far_end: LambdaServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = str(certificate()[0]) if bundle == "the right one" else bundle
    if path:
        monkeypatch.setenv("AWS_CA_BUNDLE", path)
    answer = reply(sts("AssumeRole", KEY, SECRET, TOKEN).encode())
    with RawService(answer, tls=True) as service:
        response = send(far_end, **A_ROLE, aws_sts_endpoint_url=service.url)
    if text:
        assert_refused(response, text, caplog)
    else:
        assert response.status == 200


# --- credential_process


def use_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str) -> None:
    script = tmp_path / "process.py"
    script.write_text(f"import os, sys, time\ngiven = {given()!r}\n{code}\n")
    command = f"{sys.executable} {shlex.quote(str(script))}"
    (tmp_path / "config").write_text(f"[default]\ncredential_process = {command}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))


def given() -> str:
    return json.dumps(
        {
            "Version": 1,
            "AccessKeyId": KEY,
            "SecretAccessKey": SECRET,
            "SessionToken": TOKEN,
            "Expiration": in_an_hour(),
        }
    )


@pytest.mark.parametrize(
    ("provider", "attribute"),
    [
        ("InstanceMetadataProvider", "_role_fetcher"),
        ("ContainerProvider", "_fetcher"),
        ("AssumeRoleProvider", "_profile_provider_builder"),
    ],
)
def test_botocore_that_names_its_parts_otherwise_still_finds_credentials(
    provider: str,
    attribute: str,
    far_end: LambdaServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    kind = getattr(botocore.credentials, provider)
    usual = kind.__init__

    def make(self: Any, *args: Any, **kwargs: Any) -> None:
        usual(self, *args, **kwargs)
        vars(self)["of_another_version"] = vars(self).pop(attribute)

    monkeypatch.setattr(kind, "__init__", make)
    use_process(monkeypatch, tmp_path, "print(given)")
    assert send(far_end).status == 200
    (line,) = [each for each in caplog.messages if attribute in each]
    assert line.startswith(f"botocore {botocore.__version__} has changed: a source of ")


FAILING = {
    "no output": ("pass", "JSONDecodeError"),
    "a failure": (f"print(given); sys.exit('{SECRET}')", "custom-process"),
    "a signal": ("print(given, flush=True); os.kill(os.getpid(), 9)", "custom-process"),
    "bytes that are not UTF-8": (r"os.write(1, b'\xff' + given.encode())", "UnicodeDecodeError"),
    "a message that is not UTF-8": (r"os.write(2, b'\xff'); sys.exit(1)", "UnicodeDecodeError"),
    "an array": ("print([1])", "AttributeError"),
    "half of the JSON": ("print(given[:-9])", "JSONDecodeError"),
    "nested arrays": ("print('[' * 60_000)", "RecursionError"),
    "output without end": ("while True: print('x' * 999)", "wrote too much"),
    "output over 64 KiB": ("print(given + ' ' * 70_000)", "wrote too much"),
    "messages without end": ("while True: print('x' * 9999, file=sys.stderr)", "wrote too much"),
    "a wrong version": ("print(given.replace('1', '2', 1))", "custom-process"),
    "a hanging process": ("print(given, flush=True); time.sleep(60)", "did not end within 0.5 s"),
    "closed output": ("os.close(1); os.close(2); time.sleep(60)", "did not end within 0.5 s"),
}


@pytest.mark.parametrize(("code", "text"), FAILING.values(), ids=FAILING)
def test_process_that_fails(
    code: str,
    text: str,
    far_end: LambdaServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    if "0.5 s" in text:
        monkeypatch.setattr("wsgi_lambda.credentials.process.LONGEST_RUN", 0.5)
    use_process(monkeypatch, tmp_path, code)
    assert_refused(send(far_end), text, caplog)


WORKING = {
    "messages": "print('x' * 300_000, file=sys.stderr); print(given)",
    "a child that keeps the output open": (
        "print(given, flush=True)\n"
        "if child := os.fork(): open('child', 'w').write(str(child))\n"
        "else: time.sleep(60)"
    ),
    "slow output": "[(print(c, end='', flush=True), time.sleep(0.001)) for c in given]",
}


@pytest.mark.parametrize("code", WORKING.values(), ids=WORKING)
def test_process_that_is_unusual(
    code: str, far_end: LambdaServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    use_process(monkeypatch, tmp_path, code)
    assert send(far_end).status == 200
    if "fork" in code:
        os.kill(int((tmp_path / "child").read_text()), signal.SIGKILL)


def test_process_of_a_source_profile_is_bounded(
    far_end: LambdaServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    use_process(monkeypatch, tmp_path, "while True: print('x' * 999)")
    config = (tmp_path / "config").read_text().replace("[default]", "[profile base]")
    role = f"[profile shop]\nrole_arn = {ROLE}\nsource_profile = base\n"
    (tmp_path / "config").write_text(config + role)
    monkeypatch.setenv("AWS_PROFILE", "shop")
    assert_refused(send(far_end), "wrote too much", caplog)
