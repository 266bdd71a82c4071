"""What ends the runtime on AWS, and the log of one invocation."""

from __future__ import annotations

import base64
import json
import os
import re
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from wsgi_lambda.local_runtime.context import LambdaContext
from wsgi_lambda.local_runtime.faults import Outcome, crashed, stopped
from wsgi_lambda.local_runtime.run import Environment, log_result, write_log
from wsgi_lambda.local_runtime.threads import ThreadedRun
from wsgi_lambda.local_runtime.workers import Workers

make_context = partial(
    LambdaContext,
    request_id="7",
    function_name="orders",
    function_version="3",
    invoked_function_arn="arn:aws:lambda:us-east-1:000000000000:function:orders:3",
    deadline=0.0,
)


def run(handler: Callable[[Any, Any], Any]) -> Outcome:
    environment = Environment(lambda: handler)
    return environment.prepare("7") or environment.run(b"{}", make_context, "7")


@pytest.mark.parametrize(
    ("code", "status"), [(3, 3), (True, 1), (-1, 255), (256 + 7, 7), ("text", 1), (3.5, 1)]
)
def test_exit_with_an_error_names_its_status(code: object, status: int) -> None:
    reason = f"RequestId: 7 Error: Runtime exited with error: exit status {status}"
    outcome = run(lambda event, context: sys.exit(code))  # type: ignore[arg-type]
    assert (
        outcome.body
        == json.dumps(
            {"errorType": "Runtime.ExitError", "errorMessage": reason}, separators=(",", ":")
        ).encode()
    )
    assert outcome.log == f"{reason}\nRuntime.ExitError\n"


@pytest.mark.parametrize("code", [None, 0, False, 256])
def test_exit_without_an_error_has_no_reason(code: object) -> None:
    outcome = run(lambda event, context: sys.exit(code))  # type: ignore[arg-type]
    assert json.loads(outcome.body)["errorMessage"] == (
        "RequestId: 7 Error: Runtime exited without providing a reason"
    )


def test_exit_while_loading_is_an_error_of_this_request() -> None:
    environment = Environment(partial(sys.exit, 2))
    outcome = environment.prepare("7")
    assert outcome is not None
    assert outcome.error_type == "Runtime.ExitError"
    assert b"RequestId: 7 " in outcome.body


def test_handler_is_loaded_once() -> None:
    loads: list[int] = []

    def load() -> Callable[[Any, Any], Any]:
        loads.append(1)
        if len(loads) == 1:
            raise ValueError("not yet")
        return lambda event, context: event

    environment = Environment(load)
    failure = environment.prepare("7")
    assert (failure and failure.error_type, environment.is_ready) == ("ValueError", False)
    assert [environment.prepare("7"), environment.prepare("8")] == [None, None]
    assert (len(loads), environment.is_ready) == (2, True)


def test_handler_must_be_loaded_first() -> None:
    outcome = Environment(lambda: print).run(b"{}", make_context, "7")
    assert (outcome.error_type, b"the handler is not loaded" in outcome.body) == (
        "RuntimeError",
        True,
    )


@pytest.mark.parametrize("error", [KeyboardInterrupt, GeneratorExit])
def test_other_ends_are_raised(error: type[BaseException]) -> None:
    def handler(event: object, context: object) -> None:
        raise error

    with pytest.raises(error):
        run(handler)


def test_handler_that_is_not_a_function_is_an_error_without_frames() -> None:
    body = json.loads(run(7).body)  # type: ignore[arg-type]
    assert body == {
        "errorMessage": "'int' object is not callable",
        "errorType": "TypeError",
        "requestId": "7",
        "stackTrace": [],
    }


def test_event_belongs_to_one_invocation() -> None:
    events: list[Any] = []
    environment = Environment(lambda: lambda event, context: events.append(event))
    environment.prepare("7")
    for _ in range(2):
        environment.run(b'{"a": []}', make_context, "7")
    events[0]["a"].append(1)
    assert events[1] == {"a": []}


def test_log_of_the_first_invocation_contains_the_init() -> None:
    text = write_log("7", "$LATEST", Outcome(b"{}"), duration=0.00123, init=0.0101)
    assert text == (
        "START RequestId: 7 Version: $LATEST\n"
        "END RequestId: 7\n"
        "REPORT RequestId: 7\tDuration: 1.23 ms\tBilled Duration: 12 ms\tMemory Size: 128 MB\t"
        "Max Memory Used: 128 MB\tInit Duration: 10.10 ms\t\n"
    )


def test_log_of_a_later_invocation_contains_the_error() -> None:
    outcome = stopped("Sandbox.Timedout", "Task timed out after 3.00 seconds", "7")
    text = write_log("7", "3", outcome, duration=3.0, init=None)
    assert text.splitlines()[:3] == [
        "START RequestId: 7 Version: 3",
        "RequestId: 7 Error: Task timed out after 3.00 seconds",
        "Sandbox.Timedout",
    ]
    assert "Billed Duration: 3000 ms\t" in text
    assert "Init" not in text


def test_crash_names_its_cause() -> None:
    outcome = crashed(KeyboardInterrupt(), "7")
    assert outcome.log.startswith("KeyboardInterrupt\nRequestId: 7 Error: Runtime exited")


def test_log_result_is_the_end_of_the_log() -> None:
    text = "ü" * 3000 + "\ud800"
    assert base64.b64decode(log_result(text)) == b"\xbc" + "ü".encode() * 2047 + b"?"


def test_log_stream_is_one_per_process(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {make_context().log_stream_name for _ in range(2)}  # type: ignore[attr-defined]
    (name,) = names
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[3\][0-9a-f]{32}", name)
    monkeypatch.setattr(os, "getpid", lambda: 1)
    assert make_context().log_stream_name != name  # type: ignore[attr-defined]


def test_outcome_that_is_late_is_dropped_even_if_it_exists() -> None:
    """Under gevent, a handler that computes lets nobody look at the clock."""
    ended = threading.Event()

    def handler(event: object, context: object) -> str:
        time.sleep(0.06)
        return "late"

    for limit, expected in ((0.05, "Sandbox.Timedout"), (None, None)):
        ended.clear()
        run = ThreadedRun(
            Environment(lambda: handler),
            b"{}",
            make_context,
            "7",
            deadline=time.monotonic() + (20 if limit else 0.05),
            limit=limit,
            release=ended.set,
        )
        run.start(Workers(), "f")
        assert ended.wait(20)
        outcome = run.wait()
        assert (outcome and outcome.error_type, run.is_running) == (expected, False)


def test_remaining_time_is_never_negative() -> None:
    assert make_context().get_remaining_time_in_millis() == 0
