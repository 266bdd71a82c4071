"""The Makefile's virtual environment: made once, by one run at a time."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.docs.pages import ROOT

#: Takes the place of Python and of pip, and writes a line when an installation begins and ends.
PYTHON = """#!/bin/sh
case "$*" in
    "-m venv .venv") mkdir -p .venv/bin; cp python .venv/bin/python; cp python .venv/bin/pip ;;
    "-m pip install "*) echo begin >> log; sleep 0.2; echo end >> log ;;
esac
"""

# Under `make test`, the flags of that make would apply here, too.
ENVIRON = {name: value for name, value in os.environ.items() if "MAKE" not in name}

pytestmark = pytest.mark.skipif(shutil.which("flock") is None, reason="needs flock")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in ("Makefile", "setup.cfg", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "python").write_text(PYTHON)
    (tmp_path / "python").chmod(0o755)
    return tmp_path


def make(checkout: Path, *targets: str) -> list[str]:
    """Run make for each target, all at the same time, and return the lines of pip."""
    command = ["make", "PYTHON=./python"]
    runs = [
        subprocess.Popen([*command, target], cwd=checkout, env=ENVIRON, stdout=subprocess.DEVNULL)
        for target in targets
    ]
    assert [run.wait(60) for run in runs] == [0] * len(targets)
    return (checkout / "log").read_text().split()


def test_runs_at_the_same_time_wait_for_each_other(checkout: Path) -> None:
    assert make(checkout, ".venv/.demo", ".venv/.test", ".venv/.lint") == ["begin", "end"] * 3


def test_run_that_has_waited_finds_the_environment(checkout: Path) -> None:
    assert make(checkout, ".venv/.test", ".venv/.test") == ["begin", "end"]


def test_environment_whose_making_was_interrupted_is_made_again(checkout: Path) -> None:
    make(checkout, ".venv/.test")
    (checkout / ".venv" / "bin" / "pip").unlink()
    (checkout / ".venv" / ".test").unlink()
    make(checkout, ".venv/.test")
    assert (checkout / ".venv" / "bin" / "pip").exists()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("APP=djang", "APP is flask or django, not 'djang'"),
        ("PORT=80000", "PORT: 80000 is not a port"),
        ("PORT=http", "PORT: http is not a port"),
    ],
)
def test_invalid_options_of_dev_are_told_before_the_installation(
    checkout: Path, given: str, told: str
) -> None:
    command = ["make", "PYTHON=./python", "dev", given]
    run = subprocess.run(
        command, cwd=checkout, env=ENVIRON, capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout) == (2, f"{told}\n")
    assert not (checkout / ".venv").exists()
