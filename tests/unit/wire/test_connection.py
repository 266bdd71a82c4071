"""The deadline of a connection; tests/sockets tests the rest at the far end."""

from __future__ import annotations

import socket
import threading

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
