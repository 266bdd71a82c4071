"""docs/testing.md: the tests of a reader pass, in Flask, in Django, and in unittest."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

from tests.unit.docs.pages import block, blocks, code, page, rows, save_files, section
from tests.unit.docs.running import environ_of, python
from wsgi_lambda import testing
from wsgi_lambda.testing import Call, Simulated

PAGE = page("docs/testing.md")
DJANGO = page("docs/django.md")
AROUND = section(DJANGO, "Around the project")


def test_flask_tests_of_a_reader_pass(tmp_path: Path) -> None:
    save_files(section(PAGE, "Flask"), tmp_path)
    command = re.findall(r"`(pytest [^`]+)`", section(PAGE, "Flask"))[0]
    printed = python(tmp_path, "-m", *command.split(), "-q", "-p", "no:cacheprovider")
    assert "2 passed" in printed


def change(project: Path) -> None:
    """Change a new project as docs/django.md shows, and add the files of the page."""
    save_files(section(DJANGO, "In the project"), project)
    wsgi, settings = blocks(AROUND, "python")[:2]
    (project / "mysite" / "wsgi.py").write_text(wsgi)
    with (project / "mysite" / "settings.py").open("a") as file:
        file.write(settings)
    save_files(PAGE, project)


def test_pytest_django_tests_of_a_reader_pass(project: Path) -> None:
    change(project)
    assert block(PAGE, "ini").startswith("# pytest.ini\n")
    printed = python(project, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_lambda1.py")
    assert "1 passed" in printed


def test_manage_py_tests_of_a_reader_pass(project: Path) -> None:
    change(project)
    words = block(PAGE, "sh", "manage.py").split()
    done = subprocess.run(
        [sys.executable, *words[1:]],
        cwd=project,
        env=environ_of(project, {}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, "Ran 1 test" in done.stderr) == (0, True), done.stderr


def test_table_has_every_simulated_reply() -> None:
    table = section(PAGE, "What a function does")
    named = set(re.findall(r"`(\w+)\(", table))
    simulated = {
        name
        for name, found in vars(testing).items()
        if isinstance(found, type) and issubclass(found, Simulated) and found is not Simulated
    }
    assert named == simulated


def test_table_has_every_attribute_of_a_call() -> None:
    named = [name for row in rows(section(PAGE, "What was called")) for name in code(row[0])]
    assert {*named} == {item.name for item in fields(Call)} | {"event"}
