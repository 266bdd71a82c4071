"""One request over a connection of its own: what is on the wire, and what comes back."""

from __future__ import annotations

import socket
import time
from threading import Event
from typing import Any

import pytest
from urllib3.exceptions import ProtocolError

from tests.servers.raw_service import RawService, reply
from wsgi_lambda.wire.attempt import Attempt
from wsgi_lambda.wire.fetch import Fetched, fetch


def fetched(url: str, **options: Any) -> Fetched:
    attempt = Attempt(time.monotonic() + 20)
    given: dict[str, Any] = {"limit": 100, **options}
    return fetch("POST", url, [("X-A", "b")], b"body", attempt=attempt, **given)


def recording(heads: list[bytes]) -> RawService:
    def answer(head: bytes, connection: socket.socket, ended: Event) -> None:
        heads.append(head)
        reply(b"whole", "301 Moved", "Location: /b")(head, connection, ended)

    return RawService(answer)


def test_request_and_response() -> None:
    heads: list[bytes] = []
    with recording(heads) as service:
        status, headers, body = fetched(f"{service.url}/a?b=%20c")
    authority = service.url.removeprefix("http://").encode()
    assert (status, body) == (301, b"whole")
    assert headers == [("Content-Length", "5"), ("Location", "/b")]
    assert heads == [
        b"POST /a?b=%20c HTTP/1.1\r\nHost: " + authority + b"\r\nX-A: b\r\n"
        b"Content-Length: 4\r\n\r\nbody"
    ]


@pytest.mark.parametrize("authority", ["sts.test", "sts.test:80", "user:password@sts.test:80"])
def test_host_is_without_default_port_and_user(authority: str) -> None:
    """Signatures contain the host so; a proxy shows it without a server on port 80."""
    heads: list[bytes] = []
    with recording(heads) as proxy:
        fetched(f"http://{authority}", proxy_url=proxy.url)
    lines = heads[0].split(b"\r\n")
    assert lines[:2] == [b"POST http://sts.test/ HTTP/1.1", b"Host: sts.test"]


@pytest.mark.parametrize(("size", "is_accepted"), [(100, True), (101, False)])
def test_response_over_the_limit(size: int, is_accepted: bool) -> None:
    with RawService(reply(bytes(size))) as service:
        if is_accepted:
            assert fetched(service.url).body == bytes(size)
        else:
            with pytest.raises(ProtocolError, match="exceeds 100 bytes"):
                fetched(service.url)
