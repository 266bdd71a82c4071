"""wsgi-lambda import-kong: turn Kong's declarative files into a configuration."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from wsgi_lambda.cli.console import complain
from wsgi_lambda.config import read_routes
from wsgi_lambda.config.files import load_documents
from wsgi_lambda.errors import ConfigError, Problem
from wsgi_lambda.kong_import import Import, convert_all
from wsgi_lambda.kong_import.notes import Kind, Note, report, report_as_json
from wsgi_lambda.kong_import.variables import Joined, Variable, first_foreign, mark_templates
from wsgi_lambda.kong_import.writer import OMITTED, as_json, as_python, without_variables

#: Values in place of variables, while the configuration is checked.
_PLACEHOLDERS = {
    "function_name": "placeholder",
    "aws_region": "us-east-1",
    "aws_key": "placeholder",
    "aws_secret": "placeholder",
}

#: The files that are read, alone or in a folder, as by decK.
_SUFFIXES = (".json", ".yaml", ".yml")


def run_import_kong(given: argparse.Namespace) -> int:
    imported = _import_files(given.file)
    configuration, notes = imported.configuration, list(imported.notes)
    if given.format == "json":
        configuration = without_variables(configuration, _omit_with_note(notes))
    text = as_json(configuration) if given.format == "json" else as_python(configuration)
    print(text, end="")
    if not configuration["routes"]:
        reason = "no route with an aws-lambda plugin could be imported"
        notes.append(Note(Kind.ERROR, ", ".join(given.file), reason))
    problems = _problems(configuration) if configuration["routes"] else ()
    if given.report == "json":
        complain(*report_as_json(notes, problems).splitlines())
    else:
        complain(*report(notes), *problems)
    return 1 if problems or any(note.kind.is_failure for note in notes) else 0


def _import_files(names: Sequence[str]) -> Import:
    files = [file for name in names for file in _files(name)]
    found = [(file, document) for file in files for document in _load(file)]
    # With several files, each place begins with the name of its file.
    is_one = len(files) == 1
    try:
        return convert_all([("" if is_one else file, document) for file, document in found])
    except ConfigError as error:
        raise ConfigError(
            Problem(files[0] if is_one else "", str(problem), problem.code)
            for problem in error.problems
        ) from error


def _files(name: str) -> list[str]:
    """Return the files of a folder and the folders in it, or the file itself."""
    if not Path(name).is_dir():
        if not _is_read(Path(name)):
            text = f"must be a {', '.join(_SUFFIXES[:-1])} or {_SUFFIXES[-1]} file, or a folder"
            raise ConfigError([Problem(name, text, "cannot_load")])
        return [name]
    found = sorted(path for path in Path(name).rglob("*") if _is_read(path))
    if not found:
        text = f"a folder without {', '.join(_SUFFIXES)} files"
        raise ConfigError([Problem(name, text, "cannot_load")])
    return [str(path) for path in found]


def _is_read(path: Path) -> bool:
    return path.suffix.lower() in _SUFFIXES


def _load(file: str) -> Iterator[Any]:
    """Yield the documents of a file; an empty one of several is ignored."""
    text = ""

    def prepare(content: str) -> str:
        nonlocal text
        text = content
        if not content.strip():
            raise ConfigError([Problem(file, "is empty", "cannot_load")])
        return mark_templates(content)

    try:
        documents = load_documents(file, prepare)
    except ConfigError as error:
        foreign = first_foreign(text)
        if foreign is None:
            raise
        # Such a file is valid only when its template tool has run.
        cause = (
            f"not valid before its placeholders are filled in, such as {foreign.form} in line "
            f"{foreign.line}: run its template tool first"
        )
        raise ConfigError([*error.problems, Problem(file, cause, "cannot_load")]) from error
    yield from [each for each in documents if each is not None] or documents[:1] or [None]


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
