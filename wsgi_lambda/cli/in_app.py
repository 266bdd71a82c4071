"""The commands of an app: `flask lambda …` and `manage.py lambda_…`.

They do what `wsgi-lambda` does, for the configuration of the app that runs them.
"""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable, Iterable
from contextlib import closing

from wsgi_lambda.cli.check import check_routes
from wsgi_lambda.cli.console import complain
from wsgi_lambda.cli.invoke import log_on_standard_error, pretty, read_data, show_response
from wsgi_lambda.cli.routes import print_routes as print_routes
from wsgi_lambda.dispatcher import Dispatcher
from wsgi_lambda.errors import LambdaError

#: Sends a request through the app: path, method and JSON in, status line, headers and body out.
Send = Callable[[str, str, bytes], tuple[str, Iterable[tuple[str, str]], Iterable[bytes]]]


def check(dispatcher: Dispatcher, findings: Iterable[str]) -> int:
    """Print ``findings`` and a DryRun of each route and function; return 1 if any failed."""
    found = list(findings)
    for finding in found:
        print(f"FAIL {finding}")
    if not dispatcher.routes:
        complain("no routes and no functions")
        return 1
    with closing(dispatcher.connections):
        failed = check_routes(dispatcher.routes, dispatcher.connections)
    return 1 if found else failed


def invoke(dispatcher: Dispatcher, name: str, data: str | None, send: Send) -> int:
    """Invoke a named function, or send a request for a path through the app; print what comes back.

    ``data`` is JSON, or the name of a file behind ``@``. Returns 1 for a failure.
    """
    try:
        payload = b"{}" if data is None else read_data(data)
    except ArgumentTypeError as error:
        complain(str(error))
        return 1
    with closing(dispatcher.connections), log_on_standard_error():
        if not name.startswith("/"):
            return _invoke_function(dispatcher, name, payload)
        method = "GET" if data is None else "POST"
        status, headers, body = send(name, method, b"" if data is None else payload)
        return show_response(status, headers, body)


def _invoke_function(dispatcher: Dispatcher, name: str, payload: bytes) -> int:
    try:
        backend = dispatcher[name]
    except LookupError as error:
        complain(str(error))
        return 1
    try:
        event = pretty(payload)
    except ValueError as error:
        complain(f"the event is not JSON: {error}")
        return 1
    target = backend.route.target
    print(f"> {target.function_name}, {target.aws_region}, {backend.route.endpoint}")
    print(event)
    try:
        result = dispatcher.invoke(backend, payload)
    except LambdaError:  # the log contains the cause
        return 1
    headers = [("X-Amzn-RequestId", result.request_id)]
    return show_response(str(result.status), headers, [result.body])
