"""The demo's guard: no web page and no other local user runs code through the emulator."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import socket
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from sample_app.emulator import REGION, AccessKey
from tests.e2e.conftest import Demo
from tests.e2e.test_lifecycle import descendants, needs_proc, port_of

pytestmark = [pytest.mark.e2e, needs_proc]

ECHO = "/2015-03-31/functions/wsgi-lambda-demo-echo/invocations"
CREATE = "/2015-03-31/functions"
RESET = "/_ministack/reset"
EVIL = {"Content-Type": "text/plain", "Origin": "https://evil.test"}
Address = tuple[str, int]


def listening_addresses(pids: set[int]) -> set[Address]:
    """Return the addresses of the TCP sockets on which the processes listen."""
    inodes = sockets(pids)
    found = set()
    for name, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        with contextlib.suppress(FileNotFoundError):
            for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and fields[9] in inodes:
                    packed, port = fields[1].split(":")
                    words = [packed[start : start + 8] for start in range(0, len(packed), 8)]
                    raw = b"".join(bytes.fromhex(word)[::-1] for word in words)
                    found.add((socket.inet_ntop(family, raw), int(port, 16)))
    return found


def listening_unix_sockets(pids: set[int]) -> set[str]:
    """Return the paths of the Unix sockets on which the processes listen."""
    inodes = sockets(pids)
    lines = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()[1:]]
    # Flag 0x10000: the socket accepts connections.
    return {line[7] for line in lines if line[6] in inodes and int(line[3], 16) & 0x10000}


def sockets(pids: set[int]) -> set[str]:
    """Return the inodes of the processes' sockets."""
    found = set()
    for pid in pids:
        for path in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                target = os.readlink(path)
                if target.startswith("socket:["):
                    found.add(target[8:-1])
    return found


@pytest.fixture
def processes(shop: Demo) -> set[int]:
    """The demo, the emulator, its functions and the app's server."""
    for path in ("echo", "slow?seconds=0", "reviews"):
        shop.get(f"/lambda/{path}")
    return {shop.process.pid, *descendants(shop.process.pid)}


@pytest.fixture
def key(shop: Demo) -> AccessKey:
    """The app's key, from the environment of its server."""
    for pid, command in descendants(shop.process.pid).items():
        if "-m gunicorn" in command:
            text = Path(f"/proc/{pid}/environ").read_text()
            environ = dict(line.split("=", 1) for line in text.split("\0") if line)
            return AccessKey(environ["AWS_ACCESS_KEY_ID"], environ["AWS_SECRET_ACCESS_KEY"])
    raise AssertionError("gunicorn is not running")


def send(
    address: Address, target: str, headers: Mapping[str, str], body: bytes, method: str = "POST"
) -> tuple[int, Mapping[str, str]]:
    connection = http.client.HTTPConnection(*address, timeout=20)
    with contextlib.closing(connection):
        connection.request(method, target, body, dict(headers))
        response = connection.getresponse()
        response.read()
        return response.status, response.headers


def signed(
    address: Address, key: AccessKey, target: str = ECHO, body: bytes = b"{}", host: str = ""
) -> dict[str, str]:
    """Return the headers of a signed request; as in requests-aws4auth, the hash is among them."""
    url = f"http://{host or '%s:%d' % address}{target}"  # noqa: UP031
    digest = hashlib.sha256(body).hexdigest()
    request = AWSRequest("POST", url, {"X-Amz-Content-SHA256": digest}, body)
    SigV4Auth(Credentials(key.key_id, key.secret), "lambda", REGION).add_auth(request)
    return {"Host": host or f"{address[0]}:{address[1]}", **dict(request.headers)}


def runtime_api(shop: Demo) -> str:
    """Return the address of the Runtime API and its secret, from the chat's environment."""
    for pid, command in descendants(shop.process.pid).items():
        if "/chat/bootstrap" in command:
            text = Path(f"/proc/{pid}/environ").read_text()
            environ = dict(line.split("=", 1) for line in text.split("\0") if line)
            assert not any("SECRET" in name for name in environ)
            return environ["AWS_LAMBDA_RUNTIME_API"]
    raise AssertionError("the function that streams is not running")


def test_only_the_app_the_guard_and_the_runtime_api_have_a_port(
    shop: Demo, processes: set[int]
) -> None:
    runtime = runtime_api(shop).partition("/")[0]
    urls = (shop.url, shop.guard_url, runtime)
    expected = {("127.0.0.1", port_of(url)) for url in urls}
    assert listening_addresses(processes) == expected


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/2018-06-01/runtime/invocation/next", {}),
        ("/guessed/2018-06-01/runtime/invocation/next", {}),
        ("/SECRET/2018-06-01/runtime/invocation/next", {"Origin": "https://evil.test"}),
        ("/SECRET/2018-06-01/runtime/invocation/next", {"Host": "rebound.test"}),
        ("/SECRET/2018-06-01/runtime/other", {}),
    ],
    ids=["no secret", "another secret", "a page", "another host", "another path"],
)
def test_only_the_function_takes_events(shop: Demo, path: str, headers: dict[str, str]) -> None:
    host, _, secret = runtime_api(shop).partition("/")
    address = (host.partition(":")[0], port_of(host))
    target = path.replace("SECRET", secret)
    for method in ("GET", "POST"):
        assert send(address, target, headers, b"", method)[0] == 403
    answer = path.replace("SECRET", secret).replace("next", "guessed/response")
    assert send(address, answer, headers, b"no")[0] == 403


def test_the_emulator_is_in_a_folder_of_its_user(processes: set[int]) -> None:
    (path,) = {each for each in listening_unix_sockets(processes) if "gunicorn" not in each}
    folder = Path(path).parent.stat()
    assert (stat.S_IMODE(folder.st_mode), folder.st_uid) == (0o700, os.getuid())


@pytest.mark.parametrize("target", [ECHO, CREATE, RESET, "/", "/latest/meta-data/"])
def test_page_of_another_site_reaches_nothing(
    shop: Demo, processes: set[int], key: AccessKey, target: str
) -> None:
    """A page may send a simple POST to any port; even a signature does not help it."""
    addresses = listening_addresses(processes)
    assert len(addresses) == 3
    for address in addresses:
        for headers in ({}, signed(address, key, target)):
            status, replied = send(address, target, {**headers, **EVIL}, b"{}")
            assert status in (403, 404, 405)
            assert "x-amzn-requestid" not in replied
            assert "access-control-allow-origin" not in replied
    assert shop.get("/lambda/echo?a=1").json() == {"a": "1"}


@pytest.mark.parametrize("host", ["rebound.test", "localhost", "127.0.0.1", "127.0.0.1:80"])
def test_name_of_another_site_reaches_nothing(shop: Demo, key: AccessKey, host: str) -> None:
    """A name of the page's own may resolve to 127.0.0.1 (DNS rebinding)."""
    address = ("127.0.0.1", port_of(shop.guard_url))
    assert send(address, ECHO, signed(address, key, host=host), b"{}")[0] == 403
    assert send(address, ECHO, {**signed(address, key), "Host": host}, b"{}")[0] == 403


def changed(headers: dict[str, str], name: str, before: str, after: str) -> dict[str, str]:
    assert before in headers[name]
    return {**headers, name: headers[name].replace(before, after)}


def foreign_requests(address: Address, key: AccessKey) -> Iterator[tuple[dict[str, str], bytes]]:
    right = signed(address, key)
    yield {}, b"{}"
    yield {"Authorization": "Basic dGVzdDp0ZXN0"}, b"{}"
    yield signed(address, AccessKey("test", "test")), b"{}"
    yield signed(address, AccessKey("TEST", "test")), b"{}"
    yield signed(address, AccessKey("000000000000", "test")), b"{}"
    yield signed(address, AccessKey(key.key_id, "guessed")), b"{}"
    yield right, b'{"a": 1}'
    yield {**right, "X-Amz-Content-SHA256": "0" * 64}, b"{}"
    yield {**right, "Content-Length": "99999999"}, b""
    yield changed(right, "Authorization", "host;", ""), b"{}"
    yield changed(right, "Authorization", "/lambda/", "/sts/"), b"{}"
    yield signed(address, key, "/other"), b"{}"


def test_only_the_key_of_the_app_is_accepted(shop: Demo, key: AccessKey) -> None:
    address = ("127.0.0.1", port_of(shop.guard_url))
    assert send(address, ECHO, signed(address, key), b"{}")[0] == 200
    for headers, body in foreign_requests(address, key):
        status, replied = send(address, ECHO, headers, body)
        # The guard itself rejects it; the emulator sends JSON.
        assert (status, replied["Content-Type"]) == (403, "text/plain"), headers


def test_guard_reads_no_body_of_a_stranger(shop: Demo) -> None:
    """Nobody else can fill its memory with bodies that take their time."""
    address = ("127.0.0.1", port_of(shop.guard_url))
    headers = {**signed(address, AccessKey("TEST", "test")), "Content-Length": "16000000"}
    assert send(address, ECHO, headers, b"{")[0] == 403


def test_guard_reads_no_chunked_body(shop: Demo, key: AccessKey) -> None:
    address = ("127.0.0.1", port_of(shop.guard_url))
    headers = {**signed(address, key, body=b""), "Transfer-Encoding": "chunked"}
    assert send(address, ECHO, headers, b"0\r\n\r\n")[0] == 403


def test_key_of_the_app_may_not_create_functions(shop: Demo, key: AccessKey) -> None:
    """The emulator's policies apply behind the guard."""
    address = ("127.0.0.1", port_of(shop.guard_url))
    body = json.dumps({"FunctionName": "mine", "Role": "arn:aws:iam::000000000000:role/x"}).encode()
    assert send(address, CREATE, signed(address, key, CREATE, body), body)[0] == 403
