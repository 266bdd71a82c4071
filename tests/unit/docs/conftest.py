"""A Django project as `startproject` makes it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.unit.docs.running import python


@pytest.fixture(scope="session")
def new_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("startproject")
    python(folder, "-m", "django", "startproject", "mysite", ".")
    return folder


@pytest.fixture
def project(new_project: Path, tmp_path: Path) -> Path:
    """Return a folder with `manage.py` and `mysite`, of this test alone."""
    shutil.copytree(new_project, tmp_path, dirs_exist_ok=True)
    return tmp_path
