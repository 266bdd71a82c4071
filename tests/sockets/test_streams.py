"""Streams through real sockets: order, time, ends, connections and slots."""

from __future__ import annotations

import gc
import json
import logging
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import MakeApp
from tests.servers import lambda_server as far_end
from tests.servers.event_stream import chunk, complete, event, exception, frame, hang, stream
from tests.servers.lambda_server import Exchange, LambdaServer, Step
from tests.servers.streamed import Streamed
from wsgi_lambda import LambdaMiddleware
from wsgi_lambda.errors import StreamCutOff, TooManyInvocations

END = complete()
TIMEOUT = 400  # milliseconds, of the streams that must fail by it


@pytest.fixture
def make_stream(make_app: MakeApp) -> Callable[..., LambdaMiddleware]:
    """Return a factory of apps with one route, `/f`, that streams."""

    def make(**options: Any) -> LambdaMiddleware:
        return make_app({"/f": {"function_name": "f", "invoke_mode": "RESPONSE_STREAM", **options}})

    return make


MakeStream = Callable[..., LambdaMiddleware]


def test_request_is_that_of_invoke_with_another_path(
    lambda_server: LambdaServer, make_stream: MakeStream
) -> None:
    lambda_server.script(stream(END))
    app = make_stream(qualifier="live", client_context={"a": 1}, tenant_id="t-1")
    with Streamed(app, "/f?name=tea") as response:
        assert response.rest() == b""
    (invocation,) = lambda_server.invocations
    assert invocation.path == "/2021-11-15/functions/f/response-streaming-invocations"
    assert invocation.query == "Qualifier=live"
    assert json.loads(invocation.body) == {"name": "tea"}
    for name in ("x-amz-client-context", "x-amz-tenant-id", "x-amzn-trace-id"):
        assert invocation.header(name)
    assert invocation.header("x-amz-log-type") == "Tail"
    assert invocation.header("accept-encoding") == "identity"


def test_first_byte_arrives_before_the_second_chunk_exists(
    lambda_server: LambdaServer, make_stream: MakeStream
) -> None:
    more = threading.Event()
    lambda_server.script(stream(chunk(b"one"), more, chunk(b"two"), END))
    with Streamed(make_stream()) as response:
        # The empty chunk makes servers send the head.
        assert (response.status, next(response), next(response)) == (200, b"", b"one")
        more.set()
        assert response.rest() == b"two"


def test_bytes_that_arrived_together_leave_together(
    lambda_server: LambdaServer, make_stream: MakeStream
) -> None:
    more = threading.Event()
    burst = b"".join(chunk(b"%d," % number) for number in range(100))
    lambda_server.script(stream(chunk(b"begin,"), more, burst, END))
    with Streamed(make_stream()) as response:
        assert (next(response), next(response)) == (b"", b"begin,")
        more.set()
        chunks = list(response)
    assert b"".join(chunks) == b"".join(b"%d," % number for number in range(100))
    assert len(chunks) < 100


def test_empty_and_unknown_events_are_skipped(
    lambda_server: LambdaServer, make_stream: MakeStream
) -> None:
    untyped = frame([(":event-type", "PayloadChunk"), ("x-new", (0, b""))], b"tea")
    step = stream(event("initial-response", b"{}"), chunk(b""), event("New", b"?"), untyped, END)
    lambda_server.script(step)
    with Streamed(make_stream()) as response:
        assert list(response) == [b"", b"tea"]


def test_stream_without_bytes_is_an_empty_body(
    lambda_server: LambdaServer, make_stream: MakeStream
) -> None:
    lambda_server.script(stream(END))
    with Streamed(make_stream()) as response:
        assert (response.status, list(response)) == (200, [b""])


@pytest.mark.parametrize("framing", ["length", "close"])
def test_any_framing_of_the_message(
    framing: str, lambda_server: LambdaServer, make_stream: MakeStream
) -> None:
    body = chunk(b"one") + chunk(b"two") + END
    lines = {"Content-Length": str(len(body))} if framing == "length" else {}
    head = far_end.head("200 OK", lines.items())
    lambda_server.script(far_end.raw(head + body, close=framing == "close"))
    with Streamed(make_stream()) as response:
        assert response.rest() == b"onetwo"


def test_frame_in_single_bytes(lambda_server: LambdaServer, make_stream: MakeStream) -> None:
    data = chunk(b"one") + chunk(b"two") + END
    lambda_server.script(stream(*(data[at : at + 1] for at in range(len(data)))))
    with Streamed(make_stream()) as response:
        assert response.rest() == b"onetwo"


# The end: connection, slot, log.


def test_connection_of_a_complete_stream_is_used_again(
    lambda_server: LambdaServer, make_stream: MakeStream
) -> None:
    lambda_server.script(*[stream(chunk(b"tea"), END)] * 3)
    app = make_stream()
    for _ in range(3):
        with Streamed(app) as response:
            assert response.rest() == b"tea"
    assert lambda_server.connections == 1


def test_bytes_behind_the_end_are_ignored(
    lambda_server: LambdaServer, make_stream: MakeStream
) -> None:
    pause = lambda exchange: exchange.ended(within=0.05)  # noqa: E731 - one more read
    lambda_server.script(
        stream(chunk(b"tea"), END + chunk(b"more"), pause, b"\xff" * 99), stream(END)
    )
    app = make_stream()
    for expected in (b"tea", b""):
        with Streamed(app) as response:
            assert response.rest() == expected
    assert lambda_server.connections == 1


@pytest.mark.promise("in time")
@pytest.mark.parametrize("after", [hang, lambda exchange: exchange.reset()], ids=["open", "reset"])
def test_message_that_does_not_end_costs_the_connection_only(
    after: Callable[[Exchange], None], lambda_server: LambdaServer, make_stream: MakeStream
) -> None:
    lambda_server.script(stream(chunk(b"tea"), END, after))
    started = time.monotonic()
    with Streamed(make_stream()) as response:
        assert response.rest() == b"tea"
    assert time.monotonic() - started < 1.9
    assert lambda_server.wait_until(lambda: lambda_server.open_connections() == 0)


@pytest.mark.parametrize("chunks_read", [0, 1, 2])
def test_close_ends_the_upstream_immediately(
    chunks_read: int, lambda_server: LambdaServer, make_stream: MakeStream
) -> None:
    lambda_server.script(stream(chunk(b"tea"), hang), stream(END))
    app = make_stream(max_concurrency=1)
    response = Streamed(app)
    for _ in range(chunks_read):
        next(response)
    response.close()
    assert lambda_server.wait_until(lambda: lambda_server.open_connections() == 0)
    with Streamed(app) as again:
        assert again.status == 200


def body_of(app: LambdaMiddleware) -> Any:
    """Return the body itself, without the validator."""
    body = app({"REQUEST_METHOD": "GET", "PATH_INFO": "/f"}, lambda status, headers: None)
    return iter(body)


def test_closed_twice_and_empty_afterwards(
    lambda_server: LambdaServer, make_stream: MakeStream
) -> None:
    lambda_server.script(stream(chunk(b"tea"), hang))
    body = body_of(make_stream())
    body.close()
    body.close()
    assert list(body) == []


def test_slot_is_held_until_the_end(lambda_server: LambdaServer, make_stream: MakeStream) -> None:
    lambda_server.script(stream(chunk(b"tea"), END), stream(END))
    app = make_stream(max_concurrency=1)
    with Streamed(app) as response:
        assert (next(response), next(response)) == (b"", b"tea")
        with Streamed(app) as surplus:
            assert (surplus.status, surplus.header("retry-after")) == (503, "1")
        assert response.rest() == b""
        with Streamed(app) as next_one:
            assert next_one.status == 200


def test_slot_and_connection_of_a_forgotten_stream_are_freed(
    lambda_server: LambdaServer, make_stream: MakeStream
) -> None:
    lambda_server.script(stream(chunk(b"tea"), hang), stream(END))
    app = make_stream(max_concurrency=1)
    body = body_of(app)
    del body
    gc.collect()
    assert lambda_server.wait_until(lambda: lambda_server.open_connections() == 0)
    with Streamed(app) as response:
        assert response.status == 200


def test_end_of_the_log_is_logged_once(
    lambda_server: LambdaServer, make_stream: MakeStream, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "wsgi_lambda.tail")
    end = complete(log="START\nline \x1b[2J\n")
    lambda_server.script(stream(chunk(b"tea"), end), stream(chunk(b"tea") + end), stream(end))
    app = make_stream(expose_log_result=True)
    for _ in range(3):
        with Streamed(app) as response:
            response.rest()
            assert response.header("x-amz-log-result") is None
    expected = "f request r-1:\n    START\n    line \\x1b[2J"
    assert [record.getMessage() for record in caplog.records] == [expected] * 3


def test_long_log_is_logged_from_its_end(
    lambda_server: LambdaServer, make_stream: MakeStream, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "wsgi_lambda.tail")
    lambda_server.script(stream(chunk(b"tea"), complete(log="\x1b" * 300_000 + "END")))
    with Streamed(make_stream()) as response:
        assert response.rest() == b"tea"
    (record,) = caplog.records
    assert record.getMessage() == "f request r-1:\n    " + "\\x1b" * (48 * 1024 - 3) + "END"


# Failures after the head is known.


def dripped(data: bytes, interval: float, size: int = 1) -> Step:
    """Send HTTP chunks of ``size`` bytes, one in each interval."""
    chunks = [data[at : at + size] for at in range(0, len(data), size)]
    written = [b"%x\r\n%b\r\n" % (len(each), each) for each in chunks]
    return far_end.drip(b"".join(written), interval, chunk=len(written[0]))


CUTS = {
    "an error of the function": (
        [complete("Runtime.ExitError", "exit 1\n", "the log")],
        "FunctionError: The function failed: function error Runtime.ExitError: exit 1\\n",
    ),
    "an error with long details": (
        [complete("Handled", "[" * 100_000)],
        "FunctionError: The function failed: function error Handled: [[[",
    ),
    "an error with a code of a hundred thousand characters": (
        [complete("\x1b" * 100_000, "stopped")],
        "function error " + "\\x1b" * 1024 + ": stopped",
    ),
    "an error whose code is an array": (
        [event("InvokeComplete", b'{"ErrorCode": ["a"], "ErrorDetails": 7}')],
        "FunctionError: The function failed: function error (list): 7",
    ),
    "an end of many arrays": (
        [event("InvokeComplete", b'{"a": [' + b"[]," * 30_000 + b"[]]}")],
        "malformed frame: InvokeComplete is not a JSON object",
    ),
    "an exception": (
        [exception("ServiceException", b'{"message": "sorry"}')],
        "ServiceError: The function could not be invoked: Lambda sent an error in the stream: "
        'ServiceException: {"message": "sorry"}',
    ),
    "an error": (
        [frame([(":message-type", "error"), (":error-code", "500"), (":error-message", "no")])],
        "Lambda sent an error in the stream: 500: no",
    ),
    "a malformed frame": (
        [b"x" * 12],
        "ConnectionFailed: The function's response is incomplete: malformed frame: the CRC of a "
        "prelude is wrong",
    ),
    "an end that is not JSON": (
        [event("InvokeComplete", b"{")],
        "malformed frame: InvokeComplete is not a JSON object",
    ),
    "an end that is an array": (
        [event("InvokeComplete", b"[]")],
        "malformed frame: InvokeComplete is not a JSON object",
    ),
    "an end that is deeply nested": (
        [event("InvokeComplete", b"[" * 100_000)],
        "malformed frame: InvokeComplete is not a JSON object",
    ),
    "no end": ([], "the stream ended without InvokeComplete"),
    "an end inside a frame": ([END[:-1]], "the stream ended inside a frame"),
    "a connection that is closed": ([lambda exchange: exchange.close()], "ConnectionFailed"),
    "a connection that is reset": ([lambda exchange: exchange.reset()], "connection lost"),
    "a malformed HTTP chunk": ([lambda exchange: exchange.send(b"zz\r\n")], "ConnectionFailed"),
    "silence": ([hang], "DeadlinePassed"),
    "a frame that drips": (
        [lambda exchange: dripped(chunk(bytes(999)), 0.01)(exchange)],
        "DeadlinePassed",
    ),
}


@pytest.mark.promise("told apart")
@pytest.mark.parametrize("together", [False, True], ids=["apart", "together"])
@pytest.mark.parametrize(("parts", "text"), CUTS.values(), ids=CUTS)
def test_failure_after_the_head_cuts_the_response_off(
    parts: list[Any],
    text: str,
    together: bool,
    lambda_server: LambdaServer,
    make_stream: MakeStream,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    if together and parts and isinstance(parts[0], bytes):
        parts = [chunk(b"tea") + parts[0], *parts[1:]]
    else:
        parts = [chunk(b"tea"), *parts]
    lambda_server.script(stream(*parts), stream(END))
    slow = "Deadline" not in text
    # Long enough for the head on a busy machine, too.
    app = make_stream(max_concurrency=1, timeout=20_000 if slow else 4 * TIMEOUT)
    with Streamed(app) as response:
        # What arrived before the failure is sent before it.
        assert (response.status, next(response), next(response)) == (200, b"", b"tea")
        with pytest.raises(StreamCutOff) as caught:
            next(response)
    assert isinstance(caught.value, ConnectionResetError)
    assert (caught.value.errno, caught.value.request_id) == (104, "r-1")
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    (line,) = [record.getMessage() for record in errors]
    assert line.startswith("/f stream cut off: f, request r-1, 3 bytes sent: ")
    assert text in line
    assert "\n" not in line
    assert lambda_server.wait_until(lambda: lambda_server.open_connections() == 0)
    with Streamed(app) as again:  # the slot is free
        assert again.rest() == b""
    tails = [each.getMessage() for each in caplog.records if each.name == "wsgi_lambda.tail"]
    assert tails == (["f request r-1:\n    the log"] if "exit" in text else [])


# Time.


@pytest.mark.promise("in time")
@pytest.mark.parametrize(
    "parts",
    [
        [hang],
        [chunk(b""), hang],
        [chunk(b'{"statusCode"'), hang],
        [lambda exchange: dripped(chunk(bytes(999)), 0.01)(exchange)],
        [lambda exchange: dripped(chunk(b"") * 99, 0.05, size=len(chunk(b"")))(exchange)],
    ],
    ids=["silence", "empty frames", "half a head", "dripped bytes", "many empty frames"],
)
def test_deadline_until_the_head_is_a_total(
    parts: list[Any], lambda_server: LambdaServer, make_stream: MakeStream
) -> None:
    lambda_server.script(stream(*parts))
    started = time.monotonic()
    with Streamed(make_stream(timeout=TIMEOUT)) as response:
        assert response.status == 504
    assert time.monotonic() - started < TIMEOUT / 1000 * 1.2 + 0.2
    assert lambda_server.wait_until(lambda: lambda_server.open_connections() == 0)


def test_whole_stream_may_take_longer_than_the_timeout(
    lambda_server: LambdaServer, make_stream: MakeStream
) -> None:
    events = [threading.Event() for _ in range(6)]
    pauses: list[Any] = [part for event in events for part in (event, chunk(b"x"))]
    lambda_server.script(stream(chunk(b"x"), *pauses, END))
    started = time.monotonic()
    with Streamed(make_stream(timeout=TIMEOUT)) as response:
        assert (next(response), next(response)) == (b"", b"x")
        for each in events:
            timer = threading.Timer(0.1, each.set)
            timer.start()
            assert next(response) == b"x"
            timer.join()
        assert response.rest() == b""
    assert time.monotonic() - started > TIMEOUT / 1000


def test_slow_client_is_not_a_silence(lambda_server: LambdaServer, make_stream: MakeStream) -> None:
    more = threading.Event()
    lambda_server.script(stream(chunk(b"one"), more, chunk(b"two"), END))
    with Streamed(make_stream(timeout=TIMEOUT)) as response:
        assert (next(response), next(response)) == (b"", b"one")
        threading.Event().wait(TIMEOUT / 1000 + 0.1)
        more.set()
        assert response.rest() == b"two"


def test_each_complete_frame_ends_a_silence(
    lambda_server: LambdaServer, make_stream: MakeStream
) -> None:
    """Even a frame that is skipped: Lambda is alive."""
    beat = event("Beat", b"")
    beats = dripped(beat * 6, 0.1, size=len(beat))
    lambda_server.script(stream(chunk(b"one"), beats, chunk(b"two"), END))
    started = time.monotonic()
    with Streamed(make_stream(timeout=TIMEOUT)) as response:
        assert response.rest() == b"onetwo"
    assert time.monotonic() - started > TIMEOUT / 1000


# Repeats.


@pytest.mark.promise("once")
def test_nothing_is_repeated_after_the_200(
    lambda_server: LambdaServer, make_stream: MakeStream
) -> None:
    app = make_stream(retries=3)
    for step in (stream(END), stream(lambda exchange: exchange.reset()), stream(END)):
        lambda_server.script(step)
        with Streamed(app) as response:
            response.rest()
    assert len(lambda_server.invocations) == 3


@pytest.mark.promise("once")
@pytest.mark.parametrize(("method", "sent"), [("GET", 2), ("POST", 1)])
def test_dead_connection_before_the_200_is_repeated_as_for_invoke(
    method: str, sent: int, lambda_server: LambdaServer, make_stream: MakeStream
) -> None:
    app = make_stream()
    lambda_server.script(stream(END), far_end.reset(), stream(chunk(b"tea"), END))
    with Streamed(app) as response:
        response.rest()
    with Streamed(app, method=method) as response:
        assert (response.status, response.rest()[:3]) in [(200, b"tea"), (502, b'{"m')]
    assert len(lambda_server.invocations) == 1 + sent


def test_throttled_stream_is_retried(
    lambda_server: LambdaServer, make_stream: MakeStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wsgi_lambda.invoke.retry_quota.random.uniform", lambda low, high: 0.01)
    lambda_server.script(far_end.respond(429), stream(chunk(b"tea"), END))
    with Streamed(make_stream(retries=1)) as response:
        assert response.rest() == b"tea"


def test_memory_is_one_frame(lambda_server: LambdaServer, make_stream: MakeStream) -> None:
    part = chunk(bytes(65_536))
    lambda_server.script(stream(*[part] * 400, END))
    with Streamed(make_stream()) as response:
        sizes = [len(each) for each in response]
    assert sum(sizes) == 400 * 65_536
    assert max(sizes) <= 2 * 65_536


def test_invocation_of_the_app_s_own_is_buffered(
    lambda_server: LambdaServer, make_stream: MakeStream
) -> None:
    lambda_server.script(stream(chunk(b"tea"), END), far_end.respond(200, {}, b'{"a": 1}'))
    app = make_stream(max_concurrency=1)
    (backend,) = app.dispatcher.backends
    with Streamed(app) as response:
        # The limit is that of the route, however its function is invoked.
        with pytest.raises(TooManyInvocations):
            app.dispatcher.invoke(backend, b"{}")
        response.rest()
    assert app.dispatcher.invoke(backend, b"{}").json == {"a": 1}
    assert lambda_server.invocations[-1].path == "/2015-03-31/functions/f/invocations"


class Killed(BaseException):
    """What gevent raises in a greenlet that is killed, or Python after Ctrl-C."""


@pytest.mark.parametrize("is_in_head", [True, False], ids=["head", "body"])
def test_thread_that_is_killed_frees_everything(
    is_in_head: bool, lambda_server: LambdaServer, make_stream: MakeStream
) -> None:
    def kill(number: int, frame: object) -> None:
        raise Killed

    before = signal.signal(signal.SIGUSR1, kill)
    is_waiting = threading.Event()
    interrupt = lambda exchange: signal.pthread_kill(main.ident, signal.SIGUSR1)  # noqa: E731
    main = threading.main_thread()
    parts = [is_waiting, interrupt, hang]
    lambda_server.script(stream(*parts if is_in_head else [chunk(b"tea"), *parts]), stream(END))
    app = make_stream(max_concurrency=1)
    try:
        if is_in_head:
            threading.Timer(0.1, is_waiting.set).start()
            with pytest.raises(Killed):
                body_of(app)
        else:
            body = body_of(app)
            assert (next(body), next(body)) == (b"", b"tea")
            threading.Timer(0.1, is_waiting.set).start()
            with pytest.raises(Killed):
                next(body)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert lambda_server.wait_until(lambda: lambda_server.open_connections() == 0)
    with Streamed(app) as response:
        assert response.status == 200
