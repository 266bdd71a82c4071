"""The command line: check a configuration, list its routes, invoke one, import Kong's file.

Exit status: 0 success, 1 a check or an invocation failed, 2 invalid arguments or configuration.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version

from wsgi_lambda.cli.check import run_check
from wsgi_lambda.cli.console import complain, problem_lines
from wsgi_lambda.cli.import_kong import run_import_kong
from wsgi_lambda.cli.invoke import read_data, read_header, read_method, run_invoke
from wsgi_lambda.cli.routes import run_routes
from wsgi_lambda.errors import ConfigError

PACKAGE = "wsgi-lambda"
FILE = "module:attribute, module:factory(), or a .json, .toml, .yaml or .yml file"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    given = _parser().parse_args(arguments)
    with suppress(AttributeError):  # of a stand-in for standard output
        # The terminal's encoding may lack characters of an event or a name.
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        status: int = given.run(given)
        sys.stdout.flush()
    except ConfigError as error:
        complain(*problem_lines(error.problems))
        return 2
    except BrokenPipeError:
        # The reader, such as `head`, has left; the interpreter's own flush would fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wsgi-lambda", description="Work with a WSGI_LAMBDA configuration."
    )
    parser.add_argument("--version", action="version", version=f"wsgi-lambda {version(PACKAGE)}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    check = commands.add_parser("check", help="find credentials, and do a DryRun of every route")
    check.add_argument("--json", action="store_true", help="print JSON, with the results")
    check.set_defaults(run=run_check)
    routes = commands.add_parser("routes", help="list the routes in the order of matching")
    routes.add_argument(
        "--json", action="store_true", help="print JSON, with null for a condition that is not set"
    )
    routes.set_defaults(run=run_routes)
    call = commands.add_parser("invoke", help="print the event and the response of one request")
    for command in (check, routes, call):
        command.add_argument("file", metavar="FILE", help=FILE)
    _add_request(call)
    kong = commands.add_parser("import-kong", help="convert Kong's declarative files")
    kong.add_argument(
        "file", metavar="FILE", nargs="+", help="a .yml, .yaml or .json file, or a folder of them"
    )
    kong.add_argument("--format", choices=("python", "json"), default="python")
    kong.add_argument(
        "--report", choices=("text", "json"), default="text", help="format of the report on stderr"
    )
    kong.set_defaults(run=run_import_kong)
    return parser


def _add_request(call: argparse.ArgumentParser) -> None:
    call.add_argument("path", metavar="PATH", help="path and query of the request, percent-encoded")
    call.add_argument("-X", "--method", type=read_method, help="default: GET, with -d POST")
    call.add_argument(
        "-H", "--header", action="append", default=[], metavar="NAME: VALUE", type=read_header
    )
    call.add_argument(
        "-d",
        "--data",
        metavar="TEXT|@FILE",
        type=read_data,
        help="body of the request; without a type it is a form",
    )
    call.add_argument("--user", default="", help="REMOTE_USER, for routes with consumers")
    call.add_argument(
        "--event", action="store_true", help="print the event only, without invoking the function"
    )
    call.set_defaults(run=run_invoke)
