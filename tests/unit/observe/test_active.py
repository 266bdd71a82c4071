"""The number of requests that have not ended, as the observer `otel` reports it."""

from __future__ import annotations

import os

from wsgi_lambda.observe import InvocationRecord
from wsgi_lambda.observe.opentelemetry import OpenTelemetry

FACTS = ("/shop", "orders", "", "us-east-1", "in-process", "RequestResponse", "BUFFERED")


def test_child_process_counts_its_own_requests() -> None:
    observer = OpenTelemetry()
    inherited, own = InvocationRecord(FACTS), InvocationRecord(FACTS)
    observer.began(inherited)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        counts = [observer.active()["/shop", "orders"]]
        observer.began(own)
        counts.append(observer.active()["/shop", "orders"])
        os.write(writer, bytes(counts))
        os._exit(0)
    os.close(writer)
    with open(reader, "rb") as pipe:
        assert list(pipe.read()) == [0, 1]
    assert os.waitpid(child, 0)[1] == 0
    assert observer.active() == {("/shop", "orders"): 1}
    observer.replied(inherited)
    observer.ended(inherited)
    assert observer.active() == {("/shop", "orders"): 0}
