"""The deadline of a connection; tests/sockets tests the rest at the far end."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from wsgi_lambda.wire.attempt import Attempt
from wsgi_lambda.wire.connection import IdleLimitedConnection
from wsgi_lambda.wire.open_connections import OpenConnections


def test_each_part_of_a_long_request_is_sent_before_the_deadline() -> None:
    seconds = iter(range(100))
    near, far = socket.socketpair()
    with near, far:
        reader = threading.Thread(target=lambda: all(iter(lambda: far.recv(65536), b"")))
        reader.start()
        connection = IdleLimitedConnection("far", keepalive=1, connections=OpenConnections())
        connection.sock = near
        connection.attempt = Attempt(20.0, clock=lambda: float(next(seconds)))
        with pytest.raises(TimeoutError, match="the deadline passed"):
            connection.write(bytes(10_000_000))
        near.close()
        reader.join()


def test_interrupt_of_a_connection_that_is_not_open_has_no_effect() -> None:
    IdleLimitedConnection("far", keepalive=1, connections=OpenConnections()).interrupt()


class Records:
    """A socket that always has data: each read yields ``size`` bytes, as over TLS."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.reads = 0

    def settimeout(self, seconds: float) -> None:
        """Ignore the timeout: no read waits."""

    def recv(self, size: int) -> bytes:
        self.reads += 1
        return bytes(min(size, self.size))


def connection_to(records: Records, seconds: float) -> IdleLimitedConnection:
    connection = IdleLimitedConnection("far", keepalive=1, connections=OpenConnections())
    connection.sock = records  # type: ignore[assignment]
    connection.attempt = Attempt(time.monotonic() + seconds)
    return connection


@pytest.mark.parametrize("size", [1, 100])
def test_small_reads_become_rare(size: int) -> None:
    """A read of one byte takes as long as one of 16 KiB, and there may be millions."""
    connection = connection_to(Records(size), 60)
    for _ in range(16 * 1024 * 128 // (128 - size)):
        connection.receive()
    started = time.monotonic()
    for _ in range(10 * 8 * 128 // (128 - size)):
        connection.receive()
    assert time.monotonic() - started > 9 * 0.02
    # A pause pays for the next reads.
    assert connection.attempt.lacking < (16 * 1024 + 10) * 128


@pytest.mark.parametrize(
    "sizes", [[128], [1, 300], [16384, *[1] * 128]], ids=["equal", "in turns", "after a large one"]
)
def test_reads_of_many_bytes_on_average_never_wait(sizes: list[int]) -> None:
    records = Records(1)
    connection = connection_to(records, 20)
    while records.reads < 40_000:
        records.size = sizes[records.reads % len(sizes)]
        connection.receive()
    assert connection.attempt.lacking <= 128 * 128


def test_large_reads_give_no_credit() -> None:
    """Else a stream could be a gigabyte of large reads, then millions of small ones."""
    records = Records(16384)
    connection = connection_to(records, 20)
    for _ in range(9):
        connection.receive()
    records.size = 1
    connection.receive()
    assert connection.attempt.lacking == 127
