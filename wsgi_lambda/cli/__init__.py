"""The command line: check a configuration, list its routes, invoke one, import Kong's file.

Exit status: 0 all is well, 1 something is not, 2 what was given cannot be read.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib.metadata import version

from wsgi_lambda.cli.check import run_check
from wsgi_lambda.cli.console import complain, problem_lines
from wsgi_lambda.cli.import_kong import run_import_kong
from wsgi_lambda.cli.invoke import read_data, read_header, run_invoke
from wsgi_lambda.cli.routes import run_routes
from wsgi_lambda.config.sources import search_current_directory
from wsgi_lambda.errors import ConfigError

PACKAGE = "wsgi-lambda"
FILE = "module:attribute, module:factory(), or a .json, .toml, .yaml or .yml file"


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says, and return the exit status."""
    given = _parser().parse_args(arguments)
    search_current_directory()
    try:
        status: int = given.run(given)
    except ConfigError as error:
        complain(*problem_lines(error.problems))
        return 2
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wsgi-lambda", description="Work with a WSGI_LAMBDA configuration."
    )
    parser.add_argument("--version", action="version", version=f"wsgi-lambda {version(PACKAGE)}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    check = commands.add_parser("check", help="read it, find credentials, do a DryRun of each")
    check.set_defaults(run=run_check)
    routes = commands.add_parser("routes", help="list the routes in the order of matching")
    routes.add_argument("--json", action="store_true", help="for machines")
    routes.set_defaults(run=run_routes)
    call = commands.add_parser("invoke", help="print a request's event, and the answer")
    for command in (check, routes, call):
        command.add_argument("file", metavar="FILE", help=FILE)
    _add_request(call)
    kong = commands.add_parser("import-kong", help="make a setting of Kong's declarative file")
    kong.add_argument("file", metavar="FILE", help="a .yml, .yaml or .json file")
    kong.add_argument("--format", choices=("python", "json"), default="python")
    kong.set_defaults(run=run_import_kong)
    return parser


def _add_request(call: argparse.ArgumentParser) -> None:
    call.add_argument("path", metavar="PATH", help="with its query, as a client sends it")
    call.add_argument("-X", "--method", help="else GET, with -d POST")
    call.add_argument(
        "-H", "--header", action="append", default=[], metavar="NAME: VALUE", type=read_header
    )
    call.add_argument("-d", "--data", metavar="TEXT|@FILE", type=read_data, help="the body")
    call.add_argument("--user", default="", help="REMOTE_USER, for routes with consumers")
    call.add_argument("--event", action="store_true", help="print the event, do not invoke")
    call.set_defaults(run=run_invoke)
