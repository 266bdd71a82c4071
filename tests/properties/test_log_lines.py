"""Foreign text in any field gives exactly the log records that the product means to write."""

from __future__ import annotations

import base64
import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import defaults
from tests.servers.event_stream import chunk, complete, event, exception, stream
from tests.servers.lambda_server import LambdaServer
from wsgi_lambda.dispatcher import Dispatcher
from wsgi_lambda.errors import StreamCutOff
from wsgi_lambda.invoke import Invocation
from wsgi_lambda.invoke.reply import Reply
from wsgi_lambda.request import Request

#: A logger and a level.
Line = tuple[str, str]

TAIL, ACCESS = ("wsgi_lambda.tail", "INFO"), ("wsgi_lambda.access", "INFO")
WARNING, ERROR = ("wsgi_lambda", "WARNING"), ("wsgi_lambda", "ERROR")

#: Text that looks like another record, commands a terminal, or stands in a template.
FORGERIES = ["\nERROR forged", "\r", "\x1b[2J", "\u202e", "\u2028", "\x85", "\xa0", "%s", "%", "\0"]
TEXT = st.lists(st.sampled_from(FORGERIES) | st.text(max_size=8), max_size=4).map("".join)
UNICODE = TEXT.map(lambda text: text.encode(errors="replace").decode())
#: The text of a WSGI environ or a header: bytes in latin-1.
WSGI = (UNICODE.map(str.encode) | st.binary(max_size=12)).map(lambda data: data.decode("latin-1"))
HEADER = WSGI | TEXT
LOG = WSGI.map(lambda text: base64.b64encode(text.encode("latin-1")).decode()) | HEADER

ENVIRON = st.fixed_dictionaries(
    {
        "REQUEST_METHOD": st.sampled_from(["GET", "HEAD", "POST"]) | WSGI,
        "PATH_INFO": WSGI,
        "CONTENT_TYPE": WSGI
        | st.sampled_from(["application/json", "multipart/form-data"])
        | st.builds("application/x-www-form-urlencoded; {}".format, WSGI),
        "body": st.binary(max_size=20),
    },
    optional={
        "QUERY_STRING": WSGI,
        "REMOTE_USER": WSGI,
        "REMOTE_ADDR": WSGI,
        "HTTP_USER_AGENT": WSGI,
        "HTTP_X_AMZN_TRACE_ID": WSGI,
        "HTTP_TRACEPARENT": WSGI,
        "HTTP_X_TENANT": WSGI | st.just("t-1"),
        "HTTP_HOST": WSGI,
    },
)
REPLIES = st.builds(
    lambda status, headers, body: Reply(status, tuple(headers.items()), body),
    st.sampled_from([200, 200, 200, 400, 403, 404, 413, 429, 500, 503]),
    st.fixed_dictionaries(
        {},
        optional={
            "x-amzn-RequestId": HEADER,
            "x-amzn-ErrorType": HEADER,
            "X-Amz-Function-Error": HEADER,
            "X-Amz-Log-Result": LOG,
            "X-Amz-Executed-Version": HEADER,
            "Retry-After": HEADER,
            "Content-Type": HEADER,
        },
    ),
    st.builds(
        lambda fields: json.dumps(fields).encode(),
        st.fixed_dictionaries({"__type": TEXT, "message": TEXT})
        | st.fixed_dictionaries({"errorType": TEXT, "errorMessage": TEXT})
        | st.fixed_dictionaries(
            {"statusCode": st.just(200) | TEXT, "headers": st.dictionaries(TEXT, TEXT, max_size=2)}
        )
        | st.fixed_dictionaries({"statusCode": st.just(200), "cookies": st.lists(TEXT), "x": TEXT}),
    )
    | TEXT.map(lambda text: text.encode(errors="surrogatepass"))
    | st.binary(max_size=20),
)


class Canned:
    """Returns the reply that the test has generated."""

    reply = Reply(200, (), b"{}")

    def invoke(self, invocation: Invocation) -> Reply:
        return self.reply


@cache
def canned(*options: str) -> tuple[Dispatcher, Canned]:
    """Return a dispatcher whose only route gets its replies from the second value."""
    invoker = Canned()
    route = {"function_name": "f", **dict.fromkeys(options, True), "tenant_id": "header:X-Tenant"}
    if not options:
        del route["tenant_id"]
    config = {"aws_region": "us-east-1", "failure_log_limit": None, "routes": {"/": route}}
    return Dispatcher(config, around=lambda route, _: invoker), invoker


KINDS = st.sampled_from([(), ("is_proxy_integration",), ("awsgateway_compatible",)])


@contextmanager
def records() -> Iterator[list[logging.LogRecord]]:
    found: list[logging.LogRecord] = []
    handler, log = logging.Handler(), logging.getLogger("wsgi_lambda")
    handler.emit = found.append  # type: ignore[assignment]
    level = log.level
    log.setLevel(logging.INFO)
    log.addHandler(handler)
    try:
        yield found
    finally:
        log.removeHandler(handler)
        log.setLevel(level)


def exchange(dispatcher: Dispatcher, environ: dict[str, Any]) -> int:
    """Send a request, read the whole response, and return its status."""
    body = environ.pop("body", b"")
    request = Request(
        {
            "wsgi.url_scheme": "http",
            "SERVER_NAME": "a.test",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            **environ,
        }
    )
    response = dispatcher.respond(dispatcher.find(request.environ) or dispatcher.no_route, request)
    with suppress(StreamCutOff):
        for _ in response.body:
            pass
    getattr(response.body, "close", int)()
    return response.status


def check(found: list[logging.LogRecord], expected: list[Line]) -> None:
    """The records are the expected ones, and their text contains nothing but printable lines."""
    assert [(record.name, record.levelname) for record in found] == expected
    for record in found:
        first, *rest = record.getMessage().split("\n")
        assert first.isprintable()
        if record.name == "wsgi_lambda.tail":
            assert rest
            assert all(line.startswith("    ") for line in rest)
            rest = [line.replace("\t", "") for line in rest]
            assert all(map(str.isprintable, rest))
        else:
            assert not rest
        # A formatter sets the message.
        extra = vars(record).keys() - vars(logging.makeLogRecord({})).keys() - {"message"}
        for name in extra:
            assert str(getattr(record, name)).isprintable(), name


@given(environ=ENVIRON, kind=KINDS)
def test_text_of_a_client(environ: dict[str, Any], kind: tuple[str, ...]) -> None:
    dispatcher, invoker = canned(*kind)
    invoker.reply = Reply(200, (), b'{"statusCode": 200}')
    has_route = "\0" not in environ["PATH_INFO"]
    with records() as found:
        status = exchange(dispatcher, environ)
    lines = [] if status == 200 else [WARNING if status < 500 else ERROR]
    # A body that is not in the event is logged, whether or not the request fails later.
    ignored = [each for each in found if "is not in the event" in str(each.msg)]
    assert len(ignored) <= 1
    check(found, [WARNING] * len(ignored) + lines + [ACCESS] * has_route)


@given(reply=REPLIES, kind=KINDS)
def test_text_of_a_reply(reply: Reply, kind: tuple[str, ...]) -> None:
    dispatcher, invoker = canned(*kind)
    invoker.reply = reply
    with records() as found:
        request = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_X_TENANT": "t-1"}
        status = exchange(dispatcher, request)
    lines = [] if status == 200 else [WARNING if status < 500 else ERROR]
    if reply.is_success and reply.header("x-amz-function-error"):
        lines = [ERROR]
    check(found, lines + [TAIL] * bool(reply.header("x-amz-log-result")) + [ACCESS])


BEGINNINGS = st.sampled_from([[], [chunk(b"tea")]])
ENDINGS = st.sampled_from(["complete", "exception", "malformed"])


def test_text_of_a_stream(lambda_server: LambdaServer) -> None:
    route = {"function_name": "f", "invoke_mode": "RESPONSE_STREAM"}
    config = defaults(lambda_server, failure_log_limit=None, routes={"/": route})
    dispatcher = Dispatcher(config)
    lambda_server.script(stream(complete()))
    # The first request logs where the credentials come from.
    exchange(dispatcher, {"REQUEST_METHOD": "GET", "PATH_INFO": "/"})

    @given(begin=BEGINNINGS, code=UNICODE, details=UNICODE, log=UNICODE, end=ENDINGS)
    def run(begin: list[bytes], code: str, details: str, log: str, end: str) -> None:
        last = {
            "complete": complete(code, details, log),
            "exception": exception(code, details.encode()),
            "malformed": event("InvokeComplete", details.encode() + b"\n"),
        }[end]
        lambda_server.script(stream(*begin, last))
        with records() as found:
            exchange(dispatcher, {"REQUEST_METHOD": "GET", "PATH_INFO": "/"})
        is_whole = end == "complete"
        lines = [] if is_whole and not code else [ERROR]
        check(found, lines + [TAIL] * (is_whole and bool(log)) + [ACCESS])

    run()
