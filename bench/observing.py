"""Call apps that are observed: `python -m bench.observing 3`.

Prints the measurements of one round as JSON: CPU in µs of one POST whose invocation
is replaced by a constant, with each kind of observer.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

from opentelemetry import metrics, trace
from opentelemetry.metrics import NoOpMeter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider

from bench.calls import Call, costs, invoking
from bench.environment import REGION
from bench.payloads import SMALL, json_body
from wsgi_lambda import LambdaMiddleware
from wsgi_lambda.delivery import InThisProcess
from wsgi_lambda.invoke.reply import Reply
from wsgi_lambda.observe import Observer

LOG = base64.b64encode(
    b"START RequestId: 3f1d5c4b-0e6c-1f4a-539f-5e0d8f0a1d7c Version: $LATEST\n"
    + b"a line of the function's own\n" * 100
    + b"END RequestId: 3f1d5c4b-0e6c-1f4a-539f-5e0d8f0a1d7c\n"
    b"REPORT RequestId: 3f1d5c4b-0e6c-1f4a-539f-5e0d8f0a1d7c\tDuration: 12.34 ms\t"
    b"Billed Duration: 13 ms\tMemory Size: 128 MB\tMax Memory Used: 40 MB\t\n"
).decode()
HEADERS = (
    ("Content-Type", "application/json"),
    ("X-Amzn-RequestId", "3f1d5c4b-0e6c-1f4a-539f-5e0d8f0a1d7c"),
    ("X-Amz-Executed-Version", "$LATEST"),
    ("X-Amz-Log-Result", LOG),
)


class _Constant:
    """An Invoker that invokes nothing."""

    def invoke(self, invocation: Any) -> Reply:
        delivery = invocation.delivery
        delivery.last = InThisProcess()
        delivery.started = delivery.ended = time.monotonic()
        return Reply(200, HEADERS, b"{}")


class Idle(Observer):
    """An observer that does nothing, but is called."""

    def ended(self, record: Any) -> None:
        """Do nothing."""


def measure(seconds: float) -> dict[str, float]:
    """Return the cost of a POST: not observed, and with each kind of observer."""
    event = json_body(SMALL)
    access = logging.getLogger("wsgi_lambda.access")
    access.disabled = True  # switched on for its own calls only
    access.propagate = False
    access.setLevel(logging.INFO)
    # The tail is another logger's work.
    logging.getLogger("wsgi_lambda.tail").setLevel(logging.WARNING)
    with Path(os.devnull).open("w") as sink:
        handler = logging.StreamHandler(sink)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
        access.addHandler(handler)
        calls = {
            "nothing": invoking(_app(), event),
            "idle": invoking(_app(Idle()), event),
            "access": _logging(access, invoking(_app(), event)),
            "prometheus": invoking(_app("prometheus"), event),
            "otel, API": invoking(_without_sdk(), event),
            "otel, SDK": invoking(_with_sdk(), event),
        }
        return costs(calls, seconds=seconds, batch=100)


def _app(*observers: object) -> Callable[..., Any]:
    routes = {"/lambda1": {"function_name": "MyLambda"}}
    with patch("wsgi_lambda.dispatcher.make_invoker", lambda *_: _Constant()):
        config = {"aws_region": REGION, "observers": list(observers), "routes": routes}
        return LambdaMiddleware(None, config)


def _logging(log: logging.Logger, call: Call) -> Call:
    def logged() -> object:
        log.disabled = False
        try:
            return call()
        finally:
            log.disabled = True

    return logged


def _without_sdk() -> Callable[..., Any]:
    """Return an app whose observer `otel` stays without an SDK."""
    with (
        patch("opentelemetry.trace.get_tracer", lambda _: trace.NoOpTracer()),
        patch("opentelemetry.metrics.get_meter", NoOpMeter),
    ):
        return _app("otel")


def _with_sdk() -> Callable[..., Any]:
    trace.set_tracer_provider(TracerProvider())
    metrics.set_meter_provider(MeterProvider([InMemoryMetricReader()]))
    return _app("otel")


if __name__ == "__main__":
    print(json.dumps(measure(float(sys.argv[1]))))
