"""Replies that arrive in tiny pieces are complete, or rejected if they take too much CPU."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conftest import MakeApp
from tests.servers import lambda_server as far_end
from tests.servers.event_stream import chunk, complete, frame_of, stream
from tests.servers.lambda_server import Exchange, LambdaServer, Step
from tests.servers.streamed import Streamed
from wsgi_lambda.errors import StreamCutOff

END = complete()
EMPTY = frame_of(b"")
STREAM = {"function_name": "f", "invoke_mode": "RESPONSE_STREAM"}


def single_bytes(head: bytes, body: bytes) -> Step:
    """Send ``body`` byte by byte, as fast as possible."""

    def step(exchange: Exchange) -> None:
        exchange.send(head)
        for at in range(len(body)):
            exchange.send(body[at : at + 1])
        exchange.close()

    return step


@pytest.mark.parametrize("has_length", [True, False], ids=["a length", "none"])
def test_reply_in_single_bytes(
    has_length: bool, lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    body = json.dumps("x" * 200_000).encode()
    lines = {"Content-Length": str(len(body))} if has_length else {}
    app = make_app({"/f": {"function_name": "f"}})
    lambda_server.script(single_bytes(far_end.head("200 OK", lines.items()), body))
    with Streamed(app) as response:
        assert (response.status, response.rest() == body) == (200, True)


def bytes_of_frames(count: int, payload: bytes = b"") -> list[bytes]:
    """Return so many frames in parts of a thousand."""
    one = chunk(payload) if payload else EMPTY
    return [one * 1000] * (count // 1000)


@pytest.mark.parametrize(
    "parts",
    [
        bytes_of_frames(270_000),
        [chunk(b'{"a": "'), *bytes_of_frames(270_000)],
        [chunk(b'{"a": "'), *bytes_of_frames(41_000, b"x")],
    ],
    ids=["before the head", "in a result", "of one byte in a result"],
)
def test_frames_without_bytes_before_the_head(
    parts: list[Any], lambda_server: LambdaServer, make_app: MakeApp, caplog: Any
) -> None:
    app = make_app({"/f": {**STREAM, "is_proxy_integration": True}})
    lambda_server.script(stream(*parts, END))
    with Streamed(app) as response:
        assert response.status == 502
    assert "too many frames without a payload" in caplog.text


def test_result_in_many_frames(lambda_server: LambdaServer, make_app: MakeApp) -> None:
    app = make_app({"/f": {**STREAM, "is_proxy_integration": True}})
    text = b"x" * 1000
    parts = [chunk(text) * 450] * 10
    lambda_server.script(stream(chunk(b'{"statusCode": 200, "body": "'), *parts, chunk(b'"}'), END))
    with Streamed(app) as response:
        assert (response.status, len(response.rest())) == (200, 4_500_000)


def test_end_in_the_last_moment(lambda_server: LambdaServer, make_app: MakeApp) -> None:
    lambda_server.script(stream(*[EMPTY * 1024] * 256, END))
    with Streamed(make_app({"/f": STREAM})) as response:
        assert (response.status, response.rest()) == (200, b"")


def test_frames_without_bytes_after_the_head(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    app = make_app({"/f": STREAM})
    lambda_server.script(stream(chunk(b"tea"), *bytes_of_frames(270_000), chunk(b"no"), END))
    with Streamed(app) as response:
        assert (next(response), next(response)) == (b"", b"tea")
        with pytest.raises(StreamCutOff):
            response.rest()


@pytest.mark.parametrize(("payload", "count"), [(b"", 200_000), (b"x", 60_000)])
def test_long_stream_of_small_frames_is_complete(
    payload: bytes, count: int, lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    many = bytes_of_frames(count, payload)
    lambda_server.script(stream(chunk(b"a"), *many, chunk(b"tea"), *many, END))
    with Streamed(make_app({"/f": STREAM})) as response:
        assert response.rest() == b"a" + payload * count + b"tea" + payload * count


def test_bytes_after_the_end_of_a_stream_are_not_read_for_long(
    lambda_server: LambdaServer, make_app: MakeApp
) -> None:
    part = b"10000\r\n%b\r\n" % bytes(65536)

    def send_on(exchange: Exchange) -> None:
        while True:  # ends with an OSError when the client closes
            exchange.send(part)

    lambda_server.script(stream(chunk(b"tea"), END, send_on))
    with Streamed(make_app({"/f": STREAM})) as response:
        assert response.rest() == b"tea"
    assert lambda_server.wait_until(lambda: lambda_server.open_connections() == 0)
    assert lambda_server.exchanges[0].sent < 30_000_000  # what the sockets' buffers hold
