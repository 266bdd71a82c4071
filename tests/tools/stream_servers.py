"""Measure how each server passes a stream on: ``python -m tests.tools.stream_servers``.

A function makes five chunks, one every 300 ms. The tool prints when the client has
the head, the first and the last chunk, what it sees of a failure in the middle, and
when Lambda's side is closed after the client has left. It is the source of the table in
docs/streaming.md.
"""

from __future__ import annotations

import socket
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.conftest import ACCESS_KEY, SECRET_KEY, defaults
from tests.servers.app_servers import KINDS, Address, connect, running, site
from tests.servers.event_stream import chunk, complete, stream
from tests.servers.lambda_server import Exchange, LambdaServer, Step

INTERVAL = 0.3  # seconds between two chunks
CHUNKS = 5
REQUEST = b"GET /f HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n"

#: What the client sees of a response that fails in the middle.
CUT_OFF, COMPLETE = "cut off", "complete"


def pause(exchange: Exchange) -> None:
    if exchange.ended(within=INTERVAL):
        exchange.close()


def chunks(count: int = CHUNKS) -> Step:
    """Send chunks, one in each interval, and the end."""
    parts = [part for number in range(count) for part in (chunk(b"<%d>" % number), pause)]
    return stream(*parts[:-1], complete(), content_type="text/event-stream")


class Client:
    """A client that reads a response as it arrives."""

    def __init__(self, address: Address) -> None:
        self._sock = connect(address)
        self._started = time.monotonic()
        self._sock.sendall(REQUEST)
        self.data = b""

    def until(self, text: bytes) -> float:
        """Return the seconds from the request to ``text``; EOFError if the response ends first."""
        while text not in self.data:
            received = self._sock.recv(65536)
            if not received:
                raise EOFError(self.data)
            self.data += received
        return time.monotonic() - self._started

    def end(self) -> str:
        """Read the rest and return how the response ended: complete or cut off."""
        try:
            while received := self._sock.recv(65536):
                self.data += received
        except ConnectionResetError:
            return CUT_OFF
        finally:
            self.close()
        is_chunked = b"transfer-encoding: chunked" in self.data.lower()
        return CUT_OFF if is_chunked and not self.data.endswith(b"\r\n0\r\n\r\n") else COMPLETE

    def close(self) -> None:
        """Close the connection without reading the rest."""
        self._sock.close()

    def shutdown(self) -> None:
        self._sock.shutdown(socket.SHUT_RDWR)
        self.close()


def config(server: LambdaServer) -> dict[str, object]:
    """Return the configuration of one streaming route, which one request may use at a time."""
    route = {"function_name": "f", "invoke_mode": "RESPONSE_STREAM", "max_concurrency": 1}
    return {**defaults(server), "routes": {"/f": route}}


def measure(name: str, folder: Path) -> str:
    """Return a row of the table."""
    with (
        LambdaServer(credentials={ACCESS_KEY: (SECRET_KEY, None)}) as far_end,
        running(KINDS[name], folder, site(config(far_end))) as server,
    ):
        far_end.script(stream(complete()), chunks())
        warm = Client(server.tcp)
        warm.end()
        timed = Client(server.tcp)
        times = [timed.until(text) for text in (b"\r\n\r\n", b"<0>", b"<4>")]
        timed.end()
        parts = [chunk(b"<0>"), pause, chunk(b"<1>"), complete("E", "broken")]
        far_end.script(stream(*parts, content_type="text/event-stream"))
        failing = Client(server.tcp)
        failing.until(b"<1>")
        seen = failing.end()
        far_end.script(chunks(50))
        leaving = Client(server.tcp)
        leaving.until(b"<0>")
        leaving.shutdown()
        started = time.monotonic()
        is_closed = far_end.wait_until(lambda: far_end.exchanges[-1].sock.fileno() < 0, 16)
        closed = f"{time.monotonic() - started:.2f} s" if is_closed else "never"
        far_end.script(stream(chunk(b"free"), complete()))
        again = Client(server.tcp)
        again.end()
        free = "yes" if b"free" in again.data else "no"
    shown = " | ".join(f"{1000 * each:.0f} ms" for each in times)
    return f"| {name} | {shown} | {seen} | {closed} | {free} |"


def main(names: Sequence[str]) -> None:
    heads = ["server", "head", "first chunk", "last chunk", "after a failure"]
    print(f"| {' | '.join([*heads, 'upstream closed', 'slot free'])} |")
    print("|---|---|---|---|---|---|---|")
    for name in names or KINDS:
        with tempfile.TemporaryDirectory() as folder:
            print(measure(name, Path(folder)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
