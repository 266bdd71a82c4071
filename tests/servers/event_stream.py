"""Write the frames of `application/vnd.amazon.eventstream`, valid and broken ones."""

from __future__ import annotations

import base64
import json
import struct
import threading
from collections.abc import Callable, Iterable
from zlib import crc32

from tests.servers.lambda_server import Exchange, Step, head

EVENT_STREAM = "application/vnd.amazon.eventstream"
WITH_HEAD = "application/vnd.awslambda.http-integration-response"
NULS = bytes(8)

#: A header's value: a type of the format, and its bytes.
Typed = tuple[int, bytes]


def header(name: str, value: str | Typed) -> bytes:
    """Return one header; a string has the type 7."""
    kind, data = (7, value.encode()) if isinstance(value, str) else value
    length = struct.pack(">H", len(data)) if kind in (6, 7) else b""
    return bytes([len(name.encode())]) + name.encode() + bytes([kind]) + length + data


def frame(headers: Iterable[tuple[str, str | Typed]], payload: bytes = b"") -> bytes:
    """Return a valid frame."""
    return frame_of(b"".join(header(*pair) for pair in headers), payload)


def frame_of(block: bytes, payload: bytes = b"") -> bytes:
    """Return a frame whose headers are ``block``, whatever it contains."""
    prelude = struct.pack(">II", 16 + len(block) + len(payload), len(block))
    return sealed(prelude, block + payload)


def sealed(prelude: bytes, rest: bytes) -> bytes:
    """Return a frame with the right CRCs, whatever its lengths state."""
    message = prelude + struct.pack(">I", crc32(prelude)) + rest
    return message + struct.pack(">I", crc32(message))


def event(kind: str, payload: bytes) -> bytes:
    return frame([(":message-type", "event"), (":event-type", kind)], payload)


def chunk(payload: bytes) -> bytes:
    """Return a frame with some of the function's bytes."""
    headers = [
        (":event-type", "PayloadChunk"),
        (":content-type", "application/octet-stream"),
        (":message-type", "event"),
    ]
    return frame(headers, payload)


def complete(code: str = "", details: str = "", log: str = "") -> bytes:
    """Return the frame that ends a stream."""
    fields = {"ErrorCode": code, "ErrorDetails": details}
    fields["LogResult"] = base64.b64encode(log.encode()).decode()
    return event("InvokeComplete", json.dumps({k: v for k, v in fields.items() if v}).encode())


def exception(kind: str, payload: bytes) -> bytes:
    return frame([(":message-type", "exception"), (":exception-type", kind)], payload)


def with_head(fields: object, body: bytes = b"") -> bytes:
    """Return the bytes of a function that sends a head."""
    return json.dumps(fields).encode() + NULS + body


#: Bytes to send; an event to wait for, without sleeping; or something to do.
Part = bytes | threading.Event | Callable[[Exchange], object]


def stream(*parts: Part, content_type: str = EVENT_STREAM, headers: dict[str, str] = {}) -> Step:  # noqa: B006
    """Send a chunked response with each of ``parts`` as one HTTP chunk, and its end.

    A callable gets the exchange. The response is cut off where one of them closes
    or resets the connection.
    """
    lines = {"X-Amzn-RequestId": "r-1", "Transfer-Encoding": "chunked", **headers}
    if content_type:
        lines["Content-Type"] = content_type

    def step(exchange: Exchange) -> None:
        exchange.send(head("200 OK", lines.items()))
        for part in parts:
            if isinstance(part, bytes):
                exchange.send(b"%x\r\n%b\r\n" % (len(part), part) if part else b"")
            elif isinstance(part, threading.Event):
                while not part.wait(0.02):
                    if exchange.ended():
                        return exchange.close()
            else:
                part(exchange)
            if exchange.closing:
                return None
        return exchange.send(b"0\r\n\r\n")

    return step


def hang(exchange: Exchange) -> None:
    """Send nothing more; a part that ends when the peer or the server closes the connection."""
    exchange.ended(within=None)
    exchange.close()
