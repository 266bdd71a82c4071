"""Local mode: a handler streams its response."""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from werkzeug.test import Client, EnvironBuilder, TestResponse

from tests.unit.invoke.test_in_process import wait_for
from wsgi_lambda import LambdaMiddleware
from wsgi_lambda.dispatcher import Dispatcher
from wsgi_lambda.errors import FunctionError, StreamCutOff

Handler = Callable[[Any, Any], Any]


def make_app(handler: Handler, **options: Any) -> LambdaMiddleware:
    route = {
        "function_name": "chat",
        "handler": handler,
        "invoke_mode": "RESPONSE_STREAM",
        "timeout": 20_000,
        **options,
    }
    return LambdaMiddleware(None, {"local": True, "routes": {"/f": route}})


def get(handler: Handler, **options: Any) -> TestResponse:
    return Client(make_app(handler, **options)).get("/f")


class Opened:
    """A response whose body is read chunk by chunk."""

    def __init__(self, app: LambdaMiddleware) -> None:
        self.status = ""
        self.headers: dict[str, str] = {}
        self.body: Any = app(EnvironBuilder("/f").get_environ(), self._start)

    def _start(self, status: str, headers: list[tuple[str, str]], *_: object) -> Any:
        self.status, self.headers = status, dict(headers)

    def next(self) -> bytes:
        """Return the next chunk that is not empty, or b"" at the end."""
        return next((chunk for chunk in self.body if chunk), b"")


#: What the handler yields, and status, type and body of the response.
STREAMS: dict[str, tuple[list[Any], int, str, bytes]] = {
    "bytes and text": ([b"a", "ü"], 200, "application/octet-stream", b"a\xc3\xbc"),
    "head": (
        [{"statusCode": 201, "headers": {"Content-Type": "text/event-stream"}}, "data: tea\n\n"],
        201,
        "text/event-stream",
        b"data: tea\n\n",
    ),
    "head alone": ([{"statusCode": 404}], 404, "application/octet-stream", b""),
    "empty chunks": (["", b"", "a", ""], 200, "application/octet-stream", b"a"),
    "nothing": ([], 200, "application/octet-stream", b""),
}


@pytest.mark.parametrize(("chunks", "status", "kind", "body"), STREAMS.values(), ids=STREAMS)
@pytest.mark.parametrize("is_generator", [True, False], ids=["generator", "iterator"])
def test_chunks_are_the_response(
    chunks: list[Any], status: int, kind: str, body: bytes, is_generator: bool
) -> None:
    def generator(event: Any, context: Any) -> Iterator[Any]:
        yield from chunks

    response = get(generator if is_generator else lambda event, context: iter(chunks))
    assert (response.status_code, response.headers["Content-Type"]) == (status, kind)
    assert response.data == body


@pytest.mark.parametrize(
    ("result", "body"),
    [
        ({"a": 1}, b'{"a": 1}'),
        ("text", b'"text"'),
        ([1], b"[1]"),
        (b"\x00", b"\x00"),
        (None, b"null"),
    ],
)
def test_anything_else_is_one_chunk_of_json(result: Any, body: bytes) -> None:
    assert get(lambda event, context: result).data == body


def test_result_of_proxy_integration_is_collected() -> None:
    result = {"statusCode": 201, "body": "made"}
    response = get(lambda event, context: result, is_proxy_integration=True)
    assert (response.status_code, response.text) == (201, "made")


def test_cookies_of_the_head_are_sent() -> None:
    def handler(event: Any, context: Any) -> Iterator[Any]:
        yield {"cookies": ["a=1", "b=2"]}

    assert get(handler).headers.getlist("Set-Cookie") == ["a=1", "b=2"]


def test_first_chunk_arrives_before_the_second_exists() -> None:
    go_on = threading.Event()

    def handler(event: Any, context: Any) -> Iterator[str]:
        yield "first"
        assert go_on.wait(20)
        yield "second"

    opened = Opened(make_app(handler))
    assert opened.next() == b"first"
    go_on.set()
    assert [opened.next(), opened.next()] == [b"second", b""]
    assert opened.headers["X-Amz-Executed-Version"] == "$LATEST"


def fail_first(event: Any, context: Any) -> Iterator[str]:
    raise ValueError("boom")
    yield "never"


def fail_later(event: Any, context: Any) -> Iterator[str]:
    yield "first"
    raise ValueError("boom")


def fail_at_once(event: Any, context: Any) -> Iterator[str]:
    raise ValueError("boom")


@pytest.mark.parametrize("handler", [fail_first, fail_at_once])
def test_exception_before_the_first_chunk_is_a_failure(
    handler: Handler, caplog: pytest.LogCaptureFixture
) -> None:
    response = get(handler)
    assert response.status_code == 502
    assert response.json is not None
    assert set(response.json) == {"message", "request_id"}
    assert '"errorType": "ValueError"' in caplog.text
    assert response.json["request_id"] in caplog.text
    assert get(handler, unhandled_status=500).status_code == 500


def test_exception_later_cuts_the_response_off(caplog: pytest.LogCaptureFixture) -> None:
    opened = Opened(make_app(fail_later))
    assert opened.next() == b"first"
    with pytest.raises(StreamCutOff):
        opened.next()
    assert "ValueError" in caplog.text


@pytest.mark.parametrize("chunk", [7, {"a": 1}, None, ["a"]])
def test_other_chunks_are_errors(chunk: Any, caplog: pytest.LogCaptureFixture) -> None:
    opened = Opened(make_app(lambda event, context: iter(["first", chunk])))
    assert opened.next() == b"first"
    with pytest.raises(StreamCutOff):
        opened.next()
    assert "a chunk must be bytes or str, not" in caplog.text


def test_handler_that_cannot_be_loaded_is_a_failure() -> None:
    route = {"function_name": "f", "handler": "no_such.handler", "invoke_mode": "RESPONSE_STREAM"}
    app = LambdaMiddleware(None, {"local": True, "routes": {"/f": route}})
    assert Client(app).get("/f").status_code == 502


def test_end_of_the_runtime_is_a_failure() -> None:
    def handler(event: Any, context: Any) -> Iterator[str]:
        raise KeyboardInterrupt
        yield ""

    assert get(handler).status_code == 502
    assert get(lambda event, context: exit(3)).status_code == 502


class Slow:
    """A handler that waits before its n-th chunk; counts those that it has produced."""

    def __init__(self, before: int) -> None:
        self.go_on = threading.Event()
        self.closed = threading.Event()
        self.made = 0
        self._before = before

    def __call__(self, event: Any, context: Any) -> Iterator[str]:
        try:
            for number in range(3):
                if number == self._before:
                    self.go_on.wait(20)
                self.made += 1
                yield str(number)
        finally:
            self.closed.set()


@pytest.fixture
def slow() -> Iterator[Callable[[int], Slow]]:
    made: list[Slow] = []

    def make(before: int) -> Slow:
        made.append(Slow(before))
        return made[-1]

    yield make
    for each in made:
        each.go_on.set()


@pytest.mark.parametrize("name", ["timeout", "handler_timeout"])
def test_late_head_is_504(
    slow: Callable[[int], Slow], caplog: pytest.LogCaptureFixture, name: str
) -> None:
    handler = slow(0)
    assert get(handler, **{name: 50}).status_code == 504
    assert "is still running after a timeout" in caplog.text
    handler.go_on.set()
    assert handler.closed.wait(20)
    assert handler.made == 1


@pytest.mark.parametrize("name", ["timeout", "handler_timeout"])
def test_silence_cuts_the_response_off(slow: Callable[[int], Slow], name: str) -> None:
    opened = Opened(make_app(slow(1), **{name: 100}))
    assert opened.next() == b"0"
    with pytest.raises(StreamCutOff):
        opened.next()


def test_whole_stream_may_be_longer_than_its_timeout() -> None:
    def handler(event: Any, context: Any) -> Iterator[str]:
        for number in range(5):
            threading.Event().wait(0.1)
            yield str(number)

    assert get(handler, timeout=400).data == b"01234"


def test_close_closes_the_generator(slow: Callable[[int], Slow]) -> None:
    handler = slow(9)
    opened = Opened(make_app(handler))
    assert opened.next() == b"0"
    opened.body.close()
    assert handler.closed.wait(20)
    assert handler.made <= 2
    assert opened.next() == b""


def test_close_ends_a_read_of_another_thread(slow: Callable[[int], Slow]) -> None:
    opened = Opened(make_app(slow(1)))
    assert opened.next() == b"0"
    read: list[bytes] = []
    thread = threading.Thread(target=lambda: read.append(opened.next()), daemon=True)
    thread.start()
    threading.Event().wait(0.05)
    opened.body.close()
    thread.join(20)
    assert read == [b""]


def test_iterator_without_close_is_dropped() -> None:
    opened = Opened(make_app(lambda event, context: iter(["a", "b"])))
    assert opened.next() == b"a"
    opened.body.close()


def test_stream_holds_its_turn_while_it_produces_only(slow: Callable[[int], Slow]) -> None:
    app = make_app(lambda event, context: iter(["a", "b"]))
    first = Opened(app)
    assert first.next() == b"a"
    # Nobody reads the first stream meanwhile.
    second = Opened(app)
    assert [second.next() for _ in range(3)] == [b"a", b"b", b""]
    assert [first.next(), first.next()] == [b"b", b""]


def test_stream_that_is_late_gives_up_its_turn(slow: Callable[[int], Slow]) -> None:
    app = make_app(slow(0), timeout=100)
    client = Client(app)
    assert [client.get("/f").status_code for _ in range(2)] == [504, 504]


def make_shared(handler: Handler, **options: Any) -> LambdaMiddleware:
    """Return an app whose route for GET has ``options``; that for POST shares its turns."""
    route = {"function_name": "chat", "handler": handler, "invoke_mode": "RESPONSE_STREAM"}
    routes = [
        {**route, "methods": ["GET"], **options},
        {**route, "methods": ["POST"], "timeout": 20_000},
    ]
    return LambdaMiddleware(None, {"local": True, "routes": {"/f": routes}})


@pytest.mark.parametrize("name", ["timeout", "handler_timeout"])
def test_closed_stream_that_hangs_gives_up_its_turn(name: str) -> None:
    """A page that is loaded again while a stream of it waits for news."""
    hangs, end, calls = threading.Event(), threading.Event(), iter(range(9))

    def handler(event: Any, context: Any) -> Iterator[str]:
        yield "first"
        if next(calls) == 0:
            hangs.set()
            end.wait()

    app = make_shared(handler, **{name: 1000})
    opened = Opened(app)
    assert opened.next() == b"first"
    assert hangs.wait(20)
    opened.body.close()
    response = Client(app).post("/f")
    end.set()
    assert response.data == b"first"


def test_stream_that_is_cut_off_while_it_waits_for_a_turn_ends() -> None:
    entered, go_on, closed = threading.Event(), threading.Event(), threading.Event()
    made: list[str] = []

    def handler(event: Any, context: Any) -> Iterator[str]:
        if event:
            entered.set()
            assert go_on.wait(20)
            yield "other"
            return
        try:
            for chunk in ("first", "second", "third"):
                made.append(chunk)
                yield chunk
        finally:
            closed.set()

    app = make_shared(handler, timeout=1000)
    opened = Opened(app)
    assert opened.next() == b"first"
    other = threading.Thread(target=Client(app).post, args=("/f?other",), daemon=True)
    other.start()
    assert entered.wait(20)
    with pytest.raises(StreamCutOff):
        list(opened.body)
    before = [*made]
    go_on.set()
    assert closed.wait(20)
    other.join(20)
    assert made == before
    assert Client(app).post("/f?other").data == b"other"


def test_error_of_a_generator_that_is_closed_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    ended = threading.Event()

    def handler(event: Any, context: Any) -> Iterator[str]:
        try:
            yield "first"
        finally:
            ended.set()
            raise ValueError("boom")

    opened = Opened(make_app(handler))
    assert opened.next() == b"first"
    opened.body.close()
    assert ended.wait(20)
    message = wait_for(caplog, logging.ERROR)
    assert message == "the generator of a handler raised an error when it was closed"


def test_slot_is_held_until_the_end() -> None:
    app = make_app(lambda event, context: iter(["a", "b"]), max_concurrency=1)
    opened = Opened(app)
    assert opened.next() == b"a"
    assert Client(app).get("/f").status_code == 503
    assert [opened.next(), opened.next()] == [b"b", b""]
    assert Client(app).get("/f").data == b"ab"
    opened = Opened(app)
    del opened
    gc.collect()
    assert Client(app).get("/f").data == b"ab"


def test_slot_is_free_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app(lambda event, context: iter(["a"]), max_concurrency=1)

    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        assert Client(app).get("/f").status_code == 503
    assert Client(app).get("/f").data == b"a"


@pytest.mark.parametrize("chunks", [["a", 1], ["a", "x" * 11]], ids=["function error", "limit"])
def test_slot_is_free_after_a_stream_that_was_cut_off(chunks: list[Any]) -> None:
    """Before the server closes the response, which may be much later."""
    app = make_app(lambda event, context: iter(chunks), max_concurrency=1, max_response_size=10)
    first = Opened(app)
    assert first.next() == b"a"
    with pytest.raises(StreamCutOff):
        first.next()
    assert Opened(app).status == "200 OK"


def test_chunk_over_the_limit_is_502() -> None:
    assert get(lambda event, context: iter(["x" * 11]), max_response_size=10).status_code == 502
    assert get(lambda event, context: iter(["x" * 10] * 2), max_response_size=10).status_code == 200


def test_log_is_written_at_the_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "wsgi_lambda")
    assert get(lambda event, context: iter(["a"])).data == b"a"
    assert "REPORT RequestId: " in caplog.text
    caplog.clear()
    assert get(lambda event, context: iter(["a"]), log_type="None").data == b"a"
    assert "REPORT" not in caplog.text


def test_remaining_time_is_that_of_the_context() -> None:
    def handler(event: Any, context: Any) -> Iterator[str]:
        yield str(context.get_remaining_time_in_millis())

    assert 1000 < int(get(handler, handler_timeout=3000).data) <= 3000


def test_head_request_and_dry_run_run_no_stream_to_its_end(slow: Callable[[int], Slow]) -> None:
    handler = slow(9)
    response = Client(make_app(handler)).head("/f")
    assert (response.status_code, response.data) == (200, b"")
    assert handler.closed.wait(20)
    handler = slow(9)
    assert get(handler, invocation_type="DryRun").status_code == 204
    assert handler.made == 0


def test_invocation_of_the_app_is_buffered() -> None:
    options = {"handler": lambda event, context: event, "invoke_mode": "RESPONSE_STREAM"}
    dispatcher = Dispatcher({"local": True, "functions": {"pay": options}})
    assert dispatcher.invoke(dispatcher["pay"], b'{"a": 1}').json == {"a": 1}
    failing = {"handler": fail_at_once, "invoke_mode": "RESPONSE_STREAM"}
    dispatcher = Dispatcher({"local": True, "functions": {"pay": failing}})
    with pytest.raises(FunctionError):
        dispatcher.invoke(dispatcher["pay"], b"{}")
