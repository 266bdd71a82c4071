"""The command line: check a configuration, list its routes, invoke one, import Kong's file.

Exit status: 0 all is well, 1 something is not, 2 what was given cannot be read.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from wsgi_lambda.config import read_routes
from wsgi_lambda.config.files import load_document, load_setting
from wsgi_lambda.errors import ConfigError, LambdaError
from wsgi_lambda.invocation import (
    Shown,
    dry_run,
    endpoint,
    identity,
    invoke,
    log_on_standard_error,
    make_environ,
    make_event,
    told,
)
from wsgi_lambda.kong import Import, convert
from wsgi_lambda.kong.notes import Kind, Note, report
from wsgi_lambda.kong.variables import Joined, Variable, mark_templates
from wsgi_lambda.kong.written import OMITTED, as_json, as_python, without_variables
from wsgi_lambda.options import Route
from wsgi_lambda.routing import RouteTable

PACKAGE = "wsgi-lambda"
FILE = "module:attribute, or a .json, .toml, .yaml or .yml file"

#: In the place of what the environment will tell, while a setting is checked.
_PLACEHOLDERS = {
    "function_name": "placeholder",
    "aws_region": "us-east-1",
    "aws_key": "placeholder",
    "aws_secret": "placeholder",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says, and return the exit status."""
    given = _parser().parse_args(arguments)
    try:
        status: int = given.run(given)
    except ConfigError as error:
        _complain(*error.errors)
        return 2
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wsgi-lambda", description="Work with a WSGI_LAMBDA configuration."
    )
    parser.add_argument("--version", action="version", version=f"wsgi-lambda {version(PACKAGE)}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    check = commands.add_parser("check", help="read it, find credentials, do a DryRun of each")
    check.set_defaults(run=_check)
    routes = commands.add_parser("routes", help="list the routes in the order of matching")
    routes.add_argument("--json", action="store_true", help="for machines")
    routes.set_defaults(run=_routes)
    call = commands.add_parser("invoke", help="print a request's event, and the answer")
    for command in (check, routes, call):
        command.add_argument("file", metavar="FILE", help=FILE)
    _add_request(call)
    kong = commands.add_parser("import-kong", help="make a setting of Kong's declarative file")
    kong.add_argument("file", metavar="FILE", help="a .yml, .yaml or .json file")
    kong.add_argument("--format", choices=("python", "json"), default="python")
    kong.set_defaults(run=_import_kong)
    return parser


def _add_request(call: argparse.ArgumentParser) -> None:
    call.add_argument("path", metavar="PATH", help="with its query, as a client sends it")
    call.add_argument("-X", "--method", help="else GET, with -d POST")
    call.add_argument(
        "-H", "--header", action="append", default=[], metavar="NAME: VALUE", type=_header
    )
    call.add_argument("-d", "--data", metavar="TEXT|@FILE", type=_data, help="the body")
    call.add_argument("--user", default="", help="REMOTE_USER, for routes with consumers")
    call.add_argument("--event", action="store_true", help="print the event, do not invoke")
    call.set_defaults(run=_invoke)


def _check(given: argparse.Namespace) -> int:
    routes = _load(given.file)
    if not routes:
        _complain(f"{given.file}: no routes")
    is_well = bool(routes)
    for route in routes:
        result, is_right = dry_run(route)
        is_well &= is_right
        facts = [*_facts(route), f"credentials: {identity(route)}", f"DryRun: {result}"]
        print("ok  " if is_right else "FAIL", "  ".join(facts))
    return 0 if is_well else 1


def _facts(route: Route) -> list[str]:
    row = _row(route)
    narrowed = [
        f"{name} {','.join(row[name])}" for name in ("methods", "hosts", "consumers") if row[name]
    ]
    where = [row["function"], row["aws_region"], row["endpoint"]]
    return [row["path"], *narrowed, *where]


def _routes(given: argparse.Namespace) -> int:
    rows = [_row(route) for route in RouteTable(_load(given.file)).routes]
    if given.json:
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return 0
    cells = [[name.upper().replace("_", " ") for name in _ROW]]
    cells += [[_cell(row[name]) for name in _ROW] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        print("  ".join(map(str.ljust, line, widths)).rstrip())
    return 0


_ROW = ("path", "methods", "hosts", "consumers", "function", "aws_region", "endpoint")


def _row(route: Route) -> dict[str, Any]:
    """Return what a person or a machine may know of ``route``."""
    target, match = route.target, route.match
    alias = f":{target.qualifier}" if target.qualifier else ""
    return {
        "path": route.path,
        "methods": sorted(match.methods),
        "hosts": list(match.hosts),
        "consumers": sorted(match.consumers),
        "function": target.function_name.removesuffix(alias) + alias,
        "aws_region": target.aws_region,
        "endpoint": endpoint(route),
    }


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else ",".join(value) or "-"


def _invoke(given: argparse.Namespace) -> int:
    environ = make_environ(
        given.path, given.method, headers=given.header, body=given.data, user=given.user
    )
    config = load_setting(given.file)
    route = RouteTable(read_routes(config)).find(environ)
    if route is None:
        _complain(f"{given.path}: no route, the app has it")
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
        _complain(told(error))
        return 1
    return 0


def _show_answer(answer: Shown) -> None:
    print(f"< {answer.status}")
    print("".join(f"< {name}: {value}\n" for name, value in answer.headers), flush=True)
    for block in answer.body:
        sys.stdout.buffer.write(block)
        sys.stdout.flush()
    print()


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise argparse.ArgumentTypeError("must be NAME: VALUE")
    return name.strip().title(), value.strip()


def _data(text: str) -> bytes:
    if not text.startswith("@"):
        return text.encode()
    try:
        return Path(text[1:]).read_bytes()
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{text[1:]}: {error.strerror}") from error


def _pretty(payload: bytes) -> str:
    return json.dumps(json.loads(payload), indent=2, ensure_ascii=False)


def _import_kong(given: argparse.Namespace) -> int:
    found = _converted(given.file)
    setting, notes = found.setting, list(found.notes)
    if given.format == "json":
        setting = without_variables(setting, _leave_out(notes))
    print(as_json(setting) if given.format == "json" else as_python(setting), end="")
    if not setting["routes"]:
        notes.append(Note(Kind.LEFT_OUT, given.file, "no aws-lambda plugin with a route"))
    problems = _problems(setting)
    _complain(*report(notes), *problems)
    is_safe = not any(note.kind is Kind.PROTECTION for note in notes)
    return 0 if is_safe and not problems else 1


def _converted(file: str) -> Import:
    document = load_document(file, mark_templates)
    try:
        return convert(document)
    except ConfigError as error:
        raise ConfigError(f"{file}: {line}" for line in error.errors) from error
    except RecursionError as error:
        raise ConfigError([f"{file}: a part of it contains itself"]) from error


def _leave_out(notes: list[Note]) -> Any:
    def instead(place: str, name: str, variable: Variable | Joined) -> object:  # noqa: ARG001
        text = f"comes from the {variable}, which JSON cannot say: set it where the app starts"
        notes.append(Note(Kind.LEFT_OUT, place, text))
        return OMITTED

    return instead


def _problems(setting: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what is wrong in ``setting``, whatever the environment will hold."""

    def instead(place: str, name: str, variable: object) -> object:  # noqa: ARG001
        return _PLACEHOLDERS.get(name, OMITTED)

    try:
        read_routes(without_variables(setting, instead), {"AWS_REGION": "us-east-1"})
    except ConfigError as error:
        # What is installed here does not count, but where the setting will be used.
        return tuple(line for line in error.errors if "needs botocore" not in line)
    return ()


def _load(source: str) -> tuple[Route, ...]:
    return read_routes(load_setting(source))


def _complain(*lines: str) -> None:
    for line in lines:
        print(line, file=sys.stderr)
