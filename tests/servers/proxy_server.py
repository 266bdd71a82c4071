"""A forward proxy on a loopback port (absolute form and CONNECT), with a password or faults."""

from __future__ import annotations

import base64
import select
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to the proxy: method, target, headers by lower-case name."""

    method: str
    target: str
    headers: dict[str, str]


class ProxyServer:
    """Forward requests; ``asked`` contains the first request of each connection.

    With ``user`` ("name:password") the proxy requires these credentials. With
    ``reply`` it sends these bytes and forwards nothing: one byte every ``pace``
    seconds if that is set, and no response if ``reply`` is empty.
    """

    def __init__(
        self, *, user: str = "", reply: bytes | None = None, pace: float = 0, to: Any = None
    ) -> None:
        self.asked: list[Asked] = []
        self._user, self._reply, self._pace, self._to = user, reply, pace, to
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._accept)]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> ProxyServer:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while not self._ended.is_set():
            if select.select([self._listener], [], [], 0.02)[0]:
                client, _ = self._listener.accept()
                thread = threading.Thread(target=self._serve, args=(client,))
                thread.start()
                self._threads.append(thread)

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            head = _read_head(client)
            if head is None:
                return
            lines = head.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
            method, target, _ = lines[0].split(" ")
            pairs = (line.split(": ", 1) for line in lines[1:])
            asked = Asked(method, target, {name.lower(): value for name, value in pairs})
            self.asked.append(asked)
            if self._reply is not None:
                self._send(client, self._reply)
            elif not self._may_pass(asked):
                client.sendall(b"HTTP/1.1 407 Who are you?\r\nContent-Length: 0\r\n\r\n")
            else:
                self._pass(client, asked, head)

    def _send(self, client: socket.socket, reply: bytes) -> None:
        if not self._pace:
            client.sendall(reply)
        else:
            for byte in reply:
                client.sendall(bytes([byte]))
                if self._ended.wait(self._pace):
                    return
        if not reply:
            self._ended.wait()

    def _may_pass(self, asked: Asked) -> bool:
        basic = base64.b64encode(self._user.encode()).decode()
        return not self._user or asked.headers.get("proxy-authorization") == f"Basic {basic}"

    def _pass(self, client: socket.socket, asked: Asked, head: bytes) -> None:
        is_tunnel = asked.method == "CONNECT"
        authority = asked.target if is_tunnel else asked.target.split("/")[2]
        name, _, port = authority.rpartition(":")
        with socket.create_connection(self._to or (name, int(port)), timeout=10) as server:
            if is_tunnel:
                client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
                self._splice(client, server)
            else:
                # Later requests on the same connection are rewritten, too.
                absolute = f" http://{authority}/".encode()
                server.sendall(head.replace(absolute, b" /"))
                self._splice(client, server, absolute)

    def _splice(
        self, client: socket.socket, server: socket.socket, absolute: bytes = b" /"
    ) -> None:
        while not self._ended.is_set():
            for source in select.select([client, server], [], [], 0.02)[0]:
                block = source.recv(65536)
                if not block:
                    return
                if source is client:
                    server.sendall(block.replace(absolute, b" /"))
                else:
                    client.sendall(block)


def _read_head(client: socket.socket) -> bytes | None:
    """Return the bytes up to the end of the head, and any that came with them; None at EOF."""
    head = b""
    client.settimeout(10)
    while b"\r\n\r\n" not in head:
        block = client.recv(65536)
        if not block:
            return None
        head += block
    return head
