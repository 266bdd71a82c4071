"""Serve InvokeWithResponseStream with prepared bytes: `python -m bench.stream_stub FOLDER`.

It uses TLS, and is a process of its own, so that the clients are measured. It prints its
port. The function's name states what it streams: ``17x1000`` is a thousand frames of 17
bytes as fast as possible; ``17x100-5`` is one frame every 5 ms. Each frame is an HTTP
chunk, as in Lambda.
"""

from __future__ import annotations

import functools
import json
import re
import socket
import ssl
import struct
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO
from zlib import crc32

_BLOCK = 1024 * 1024  # bytes per write
_NAME = re.compile(rb"/functions/([0-9]+)x([0-9]+)(?:-([0-9]+))?/")
_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\n"
    b"X-Amzn-RequestId: 0\r\nTransfer-Encoding: chunked\r\n\r\n"
)


def main(folder: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(folder, "cert.pem"), Path(folder, "key.pem"))
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        print(listener.getsockname()[1], flush=True)
        while True:
            accepted, _ = listener.accept()
            threading.Thread(target=_serve, args=(accepted, context), daemon=True).start()


def _serve(accepted: socket.socket, context: ssl.SSLContext) -> None:
    with (
        suppress(OSError),
        context.wrap_socket(accepted, server_side=True) as sock,
        sock.makefile("rb") as reader,
    ):
        while found := _read_request(reader):
            size, count, pause = (int(text or 0) for text in found.groups())
            _stream(sock, size, count, pause / 1000)


def _read_request(reader: BinaryIO) -> re.Match[bytes] | None:
    line, length = reader.readline(), 0
    while (header := reader.readline()) not in (b"\r\n", b""):
        name, _, value = header.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    reader.read(length)
    return _NAME.search(line)


def _stream(sock: ssl.SSLSocket, size: int, count: int, pause: float) -> None:
    chunk = _chunk("PayloadChunk", b"x" * size)
    end = _chunk("InvokeComplete", json.dumps({}).encode()) + b"0\r\n\r\n"
    if pause:
        sock.sendall(_HEAD)
        for _ in range(count):
            sock.sendall(chunk)
            time.sleep(pause)
        sock.sendall(end)
        return
    each = max(1, _BLOCK // len(chunk))
    sock.sendall(_HEAD + chunk * min(each, count) + (end if count <= each else b""))
    for sent in range(each, count, each):
        left = count - sent
        sock.sendall(chunk * min(each, left) + (end if left <= each else b""))


@functools.lru_cache
def _chunk(kind: str, payload: bytes) -> bytes:
    """Return one frame as an HTTP chunk, with the headers that Lambda sends."""
    names = {":event-type": kind, ":content-type": "application/octet-stream"}
    headers = b"".join(
        bytes([len(name)]) + name.encode() + b"\7" + struct.pack(">H", len(value)) + value.encode()
        for name, value in {**names, ":message-type": "event"}.items()
    )
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    message = prelude + struct.pack(">I", crc32(prelude)) + headers + payload
    frame = message + struct.pack(">I", crc32(message))
    return b"%x\r\n%b\r\n" % (len(frame), frame)


if __name__ == "__main__":
    main(sys.argv[1])
