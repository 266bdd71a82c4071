"""wsgi-lambda import-kong: turn Kong's declarative file into a configuration."""

from __future__ import annotations

import argparse
import re
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

#: Values in place of variables, while the configuration is checked.
_PLACEHOLDERS = {
    "function_name": "placeholder",
    "aws_region": "us-east-1",
    "aws_key": "placeholder",
    "aws_secret": "placeholder",
}

# A key at the top of every Kubernetes object, and of no declarative file of Kong's.
_KUBERNETES = re.compile(r"^apiVersion:", re.MULTILINE)


def run_import_kong(given: argparse.Namespace) -> int:
    imported = _import_file(given.file)
    configuration, notes = imported.configuration, list(imported.notes)
    if given.format == "json":
        configuration = without_variables(configuration, _omit_with_note(notes))
    text = as_json(configuration) if given.format == "json" else as_python(configuration)
    print(text, end="")
    if not configuration["routes"]:
        reason = "no route with an aws-lambda plugin could be imported"
        notes.append(Note(Kind.NOT_IMPORTED, given.file, reason))
    problems = _problems(configuration)
    complain(*report(notes), *problems)
    is_safe = not any(note.kind is Kind.PROTECTION for note in notes)
    return 0 if is_safe and not problems else 1


def _import_file(file: str) -> Import:
    def prepare(text: str) -> str:
        if _KUBERNETES.search(text):
            cause = "a Kubernetes manifest; export a declarative file with deck gateway dump"
            raise ConfigError([Problem(file, cause, "invalid_kong_file")])
        return mark_templates(text)

    document = load_document(file, prepare)
    try:
        return convert(document)
    except ConfigError as error:
        raise ConfigError(
            Problem(file, str(problem), problem.code) for problem in error.problems
        ) from error
    except RecursionError as error:
        text = "a YAML alias refers to a value that contains it"
        raise ConfigError([Problem(file, text, "cannot_load")]) from error


def _omit_with_note(notes: list[Note]) -> Any:
    def replace(place: str, name: str, variable: Variable | Joined) -> object:  # noqa: ARG001
        text = f"comes from {variable}, which JSON cannot express: set it when the app starts"
        notes.append(Note(Kind.NOT_IMPORTED, place, text))
        return OMITTED

    return replace


def _problems(configuration: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the errors in ``configuration`` that do not depend on the environment."""

    def replace(place: str, name: str, variable: object) -> object:  # noqa: ARG001
        return _PLACEHOLDERS.get(name, OMITTED)

    try:
        read_routes(without_variables(configuration, replace), {"AWS_REGION": "us-east-1"})
    except ConfigError as error:
        # The app may run where botocore is installed, even if it is missing here.
        return tuple(str(each) for each in error.problems if each.code != "needs_botocore")
    return ()
