"""Local mode: a route's handler runs in this process."""

from __future__ import annotations

import base64
import contextvars
import json
import logging
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from wsgi_lambda import LambdaMiddleware
from wsgi_lambda.dispatcher import Dispatcher
from wsgi_lambda.observe import snapshot

Handler = Callable[[Any, Any], Any]
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
VARIABLE = contextvars.ContextVar("VARIABLE", default="empty")


def make_client(handler: Handler | str, **options: Any) -> Client:
    route = {"function_name": "orders", "handler": handler, **options}
    return Client(LambdaMiddleware(None, {"local": True, "routes": {"/f": route}}))


def get(handler: Handler | str, path: str = "/f", **options: Any) -> TestResponse:
    return make_client(handler, **options).get(path)


def echo(event: Any, context: Any) -> Any:
    return event


def fail(event: Any, context: Any) -> Any:
    raise ValueError("boom")


class Gate:
    """A handler that waits until it is opened; counts those inside."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.entered = threading.Semaphore(0)
        self.most = self.inside = self.runs = 0
        self._lock = threading.Lock()

    def __call__(self, event: Any, context: Any) -> str:
        with self._lock:
            self.inside += 1
            self.runs += 1
            self.most = max(self.most, self.inside)
        self.entered.release()
        assert self.opened.wait(20)
        with self._lock:
            self.inside -= 1
        return "done"

    def handle(self, event: Any, context: Any) -> str:
        return self(event, context)

    def count(self, event: Any, context: Any) -> int:
        return self.runs


@pytest.fixture(autouse=True)
def _own_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the folders of handlers at the end."""
    monkeypatch.setattr(sys, "path", [*sys.path])


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.opened.set()


def in_threads(client: Client, count: int, path: str = "/f") -> list[threading.Thread]:
    """Start requests, each in a thread, whose attribute `response` it sets."""

    def send(number: int) -> None:
        threads[number].response = client.get(path)  # type: ignore[attr-defined]

    threads = [threading.Thread(target=send, args=(n,), daemon=True) for n in range(count)]
    for thread in threads:
        thread.start()
    return threads


def responses(threads: list[threading.Thread]) -> list[Any]:
    for thread in threads:
        thread.join(20)
    return [thread.response for thread in threads]  # type: ignore[attr-defined]


# Event and result


def test_event_and_result_are_json() -> None:
    response = get(echo, "/f?a=1&a=2&b=%C3%BC")
    assert (response.status_code, response.mimetype) == (200, "application/json")
    assert response.data == '{"a": ["1", "2"], "b": "ü"}'.encode()


def test_event_has_no_decimals() -> None:
    client = make_client(lambda event, context: [type(event[0]).__name__, *event])
    assert client.post("/f", json=[1.10]).json == ["float", 1.1]


def test_result_of_proxy_integration_is_the_response() -> None:
    result = {"statusCode": 201, "headers": {"X-A": "b"}, "body": "made"}
    response = get(lambda event, context: result, is_proxy_integration=True)
    assert (response.status_code, response.text, response.headers["X-A"]) == (201, "made", "b")


def test_bytes_are_unchanged() -> None:
    assert get(lambda event, context: b"\x00{").data == b"\x00{"


def test_changes_of_the_event_affect_nothing_else() -> None:
    def handler(event: Any, context: Any) -> int:
        event["seen"] = 1
        return len(event)

    client = make_client(handler, client_context={"custom": {"a": []}})
    assert [client.get("/f").json for _ in range(2)] == [1, 1]


@pytest.mark.parametrize("own", [None, {"custom": {"a": 1}}], ids=["no", "own"])
def test_trace_of_an_observer_reaches_the_handler(own: dict[str, Any] | None) -> None:
    def handler(event: Any, context: Any) -> Any:
        return [context.w3c(), context.client_context.custom]

    class Propagating:
        def began(self, record: Any) -> None:
            record.propagate["traceparent"] = f"00-{'a' * 32}-{'b' * 16}-01"

    config = {
        "aws_region": "us-east-1",
        "local": True,
        "observers": [Propagating()],
        "routes": {"/f": {"function_name": "f", "handler": handler, "client_context": own}},
    }
    client = Client(LambdaMiddleware(None, config))
    trace = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    assert client.get("/f").json == [trace, (own or {}).get("custom")]


def test_client_context_belongs_to_one_invocation() -> None:
    def handler(event: Any, context: Any) -> Any:
        context.client_context.custom["a"].append(1)
        return context.client_context.custom

    client = make_client(handler, client_context={"custom": {"a": []}})
    assert [client.get("/f").json for _ in range(2)] == [{"a": [1]}] * 2


# Errors


def test_exception_is_a_function_error() -> None:
    response = get(fail, expose_stack_trace=True)
    assert response.status_code == 200
    assert response.headers["X-Amz-Function-Error"] == "Unhandled"
    assert response.json is not None
    assert list(response.json) == ["errorMessage", "errorType", "requestId", "stackTrace"]
    assert response.json["requestId"] == response.headers["X-Amzn-RequestId"]
    (frame,) = response.json["stackTrace"]
    assert frame.endswith(', in fail\n    raise ValueError("boom")\n')


def test_exception_in_proxy_integration_is_502() -> None:
    assert get(fail, is_proxy_integration=True).status_code == 502


def test_unhandled_status_applies() -> None:
    assert get(fail, unhandled_status=500).status_code == 500


@pytest.mark.parametrize("name", ["no_such_module.handler", "sys.exit", "json.no_such_function"])
def test_loading_error_is_a_function_error(name: str) -> None:
    response = get(name)
    assert response.status_code == 200
    assert response.json is not None
    assert response.json["errorType"].startswith("Runtime.")
    assert response.headers["X-Amz-Function-Error"] == "Unhandled"


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (SystemExit(3), "Runtime exited with error: exit status 3"),
        (SystemExit(), "Runtime exited without providing a reason"),
        (KeyboardInterrupt(), "Runtime exited with error: exit status 1"),
    ],
    ids=repr,
)
def test_server_survives_the_end_of_the_runtime(end: BaseException, reason: str) -> None:
    def handler(event: Any, context: Any) -> Any:
        if event:
            raise end
        return "alive"

    client = make_client(handler)
    response = client.get("/f?a")
    request_id = response.headers["X-Amzn-RequestId"]
    assert response.json == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {request_id} Error: {reason}",
    }
    assert client.get("/f").json == "alive"


@pytest.mark.parametrize("mode", ["BUFFERED", "RESPONSE_STREAM"])
@pytest.mark.parametrize("end", ["KeyboardInterrupt", "GeneratorExit", "SystemExit(1)"])
def test_server_survives_the_end_of_the_runtime_while_loading(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, end: str, mode: str
) -> None:
    caplog.set_level(logging.INFO, "wsgi_lambda.tail")
    path = tmp_path / "app.py"
    path.write_text(f"raise {end}\n")
    client = make_client(f"{path}:handler", invoke_mode=mode, unhandled_status=500)
    response = client.get("/f")
    assert response.status_code == 500
    assert "Runtime exited with error: exit status 1" in caplog.text
    assert f"REPORT RequestId: {response.headers['X-Amzn-RequestId']}" in caplog.text
    path.write_text("def handler(event, context):\n    return b'alive'\n")
    assert client.get("/f").data == b"alive"


def test_result_over_lambdas_limit_is_a_function_error() -> None:
    limit = 6_291_556
    size = {"size": limit}

    def handler(event: Any, context: Any) -> bytes:
        return b"x" * size["size"]

    client = make_client(handler)
    assert len(client.get("/f").data) == limit
    size["size"] += 1
    response = client.get("/f")
    assert response.headers["X-Amz-Function-Error"] == "Unhandled"
    assert response.json == {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": "Response payload size exceeded maximum allowed payload size "
        "(6291556 bytes).",
    }


def test_result_over_our_limit_is_502(caplog: pytest.LogCaptureFixture) -> None:
    client = make_client(lambda event, context: b"x" * 11, max_response_size=10)
    assert client.get("/f").status_code == 502
    assert "Lambda's reply exceeds 10 bytes" in caplog.text
    assert "host in-process" in caplog.text
    assert get(lambda event, context: b"x" * 10, max_response_size=10).status_code == 200


# Thread and context


def test_handler_has_a_thread_and_an_empty_context() -> None:
    token = VARIABLE.set("of the app")

    def handler(event: Any, context: Any) -> list[Any]:
        thread = threading.current_thread()
        return [thread.daemon, thread.name, VARIABLE.get(), context.aws_request_id]

    response = get(handler)
    VARIABLE.reset(token)
    request_id = response.headers["X-Amzn-RequestId"]
    assert response.json == [True, f"orders {request_id}", "empty", request_id]


#: Options of the route, and what the handler sees.
FUNCTIONS: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "name": (
        {},
        ["orders", "$LATEST", "arn:aws:lambda:us-east-1:000000000000:function:orders", None],
    ),
    "alias": (
        {"function_name": "orders:live", "aws_region": "eu-west-1"},
        ["orders", "$LATEST", "arn:aws:lambda:eu-west-1:000000000000:function:orders:live", None],
    ),
    "version": (
        {"qualifier": "7"},
        ["orders", "7", "arn:aws:lambda:us-east-1:000000000000:function:orders:7", None],
    ),
    "arn": (
        {"function_name": "arn:aws-cn:lambda:cn-north-1:123456789012:function:orders:3"},
        ["orders", "3", "arn:aws-cn:lambda:cn-north-1:123456789012:function:orders:3", None],
    ),
    "account": (
        {"function_name": "123456789012:function:orders", "aws_region": "us-gov-east-1"},
        [
            "orders",
            "$LATEST",
            "arn:aws-us-gov:lambda:us-gov-east-1:123456789012:function:orders",
            None,
        ],
    ),
    "tenant": (
        {"tenant_id": "blue"},
        ["orders", "$LATEST", "arn:aws:lambda:us-east-1:000000000000:function:orders", "blue"],
    ),
}


@pytest.mark.parametrize(("options", "expected"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_context_describes_the_function(options: dict[str, Any], expected: list[Any]) -> None:
    def handler(event: Any, context: Any) -> list[Any]:
        assert context.log_group_name == f"/aws/lambda/{context.function_name}"
        assert context.memory_limit_in_mb == "128"
        return [
            context.function_name,
            context.function_version,
            context.invoked_function_arn,
            context.tenant_id,
        ]

    response = get(handler, **options)
    assert response.json == expected
    assert response.headers["X-Amz-Executed-Version"] == expected[1]


def test_tenant_of_a_header_reaches_the_context() -> None:
    client = make_client(lambda event, context: context.tenant_id, tenant_id="header:X-Tenant")
    assert client.get("/f", headers={"X-Tenant": "green"}).json == "green"
    assert client.get("/f").status_code == 400


def test_environment_stays_as_it_is() -> None:
    def handler(event: Any, context: Any) -> list[str]:
        import os

        return [name for name in os.environ if name.startswith(("AWS_LAMBDA", "_X_AMZN", "LAMBDA"))]

    assert get(handler).json == []


def test_breakpoint_stops_in_the_handler(monkeypatch: pytest.MonkeyPatch) -> None:
    stops: list[tuple[str, str]] = []

    def hook() -> None:
        stops.append((sys._getframe(1).f_code.co_name, threading.current_thread().name))

    def handler(event: Any, context: Any) -> None:
        breakpoint()

    monkeypatch.setattr(sys, "breakpointhook", hook)
    request_id = get(handler).headers["X-Amzn-RequestId"]
    assert stops == [("handler", f"orders {request_id}")]


# Time


def remaining(event: Any, context: Any) -> int:
    found: int = context.get_remaining_time_in_millis()
    return found


@pytest.mark.parametrize(
    ("options", "most"),
    [
        ({}, 60_000),
        ({"timeout": 5000}, 5000),
        ({"handler_timeout": 3000}, 3000),
        ({"timeout": 5000, "handler_timeout": 9000}, 5000),
    ],
)
def test_remaining_time_ends_with_the_earlier_timeout(options: dict[str, int], most: int) -> None:
    assert most - 2500 < get(remaining, **options).json <= most  # type: ignore[operator]


def test_function_times_out_by_itself(gate: Gate, caplog: pytest.LogCaptureFixture) -> None:
    response = get(gate, handler_timeout=50)
    request_id = response.headers["X-Amzn-RequestId"]
    assert response.status_code == 200
    assert response.json == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {request_id} Error: Task timed out after 0.05 seconds",
    }
    (_, warning) = (each for each in caplog.records if each.levelno == logging.WARNING)
    assert warning.getMessage().startswith("function orders is still running after a timeout")
    assert request_id in warning.getMessage()


def test_function_that_times_out_in_proxy_integration_is_504(gate: Gate) -> None:
    assert get(gate, handler_timeout=50, is_proxy_integration=True).status_code == 504


def test_deadline_of_the_route_is_504(gate: Gate, caplog: pytest.LogCaptureFixture) -> None:
    response = get(gate, timeout=50, handler_timeout=20_000)
    assert response.status_code == 504
    assert "DeadlinePassed" in caplog.text
    assert "is still running after a timeout" in caplog.text
    assert re.fullmatch(UUID, response.headers["X-Amzn-RequestId"])


def test_loading_counts_against_the_deadline_only(tmp_path: Path) -> None:
    source = "import time\ntime.sleep({})\ndef handler(event, context): return 'in time'\n"
    (tmp_path / "slow.py").write_text(source.format(0.3))
    (tmp_path / "hangs.py").write_text(source.format(1))
    assert get(f"{tmp_path}/slow.py:handler", handler_timeout=200).json == "in time"
    assert get(f"{tmp_path}/hangs.py:handler", timeout=50, handler_timeout=40).status_code == 504


def test_result_after_a_timeout_is_dropped(gate: Gate) -> None:
    client = make_client(gate, handler_timeout=50)
    assert client.get("/f").json["errorType"] == "Sandbox.Timedout"  # type: ignore[index]
    gate.opened.set()
    assert client.get("/f").json == "done"


# Turns


def test_one_invocation_runs_at_a_time(gate: Gate) -> None:
    threads = in_threads(make_client(gate), 3)
    assert gate.entered.acquire(timeout=20)
    assert not gate.entered.acquire(timeout=0.05)
    gate.opened.set()
    assert [response.json for response in responses(threads)] == ["done"] * 3
    assert (gate.most, gate.runs) == (1, 3)


def test_handler_concurrency_is_the_limit(gate: Gate) -> None:
    threads = in_threads(make_client(gate, handler_concurrency=2), 4)
    assert gate.entered.acquire(timeout=20)
    assert gate.entered.acquire(timeout=20)
    assert not gate.entered.acquire(timeout=0.05)
    gate.opened.set()
    responses(threads)
    assert (gate.most, gate.runs) == (2, 4)


def test_routes_with_the_same_handler_share_the_smallest_limit(gate: Gate) -> None:
    route = {"function_name": "orders", "handler": gate}
    routes = {
        "/a": {**route, "handler_concurrency": 5},
        "/b": {**route, "handler_concurrency": 1},
        "/c": {**route, "handler_concurrency": 9},
    }
    client = Client(LambdaMiddleware(None, {"local": True, "routes": routes}))
    threads = [thread for path in routes for thread in in_threads(client, 1, path)]
    assert gate.entered.acquire(timeout=20)
    assert not gate.entered.acquire(timeout=0.05)
    gate.opened.set()
    responses(threads)
    assert (gate.most, gate.runs) == (1, 3)


def test_routes_with_a_method_of_the_same_object_share_the_limit(gate: Gate) -> None:
    routes = {path: {"function_name": "f", "handler": gate.handle} for path in ("/a", "/b")}
    routes["/other"] = {"function_name": "f", "handler": Gate().count}
    client = Client(LambdaMiddleware(None, {"local": True, "routes": routes}))
    threads = [thread for path in ("/a", "/b") for thread in in_threads(client, 1, path)]
    assert gate.entered.acquire(timeout=20)
    assert not gate.entered.acquire(timeout=0.05)
    assert client.get("/other").json == 0
    gate.opened.set()
    responses(threads)
    assert (gate.most, gate.runs) == (1, 2)


def test_names_of_one_handler_are_equal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "src").mkdir()
    for name in ("counted", "counted_file"):
        (tmp_path / "src" / f"{name}.py").write_text(
            "import threading\nbusy = threading.Lock()\n"
            "def handler(event, context):\n"
            "    with_lock = busy.acquire(blocking=False)\n"
            "    threading.Event().wait(0.05)\n"
            "    with_lock and busy.release()\n"
            "    return with_lock\n"
        )
    names = ["src.counted.handler", "src/counted.handler", "src.counted:handler"]
    files = ["src/counted_file.py:handler", f"{tmp_path}/src/counted_file.py:handler"]
    for group in (names, files):
        routes = {
            f"/{number}": {"function_name": "f", "handler": name}
            for number, name in enumerate(group)
        }
        client = Client(LambdaMiddleware(None, {"local": True, "routes": routes}))
        threads = [thread for path in routes for thread in in_threads(client, 1, path)]
        assert {response.json for response in responses(threads)} == {True}
    for name in [name for name in sys.modules if "counted" in name or name == "src"]:
        del sys.modules[name]


def test_waiting_counts_against_the_deadline(gate: Gate, caplog: pytest.LogCaptureFixture) -> None:
    route = {"function_name": "orders", "handler": gate}
    routes = {"/f": route, "/impatient": {**route, "timeout": 50}}
    client = Client(LambdaMiddleware(None, {"local": True, "routes": routes}))
    (first,) = in_threads(client, 1)
    assert gate.entered.acquire(timeout=20)
    assert client.get("/impatient").status_code == 504
    assert "handler_concurrency is 1" in caplog.text
    gate.opened.set()
    responses([first])
    assert gate.runs == 1


def test_waiting_does_not_count_against_the_own_timeout(gate: Gate) -> None:
    threads = in_threads(make_client(gate, handler_timeout=10_000), 1)
    assert gate.entered.acquire(timeout=20)
    seen: list[int] = []

    def late(event: Any, context: Any) -> None:
        seen.append(context.get_remaining_time_in_millis())

    gate.opened.set()
    responses(threads)
    get(late, handler_timeout=10_000)
    assert seen[0] > 8000


@pytest.mark.parametrize("name", ["timeout", "handler_timeout"])
def test_handler_that_hangs_does_not_block_the_next_one(gate: Gate, name: str) -> None:
    client = make_client(gate, **{name: 100})
    for expected in (1, 2):
        response = client.get("/f")
        assert response.status_code in (200, 504)
        assert gate.runs == expected


def test_handler_that_requests_its_own_route_needs_two_turns() -> None:
    clients: list[Client] = []

    def handler(event: Any, context: Any) -> Any:
        return clients[0].get("/f").json if event else "inner"

    clients.append(make_client(handler, handler_concurrency=2))
    assert clients[0].get("/f?outer").json == "inner"


def test_max_concurrency_rejects_the_surplus(gate: Gate) -> None:
    client = make_client(gate, max_concurrency=1)
    threads = in_threads(client, 1)
    assert gate.entered.acquire(timeout=20)
    surplus = client.get("/f")
    assert (surplus.status_code, surplus.headers["Retry-After"]) == (503, "1")
    gate.opened.set()
    assert responses(threads)[0].json == "done"


def test_process_without_another_thread_is_503(monkeypatch: pytest.MonkeyPatch) -> None:
    client = make_client(echo)

    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        assert client.get("/f").status_code == 503
    assert client.get("/f").status_code == 200


# Events and dry runs


def test_event_runs_in_the_background_once(gate: Gate) -> None:
    response = get(gate, invocation_type="Event")
    assert (response.status_code, response.data) == (202, b"")
    assert re.fullmatch(UUID, response.headers["X-Amzn-RequestId"])
    assert "X-Amz-Log-Result" not in response.headers
    assert gate.entered.acquire(timeout=20)
    gate.opened.set()
    assert not gate.entered.acquire(timeout=0.05)


def wait_for(caplog: pytest.LogCaptureFixture, level: int) -> str:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        for record in caplog.records:
            if record.levelno == level:
                return record.getMessage()
        time.sleep(0.005)
    raise AssertionError(caplog.text)


def test_error_of_an_event_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    request_id = get(fail, invocation_type="Event").headers["X-Amzn-RequestId"]
    message = wait_for(caplog, logging.ERROR)
    assert message.startswith(f"function orders: an Event failed, request {request_id}: ")
    assert '"errorType": "ValueError"' in message


def test_event_that_times_out_is_logged(gate: Gate, caplog: pytest.LogCaptureFixture) -> None:
    get(gate, invocation_type="Event", handler_timeout=20)
    assert "Task timed out" in wait_for(caplog, logging.ERROR)
    assert "is still running after a timeout" in caplog.text


def test_event_that_runs_on_is_logged(gate: Gate, caplog: pytest.LogCaptureFixture) -> None:
    client = make_client(gate, invocation_type="Event", timeout=20)
    caplog.clear()
    client.get("/f")
    wait_for(caplog, logging.WARNING)
    # It has given up its turn.
    client.get("/f")
    assert gate.entered.acquire(timeout=20)
    assert gate.entered.acquire(timeout=20)


def test_event_without_another_thread_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    start = threading.Thread.start
    started: list[str] = []

    def one(self: threading.Thread) -> None:
        if started:
            raise RuntimeError("can't start new thread")
        started.append(self.name)
        start(self)

    client = make_client(echo, invocation_type="Event")
    monkeypatch.setattr(threading.Thread, "start", one)
    assert client.get("/f").status_code == 202
    assert "cannot start a thread" in wait_for(caplog, logging.ERROR)


def test_dry_run_neither_loads_nor_runs() -> None:
    response = get("no_such_module.handler", invocation_type="DryRun")
    assert (response.status_code, response.data) == (204, b"")
    assert re.fullmatch(UUID, response.headers["X-Amzn-RequestId"])


# Headers and log


def test_trace_of_the_request_is_that_of_the_reply() -> None:
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793"
    response = make_client(echo).get("/f", headers={"X-Amzn-Trace-Id": trace})
    assert response.headers["X-Amzn-Trace-Id"].startswith(trace)


def tail(handler: Handler, count: int = 1) -> list[str]:
    """Return the lines of the log of the last one of ``count`` invocations."""
    client = make_client(handler, expose_log_result=True)
    for _ in range(count):
        encoded = client.get("/f").headers["X-Amz-Log-Result"]
    return base64.b64decode(encoded).decode().splitlines()


def test_log_has_a_report(capsys: pytest.CaptureFixture[str]) -> None:
    def handler(event: Any, context: Any) -> None:
        print("printed")

    start, end, report = tail(handler)
    request_id = start.split()[2]
    assert start == f"START RequestId: {request_id} Version: $LATEST"
    assert end == f"END RequestId: {request_id}"
    assert re.fullmatch(
        rf"REPORT RequestId: {request_id}\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\t"
        r"Memory Size: 128 MB\tMax Memory Used: 128 MB\tInit Duration: \d+\.\d\d ms\t",
        report,
    )
    assert capsys.readouterr().out == "printed\n"


def test_second_log_has_no_init() -> None:
    assert "Init Duration" not in tail(echo, 2)[-1]


def test_log_has_the_error() -> None:
    lines = tail(fail)
    assert lines[1:3] == ["[ERROR] ValueError: boom", "Traceback (most recent call last):"]
    assert lines[4] == '\xa0\xa0\xa0\xa0raise ValueError("boom")'


def test_frames_are_indented_in_the_log_of_the_app(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "wsgi_lambda.tail")
    get(fail)
    (record,) = (each for each in caplog.records if each.name == "wsgi_lambda.tail")
    assert '\n        raise ValueError("boom")\n' in record.getMessage()


def test_log_is_not_sent_without_tail() -> None:
    response = get(echo, log_type="None", expose_log_result=True)
    assert "X-Amz-Log-Result" not in response.headers
    assert "X-Amz-Log-Result" in get(echo, expose_log_result=True).headers


# Options in front of the invocation


def test_authorize_and_limits_hold_as_in_production() -> None:
    from werkzeug.wrappers import Response

    refused = get(echo, authorize=lambda request: Response("no", 401))
    assert refused.status_code == 401
    client = make_client(echo, max_payload_size=20)
    assert client.post("/f", json={"a": "x" * 20}).status_code == 413


def test_options_of_the_network_have_no_effect() -> None:
    options = {"proxy_url": "http://proxy.test", "retries": 3, "keepalive": 0, "host": "h.test"}
    assert get(echo, **options).status_code == 200


def test_handler_is_ignored_without_local_mode() -> None:
    config = {"routes": {"/f": {"function_name": "f", "handler": echo, "aws_region": "us-east-1"}}}
    app = LambdaMiddleware(None, config)
    assert Client(app).get("/f").status_code == 500  # no credentials


def test_json_of_an_error_of_the_platform_has_no_blanks(gate: Gate) -> None:
    response = get(gate, handler_timeout=20)
    assert response.data.startswith(b'{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: ')
    assert json.loads(response.data)


def test_named_function_runs_here() -> None:
    functions = {"pay": {"function_name": "payments:live", "handler": echo}}
    dispatcher = Dispatcher({"local": True, "functions": functions})
    result = dispatcher.invoke(dispatcher["pay"], b'{"order": 7}')
    assert (result.status, result.json) == (200, {"order": 7})
    assert "REPORT RequestId: " in result.log


def record_of(caplog: pytest.LogCaptureFixture, handler: Handler, **options: Any) -> Any:
    caplog.set_level(logging.INFO, "wsgi_lambda.access")
    get(handler, **options)
    (record,) = (each for each in caplog.records if each.name == "wsgi_lambda.access")
    return record


def test_record_is_that_of_production(caplog: pytest.LogCaptureFixture) -> None:
    record = record_of(caplog, echo)
    assert (record.lambda_endpoint, record.attempts, record.is_reused) == ("in-process", 1, None)
    assert (record.outcome, record.status, record.lambda_status) == ("ok", 200, 200)
    assert (record.is_cold, record.memory_mb, record.executed_version) == (True, 128, "$LATEST")
    assert record.function_ms <= record.duration_ms <= record.total_ms
    assert re.fullmatch(UUID, record.aws_request_id)
    assert record.xray_trace_id.startswith("1-")


@pytest.mark.parametrize(
    ("options", "outcome"),
    [
        ({"handler_timeout": 20}, "function_timeout"),
        ({"timeout": 20}, "deadline_exceeded"),
        ({"max_response_size": 1}, "invalid_result"),
    ],
)
def test_record_names_the_outcome(
    caplog: pytest.LogCaptureFixture, gate: Gate, options: dict[str, int], outcome: str
) -> None:
    if "max_response_size" in options:
        gate.opened.set()
    assert record_of(caplog, gate, **options).outcome == outcome


def test_wait_for_a_turn_is_part_of_the_duration(
    caplog: pytest.LogCaptureFixture, gate: Gate
) -> None:
    caplog.set_level(logging.INFO, "wsgi_lambda.access")
    client = make_client(gate)
    threads = in_threads(client, 2)
    assert gate.entered.acquire(timeout=20)
    end = time.monotonic() + 20
    while snapshot(client.application)["routes"][0]["in_flight"] < 2 and time.monotonic() < end:
        time.sleep(0.005)
    time.sleep(0.1)  # both requests are there; the second one waits now
    gate.opened.set()
    responses(threads)
    found: list[Any] = [each for each in caplog.records if each.name == "wsgi_lambda.access"]
    # The order of the lines is not that of the turns.
    assert max(each.duration_ms - each.function_ms for each in found) > 90
