"""Responses for the exchange on the wire, cut into reads, without a socket."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from wsgi_lambda.wire.exchange import WireResponse


class Reads:
    """An open connection whose reads return ``pieces``, then b"" or ``error``."""

    def __init__(self, pieces: Iterable[bytes], error: Exception | None = None) -> None:
        self._pieces = iter(pieces)
        self._error = error
        self.is_closed = False
        self.is_kept = False

    def write(self, data: bytes) -> None:
        """Ignore the request."""

    def receive(self) -> bytes:
        piece = next(self._pieces, b"")
        if not piece and self._error is not None:
            raise self._error
        return piece

    def close(self) -> None:
        self.is_closed = True


def respond(
    *pieces: bytes, method: str = "POST", error: Exception | None = None, is_sent: bool = True
) -> tuple[WireResponse, Reads]:
    """Return the response that arrives in ``pieces``, and its connection."""
    connection = Reads(pieces, error)

    def keep(given: Any) -> None:
        assert given is connection
        assert not connection.is_closed
        assert not connection.is_kept
        connection.is_kept = True

    return WireResponse(connection, method, is_sent=is_sent, give_back=keep), connection


def split(data: bytes, cuts: Iterable[int]) -> Iterator[bytes]:
    """Yield ``data`` in pieces that end at ``cuts`` (modulo its length)."""
    start = 0
    for cut in sorted({cut % len(data) for cut in cuts} - {0}) if data else ():
        yield data[start:cut]
        start = cut
    yield data[start:]
