"""The bench runs every figure; its numbers are not checked here."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench.figures import FIGURES
from bench.load import wrk_program
from bench.stub import nginx_program
from bench.targets import ROWS
from tests.e2e.conftest import PATIENCE, PROJECT

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        not (nginx_program() and wrk_program()),
        reason="NOTE: the bench is not tested without nginx and wrk; "
        "apt-get install nginx-light wrk",
    ),
]


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start the bench with ``folder`` for its temporary files."""
    (folder / "tmp").mkdir()
    return subprocess.Popen(
        [sys.executable, "-m", "bench", *arguments],
        cwd=PROJECT,
        env={**os.environ, "TMPDIR": str(folder / "tmp")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def stop(process: subprocess.Popen[str]) -> None:
    """Interrupt the bench if it still runs, so that it stops its own programs."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)


def left_over(folder: Path) -> list[str]:
    """Return the files in ``folder`` and the processes that have it in their environment."""
    files = [str(path) for path in (folder / "tmp").iterdir()]
    programs = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            text = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:  # it has ended, or belongs to another user
            continue
        if str(folder).encode() in text:
            programs.append(process.name)
    return files + programs


def test_quick_run_measures_every_figure(tmp_path: Path) -> None:
    written, drawn = tmp_path / "results" / "bench.json", tmp_path / "results" / "bench.svg"
    process = start(tmp_path, "--quick", "--json", str(written), "--svg", str(drawn))
    try:
        output, _ = process.communicate(timeout=4 * PATIENCE)
    finally:
        stop(process)
    assert process.returncode == 0, output
    results = json.loads(written.read_text(encoding="utf-8"))
    assert set(results["measured"]) == set(FIGURES), output
    assert [row["figure"] for row in results["rows"]] == [row.text for row in ROWS]
    assert all(f"| {row.text} " in output for row in ROWS)
    assert ElementTree.parse(drawn).getroot().tag.endswith("svg")
    assert left_over(tmp_path) == []


def test_interrupted_run_leaves_nothing_behind(tmp_path: Path) -> None:
    process = start(tmp_path, "--seconds", "60", "--only", "cpu")
    try:
        assert process.stdout is not None
        # The line ends only after the measurement.
        assert process.stdout.read(4) == "cpu:"
        assert left_over(tmp_path) != []
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=PATIENCE)
    finally:
        stop(process)
    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert left_over(tmp_path) == []
