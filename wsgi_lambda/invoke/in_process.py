"""Invoke a handler in this process instead of Lambda: local mode."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable
from functools import partial

from wsgi_lambda.delivery import InThisProcess
from wsgi_lambda.errors import DeadlinePassed, LambdaError, TooManyInvocations
from wsgi_lambda.invoke import Invocation
from wsgi_lambda.invoke.client import too_large
from wsgi_lambda.invoke.connections import Connections
from wsgi_lambda.invoke.invoked_function import InvokedFunction, log_event_error
from wsgi_lambda.invoke.local_stream import LocalStream
from wsgi_lambda.invoke.named_handler import Named, key_of, loader_of, source_of
from wsgi_lambda.invoke.reply import Reply, StreamedReply
from wsgi_lambda.invoke.turns import Turn, Turns
from wsgi_lambda.local_runtime.context import LambdaContext
from wsgi_lambda.local_runtime.faults import Outcome, within_limit
from wsgi_lambda.local_runtime.run import Environment, log_result
from wsgi_lambda.local_runtime.stream import StreamedRun
from wsgi_lambda.local_runtime.threads import ThreadedRun
from wsgi_lambda.local_runtime.watching import LoadedFiles
from wsgi_lambda.local_runtime.workers import Workers
from wsgi_lambda.options import Route

log = logging.getLogger("wsgi_lambda")


class InProcess:
    """The Invoker of a route whose handler runs in this process.

    The handler gets a thread of its own with an empty context, because in Lambda it
    sees nothing of the app either. After a timeout the thread runs on, and its
    result is dropped. A stream is returned as soon as its handler has been started.
    `invoke` raises `DeadlinePassed`, `TooManyInvocations`, and `LambdaError` for a
    result over `max_response_size`.
    """

    def __init__(self, route: Route, connections: Connections) -> None:
        self.route = route
        self.connections = connections
        named = route.local.handler
        self._files = connections.shared("loaded files", LoadedFiles)
        # The handlers of one module share its thread, too.
        self._workers = connections.shared(("workers", *source_of(named)), Workers)
        self._shared = connections.shared(key_of(named), lambda: _Shared(named, self._files))
        self._shared.turns.limit_to(route.local.handler_concurrency)
        self._function = InvokedFunction.of(route.target)
        target = route.target
        self._streams = (target.invoke_mode, target.invocation_type) == (
            "RESPONSE_STREAM",
            "RequestResponse",
        )

    def invoke(self, invocation: Invocation) -> Reply:
        """Return the reply to ``invocation``, within the `timeout` of the route."""
        delivery = invocation.delivery
        delivery.started = time.monotonic()
        deadline = delivery.started + self.route.target.timeout
        self._files.report_changes()
        if self._streams and invocation.may_stream:
            return self._stream(invocation, deadline)
        delivery.last = InThisProcess()
        try:
            return self._reply(invocation, deadline)
        finally:
            delivery.ended = time.monotonic()

    def _reply(self, invocation: Invocation, deadline: float) -> Reply:
        request_id = str(uuid.uuid4())
        headers = _headers(invocation, request_id, "application/json")
        kind = self.route.target.invocation_type
        if kind == "DryRun":
            return Reply(204, tuple(headers), b"")
        if kind == "Event":
            work = partial(self._run_event, invocation, request_id)
            name = self._thread_name(request_id)
            _start(threading.Thread(target=work, name=name, daemon=True).start)
            return Reply(202, tuple(headers), b"")
        outcome, log_text = self._run(invocation, request_id, deadline)
        error = "Unhandled" if outcome.error_type else ""
        log_tail = log_result(log_text) if self.route.target.log_type == "Tail" else ""
        headers += self._function.reply_headers(error, log_tail)
        return Reply(200, tuple(headers), outcome.body)

    def _stream(self, invocation: Invocation, deadline: float) -> StreamedReply:
        """Start the handler, and return its stream, whose reader learns of failures."""
        request_id = str(uuid.uuid4())
        invocation.delivery.last = InThisProcess()
        run = self._start_stream(invocation, request_id, deadline)
        stream = LocalStream(
            run,
            self.route,
            request_id,
            self._function.version,
            deadline=deadline,
            delivery=invocation.delivery,
        )
        headers = _headers(invocation, request_id, "application/vnd.amazon.eventstream")
        headers += self._function.reply_headers("", "")
        return StreamedReply(tuple(headers), stream)

    def _start_stream(
        self, invocation: Invocation, request_id: str, deadline: float
    ) -> StreamedRun:
        turns = self._shared.turns
        turn = turns.take(deadline)
        run = StreamedRun(
            self._shared.environment,
            invocation.payload,
            self._make_context(invocation, request_id),
            request_id,
            deadline=deadline,
            limit=self.route.local.handler_timeout,
            turn=turn,
            take_turn=turns.take,
        )
        self._start_thread(run.start, request_id, turn)
        return run

    def _run(self, invocation: Invocation, request_id: str, deadline: float) -> tuple[Outcome, str]:
        """Return the outcome of the handler, and its log."""
        run = self._start_handler(invocation, request_id, deadline)
        outcome = self._wait(run, request_id)
        if outcome is None:
            raise DeadlinePassed(detail="the handler is still running", request_id=request_id)
        outcome = within_limit(outcome)
        limit = self.route.response.max_response_size
        if len(outcome.body) > limit:
            raise too_large(limit, request_id)
        return outcome, run.write_log(self._function.version, outcome)

    def _run_event(self, invocation: Invocation, request_id: str) -> None:
        try:
            outcome = self._wait(self._start_handler(invocation, request_id), request_id)
        except LambdaError as error:
            log_event_error(self._function.name, request_id, error.detail)
        else:
            if outcome is not None and outcome.error_type:
                text = outcome.body.decode(errors="replace")
                log_event_error(self._function.name, request_id, text)

    def _start_handler(
        self, invocation: Invocation, request_id: str, deadline: float | None = None
    ) -> ThreadedRun:
        """Start the handler when it is its turn; without ``deadline`` the `timeout` begins then."""
        shared, timeout = self._shared, self.route.target.timeout
        turn = shared.turns.take() if deadline is None else shared.turns.take(deadline)
        run = ThreadedRun(
            shared.environment,
            invocation.payload,
            self._make_context(invocation, request_id),
            request_id,
            deadline=time.monotonic() + timeout if deadline is None else deadline,
            limit=self.route.local.handler_timeout,
            release=turn.release,
        )
        self._start_thread(run.start, request_id, turn)
        return run

    def _start_thread(
        self, start: Callable[[Workers, str], None], request_id: str, turn: Turn
    ) -> None:
        try:
            _start(partial(start, self._workers, self._thread_name(request_id)))
        except TooManyInvocations:
            turn.release()
            raise

    def _make_context(
        self, invocation: Invocation, request_id: str
    ) -> Callable[..., LambdaContext]:
        given = invocation.headers
        context = self._function.context(
            request_id, given.get("X-Amz-Tenant-Id"), given.get("X-Amz-Client-Context")
        )
        return partial(LambdaContext, **context)

    def _wait(self, run: ThreadedRun, request_id: str) -> Outcome | None:
        """Return the outcome of the handler, or None if `timeout` has passed."""
        outcome = run.wait()
        if run.is_running:
            log.warning(
                "function %s is still running after a timeout, because a thread cannot be stopped; "
                "its result will be dropped (request %s)",
                self._function.name,
                request_id,
            )
        return outcome

    def _thread_name(self, request_id: str) -> str:
        return f"{self._function.name} {request_id}"


class _Shared:
    """A handler and its turns, which all routes that name it share."""

    def __init__(self, named: Named, files: LoadedFiles) -> None:
        self.environment = Environment(partial(files.load, loader_of(named)))
        self.turns = Turns()


def _headers(invocation: Invocation, request_id: str, media_type: str) -> list[tuple[str, str]]:
    return [
        ("Content-Type", media_type),
        ("X-Amzn-RequestId", request_id),
        *(pair for pair in invocation.headers.items() if pair[0] == "X-Amzn-Trace-Id"),
    ]


def _start(start: Callable[[], None]) -> None:
    try:
        start()
    except RuntimeError as error:
        raise TooManyInvocations(detail=f"cannot start a thread: {error}") from error
