"""Parse an HTTP request as it was on the wire."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, BinaryIO


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """A request as it was on the wire, with the chunks of its body joined.

    ``connection`` is the number of its connection, from 1.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""
    connection: int = 0

    @property
    def path(self) -> str:
        """The target up to its question mark, still percent-encoded."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    @property
    def event(self) -> Any:
        """The event that the function gets; ValueError if the body is not JSON."""
        return json.loads(self.body)

    def all(self, name: str) -> list[str]:
        """Return the values of ``name`` (case-insensitive) in order."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name: str) -> str | None:
        """Return the first value of ``name`` (case-insensitive), or None."""
        return next(iter(self.all(name)), None)


def read_invocation(reader: BinaryIO, connection: int) -> Invocation | None:
    """Read one request, or return None at EOF.

    Raises OSError for a truncated request and ValueError for a malformed one.
    """
    line = reader.readline(65537)
    if not line:
        return None
    method, target, version = line.decode("latin-1").split()
    if version != "HTTP/1.1":
        raise ValueError(f"not HTTP/1.1: {line!r}")
    headers = tuple(_read_headers(reader))
    head = Invocation(method=method, target=target, headers=headers, connection=connection)
    return replace(head, body=_read_body(reader, head))


def _read_headers(reader: BinaryIO) -> Iterable[tuple[str, str]]:
    while (line := _read_line(reader)) != b"":
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or not name or name != name.strip():
            raise ValueError(f"not a header: {line!r}")
        yield name, value.strip(" \t")


def _read_body(reader: BinaryIO, head: Invocation) -> bytes:
    lengths, codings = head.all("content-length"), head.all("transfer-encoding")
    if codings:
        if codings != ["chunked"] or lengths:
            raise ValueError(f"framed by {codings} and {lengths}")
        return _read_chunks(reader)
    if len(lengths) > 1 or not all(re.fullmatch("[0-9]+", length) for length in lengths):
        raise ValueError(f"not one length: {lengths}")
    return _read_exactly(reader, int(lengths[0]) if lengths else 0)


def _read_chunks(reader: BinaryIO) -> bytes:
    body = bytearray()
    while size := int(_read_line(reader).partition(b";")[0], 16):
        body += _read_exactly(reader, size)
        if _read_exactly(reader, 2) != b"\r\n":
            raise ValueError("a chunk is longer than its size")
    list(_read_headers(reader))  # the trailer
    return bytes(body)


def _read_line(reader: BinaryIO) -> bytes:
    line = reader.readline(65537)
    if not line:
        raise ConnectionError("the request is truncated")
    if not line.endswith(b"\r\n"):
        raise ValueError(f"not a line: {line[:80]!r}")
    return line[:-2]


def _read_exactly(reader: BinaryIO, size: int) -> bytes:
    data = reader.read(size)
    if len(data) < size:
        raise ConnectionError("the request is truncated")
    return data
