"""wsgi-lambda invoke: print one request's event and its response."""

from __future__ import annotations

import argparse
import json
import logging
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from wsgi_lambda.cli.console import complain, describe, load_named
from wsgi_lambda.cli.sample_request import make_environ
from wsgi_lambda.dispatcher import Dispatcher
from wsgi_lambda.errors import LambdaError, StreamCutOff
from wsgi_lambda.event import EventBuilder
from wsgi_lambda.header_syntax import is_token
from wsgi_lambda.invoke import Invocation, Invoker
from wsgi_lambda.invoke.reply import Reply
from wsgi_lambda.options import Route
from wsgi_lambda.printable import printable
from wsgi_lambda.request import Request
from wsgi_lambda.response.wsgi import finish

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


class Shown:
    """An Invoker that prints each event before another one invokes the function."""

    def __init__(self, route: Route, invoker: Invoker) -> None:
        self._route = route
        self._invoker = invoker

    def invoke(self, invocation: Invocation) -> Reply:
        """Print the event, then invoke the function."""
        target = self._route.target
        print(f"> {target.function_name}, {target.aws_region}, {self._route.endpoint}")
        print(pretty(invocation.payload))
        return self._invoker.invoke(invocation)


def run_invoke(given: argparse.Namespace) -> int:
    """Print the event and the response of one request; return 1 for a status from 500 on."""
    try:
        environ = make_environ(
            given.path, given.method, headers=given.header, body=given.data, user=given.user
        )
    except ValueError:
        complain(f"{given.path}: invalid path or query")
        return 2
    dispatcher = Dispatcher(load_named(given.file), around=Shown)
    backend = dispatcher.find(environ)
    if backend is None:
        complain(f"{given.path}: no route, the app gets it")
        return 1
    if given.event and backend.route is not None:
        return _print_event(backend.route, environ)
    with closing(dispatcher.connections), log_on_standard_error():
        response = dispatcher.respond(backend, Request(environ))
        return show_response(*finish(response, environ["REQUEST_METHOD"]))


def _print_event(route: Route, environ: WSGIEnvironment) -> int:
    try:
        print(pretty(EventBuilder(route).build(Request(environ))))
    except LambdaError as error:
        complain(describe(error))
        return 1
    return 0


def show_response(status: str, headers: Iterable[tuple[str, str]], body: Iterable[bytes]) -> int:
    """Print a response: ``show_response("200 OK", [("Content-Type", "text/plain")], [b"ok"])``.

    Returns 1 for a status from 500 on, and for a stream that is cut off, else 0.
    """
    print(f"< {status}")
    print("".join(f"< {name}: {printable(value)}\n" for name, value in headers), flush=True)
    try:
        for block in body:
            sys.stdout.buffer.write(block)
            sys.stdout.flush()
    except StreamCutOff:  # the log contains the cause
        return 1
    finally:
        print(flush=True)
    return 1 if status.startswith("5") else 0


@contextmanager
def log_on_standard_error() -> Iterator[None]:
    """Write failures and the end of the function's own log to standard error."""
    log, handler = logging.getLogger("wsgi_lambda"), logging.StreamHandler(sys.stderr)
    level = log.level
    # Lines about a success would only repeat what standard output shows.
    handler.addFilter(
        lambda record: record.levelno >= logging.WARNING or record.name == "wsgi_lambda.tail"
    )
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)


def read_header(text: str) -> tuple[str, str]:
    """Parse ``NAME: VALUE`` of the command line."""
    name, colon, value = text.partition(":")
    if not colon or not is_token(name.strip()):
        raise argparse.ArgumentTypeError("must be NAME: VALUE")
    if re.search(r"[\0\r\n]", value):
        raise argparse.ArgumentTypeError("the value must be one line")
    return name.strip().title(), value.strip()


def read_method(text: str) -> str:
    """Return the method of the command line."""
    if not is_token(text):
        raise argparse.ArgumentTypeError("must be a method such as POST")
    return text


def read_data(text: str) -> bytes:
    """Return the bytes of a text, or of the file that ``@FILE`` names."""
    if not text.startswith("@"):
        return os.fsencode(text)
    try:
        return Path(text[1:]).read_bytes()
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{text[1:]}: {error.strerror}") from error


def pretty(payload: bytes) -> str:
    """Return JSON with one value on each line."""
    return json.dumps(json.loads(payload), indent=2, ensure_ascii=False)
