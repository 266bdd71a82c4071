"""Run a function that streams: Lambda's InvokeWithResponseStream, and its Runtime API.

No emulator that can be installed streams this API. The function is a process of its own:
its `bootstrap` takes events from the Runtime API and sends chunks back, as in AWS.
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import queue
import secrets
import struct
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import DEVNULL
from zlib import crc32

from sample_app.processes import running

ENVIRONMENTS = 3  # processes: as many streams run at the same time
TIMEOUT = 60.0  # seconds
#: The only variables that are passed on to the function.
INHERITED = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "SYSTEMROOT")

_ERROR = "Lambda-Runtime-Function-Error-"


@dataclass(slots=True)
class _Invocation:
    """An event on its way to the function, and what comes back: a type, chunks, the end."""

    event: bytes
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    content_type: str = "application/vnd.amazon.eventstream"
    parts: queue.SimpleQueue[bytes | dict[str, str] | None] = field(
        default_factory=queue.SimpleQueue
    )


class Streams:
    """The function ``name``, which requests to its streaming API invoke."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.path = f"/2021-11-15/functions/{name}/response-streaming-invocations"
        self.waiting: queue.SimpleQueue[_Invocation | None] = queue.SimpleQueue()
        self.running: dict[str, _Invocation] = {}

    def respond(self, handler: BaseHTTPRequestHandler, event: bytes) -> None:
        """Invoke the function, and send its chunks as they come; ``None`` begins them."""
        invocation = _Invocation(event)
        self.waiting.put(invocation)
        part = invocation.parts.get()
        handler.send_response_only(200)
        handler.send_header("Content-Type", invocation.content_type)
        handler.send_header("X-Amzn-RequestId", invocation.id)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        while not isinstance(part, dict):
            if part:
                _send(handler, _frame("PayloadChunk", part))
            part = invocation.parts.get()
        _send(handler, _frame("InvokeComplete", json.dumps(part).encode()))
        handler.wfile.write(b"0\r\n\r\n")


def _send(handler: BaseHTTPRequestHandler, data: bytes) -> None:
    handler.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))


def _frame(kind: str, payload: bytes) -> bytes:
    headers = b"".join(
        bytes([len(name)]) + name + b"\7" + struct.pack(">H", len(value)) + value
        for name, value in ((b":message-type", b"event"), (b":event-type", kind.encode()))
    )
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    message = prelude + struct.pack(">I", crc32(prelude)) + headers + payload
    return message + struct.pack(">I", crc32(message))


class _RuntimeAPI(ThreadingHTTPServer):
    """The Runtime API for the processes that know ``secret``, a part of its paths."""

    daemon_threads = True
    streams: Streams
    host: str
    secret: str

    def handle_error(self, *_: object) -> None:
        """A function that disconnects is not worth a traceback."""


class _Handler(BaseHTTPRequestHandler):
    server: _RuntimeAPI
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        if self._target() != "invocation/next":
            return self._reply(403)
        invocation = self.server.streams.waiting.get()
        if invocation is None:  # the demo stops
            return self._reply(503)
        self.server.streams.running[invocation.id] = invocation
        region = "arn:aws:lambda:us-east-1:000000000000:function"
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.id,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + TIMEOUT) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": f"{region}:{self.server.streams.name}",
        }
        return self._reply(200, headers, invocation.event)

    def do_POST(self) -> None:
        what, _, rest = self._target().partition("/")
        name, _, outcome = rest.partition("/")
        invocation = self.server.streams.running.pop(name, None) if what == "invocation" else None
        if invocation is None:
            return self._reply(403)
        end: dict[str, str] = {"ErrorCode": "Runtime.TruncatedResponse"}
        try:
            if outcome == "error":
                body = self.rfile.read(int(self.headers["Content-Length"]))
                end = _failure(self.headers[f"{_ERROR}Type"], body)
            else:
                end = self._read_response(invocation)
        finally:
            invocation.parts.put(end)
        return self._reply(202)

    def log_message(self, *_: object) -> None:
        """The app's log shows every request already."""

    def _target(self) -> str:
        """Return the path below the secret prefix, "" for a request of anybody else."""
        prefix = f"/{self.server.secret}/2018-06-01/runtime/"
        if "Origin" in self.headers or self.headers["Host"] != self.server.host:
            return ""
        return self.path.removeprefix(prefix) if self.path.startswith(prefix) else ""

    def _read_response(self, invocation: _Invocation) -> dict[str, str]:
        invocation.content_type = self.headers["Content-Type"]
        if self.headers["Lambda-Runtime-Function-Response-Mode"] != "streaming":
            invocation.parts.put(self.rfile.read(int(self.headers["Content-Length"])))
            return {}
        invocation.parts.put(None)
        while size := int(self.rfile.readline(), 16):
            invocation.parts.put(self.rfile.read(size))
            self.rfile.readline()
        trailers = {}
        while (line := self.rfile.readline().decode().strip()) != "":
            key, _, value = line.partition(":")
            trailers[key.lower()] = value.strip()
        if code := trailers.get(f"{_ERROR}Type".lower()):
            return _failure(code, base64.b64decode(trailers.get(f"{_ERROR}Body".lower(), "")))
        return {}

    def _reply(self, status: int, headers: dict[str, str] = {}, body: bytes = b"") -> None:  # noqa: B006
        self.close_connection = status != 200
        self.send_response_only(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _failure(code: str, body: bytes) -> dict[str, str]:
    return {"ErrorCode": code, "ErrorDetails": body.decode(errors="replace")}


@contextlib.contextmanager
def streaming(name: str, folder: Path) -> Iterator[Streams]:
    """Run the function in ``folder`` as long as the context lasts.

    Its `bootstrap` runs in `ENVIRONMENTS` processes. They reach the Runtime API on a
    port of this machine; no other program knows the secret in its paths.
    """
    streams = Streams(name)
    server = _RuntimeAPI(("127.0.0.1", 0), _Handler)
    server.streams, server.secret = streams, secrets.token_urlsafe(32)
    server.host = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    environ = {each: os.environ[each] for each in INHERITED if each in os.environ}
    environ.update(
        AWS_LAMBDA_FUNCTION_NAME=name,
        AWS_LAMBDA_RUNTIME_API=f"{server.host}/{server.secret}",
        LAMBDA_TASK_ROOT=str(folder),
        PYTHONDONTWRITEBYTECODE="1",
        _HANDLER="app.handler",
    )
    command = [sys.executable, str(folder / "bootstrap")]
    try:
        with contextlib.ExitStack() as stack:
            for _ in range(ENVIRONMENTS):
                stack.enter_context(running(command, environ, stdout=DEVNULL))
            yield streams
    finally:
        for _ in range(ENVIRONMENTS):
            streams.waiting.put(None)
        server.shutdown()
        thread.join()
        server.server_close()
