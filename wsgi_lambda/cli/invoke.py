"""wsgi-lambda invoke: print one request's event and its response."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from wsgi_lambda.cli.console import complain
from wsgi_lambda.cli.sample_request import (
    Shown,
    endpoint,
    invoke,
    log_on_standard_error,
    make_environ,
    make_event,
    told,
)
from wsgi_lambda.config import read_routes
from wsgi_lambda.config.files import load_setting
from wsgi_lambda.errors import LambdaError
from wsgi_lambda.options import Route
from wsgi_lambda.routing import RouteTable


def run_invoke(given: argparse.Namespace) -> int:
    environ = make_environ(
        given.path, given.method, headers=given.header, body=given.data, user=given.user
    )
    config = load_setting(given.file)
    route = RouteTable(read_routes(config)).find(environ)
    if route is None:
        complain(f"{given.path}: no route, the app has it")
        return 1
    if given.event:
        return _show_event(route, environ)
    where = f"> {route.target.function_name}, {route.target.aws_region}, {endpoint(route)}"
    with log_on_standard_error():
        answer = invoke(config, environ, lambda payload: print(f"{where}\n{_pretty(payload)}"))
        _show_answer(answer)
    return 0 if int(answer.status[:3]) < 500 else 1


def _show_event(route: Route, environ: dict[str, Any]) -> int:
    try:
        print(_pretty(make_event(route, environ)))
    except LambdaError as error:
        complain(told(error))
        return 1
    return 0


def _show_answer(answer: Shown) -> None:
    print(f"< {answer.status}")
    print("".join(f"< {name}: {value}\n" for name, value in answer.headers), flush=True)
    for block in answer.body:
        sys.stdout.buffer.write(block)
        sys.stdout.flush()
    print()


def read_header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise argparse.ArgumentTypeError("must be NAME: VALUE")
    return name.strip().title(), value.strip()


def read_data(text: str) -> bytes:
    if not text.startswith("@"):
        return text.encode()
    try:
        return Path(text[1:]).read_bytes()
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{text[1:]}: {error.strerror}") from error


def _pretty(payload: bytes) -> str:
    return json.dumps(json.loads(payload), indent=2, ensure_ascii=False)
