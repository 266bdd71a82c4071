"""wsgi-lambda import-kong: turn Kong's declarative file into a configuration."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from wsgi_lambda.cli.console import complain
from wsgi_lambda.config import read_routes
from wsgi_lambda.config.files import load_document
from wsgi_lambda.errors import ConfigError, Problem
from wsgi_lambda.kong_import import Import, convert
from wsgi_lambda.kong_import.notes import Kind, Note, report
from wsgi_lambda.kong_import.variables import Joined, Variable, mark_templates
from wsgi_lambda.kong_import.writer import OMITTED, as_json, as_python, without_variables

#: In the place of what the environment will tell, while a setting is checked.
_PLACEHOLDERS = {
    "function_name": "placeholder",
    "aws_region": "us-east-1",
    "aws_key": "placeholder",
    "aws_secret": "placeholder",
}


def run_import_kong(given: argparse.Namespace) -> int:
    found = _converted(given.file)
    setting, notes = found.setting, list(found.notes)
    if given.format == "json":
        setting = without_variables(setting, _leave_out(notes))
    print(as_json(setting) if given.format == "json" else as_python(setting), end="")
    if not setting["routes"]:
        notes.append(Note(Kind.LEFT_OUT, given.file, "no aws-lambda plugin with a route"))
    problems = _problems(setting)
    complain(*report(notes), *problems)
    is_safe = not any(note.kind is Kind.PROTECTION for note in notes)
    return 0 if is_safe and not problems else 1


def _converted(file: str) -> Import:
    document = load_document(file, mark_templates)
    try:
        return convert(document)
    except ConfigError as error:
        raise ConfigError(
            Problem(file, str(problem), problem.code) for problem in error.problems
        ) from error
    except RecursionError as error:
        text = "a part of it contains itself"
        raise ConfigError([Problem(file, text, "cannot_load")]) from error


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
        return tuple(str(each) for each in error.problems if each.code != "needs_botocore")
    return ()
