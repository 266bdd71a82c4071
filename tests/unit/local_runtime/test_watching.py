"""The reloaders of Django and gunicorn notice every change of a loaded file."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
from pathlib import Path

import pytest
from django.utils.autoreload import StatReloader
from gunicorn.reloader import Reloader
from werkzeug.test import Client

from tests.unit.local_runtime.modules import write_module
from wsgi_lambda import LambdaMiddleware

HANDLER = "def handler(event, context):\n    return 1\n"


def look() -> dict[str, float]:
    """Return the times of all files that both reloaders watch."""
    django = {str(file): time for file, time in StatReloader().snapshot_files()}
    return {file: django[file] for file in Reloader().get_files() if file in django}


def make_client(handler: str) -> Client:
    routes = {"/f": {"function_name": "f", "handler": handler}}
    return Client(LambdaMiddleware(None, {"local": True, "routes": routes}))


def change(path: Path) -> None:
    os.utime(path, (1, 1))


@pytest.mark.parametrize(
    ("name", "line"),
    [("src/app.py:handler", "import helper"), ("src.app.handler", "from src import helper")],
    ids=["file", "module"],
)
@pytest.mark.parametrize("changed", ["app", "helper"])
def test_change_before_the_first_look_is_noticed_later(
    folder: Path, name: str, line: str, changed: str
) -> None:
    write_module(folder, "src/helper", "")
    write_module(folder, "src/app", f"{line}\n{HANDLER}")
    client = make_client(name)
    assert client.get("/f").json == 1
    change(folder / "src" / f"{changed}.py")
    assert client.get("/f").json == 1
    first = look()
    assert client.get("/f").json == 1
    second = look()
    (touched,) = (file for file, time in second.items() if time > first[file])
    assert Path(touched).exists()
    del client
    gc.collect()
    assert not Path(touched).exists()
    assert touched not in look()


def test_files_that_stay_the_same_are_not_reported(folder: Path) -> None:
    path = write_module(folder, "app", HANDLER)
    client = make_client("app.handler")
    for _ in range(2):
        client.get("/f")
    before = look().keys() - {str(path)}
    path.unlink()
    assert client.get("/f").json == 1
    assert look().keys() == before


def test_process_without_temporary_files_works(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "missing"))
    path = write_module(folder, "app", HANDLER)
    client = make_client("app.handler")
    client.get("/f")
    change(path)
    assert client.get("/f").json == 1


def test_file_that_somebody_else_removes_is_not_missed(folder: Path) -> None:
    path = write_module(folder, "app", HANDLER)
    client = make_client("app.handler")
    client.get("/f")
    before = look().keys()
    change(path)
    client.get("/f")
    (touched,) = look().keys() - before
    Path(touched).unlink()
    assert client.get("/f").json == 1


def test_files_of_libraries_are_not_compared(folder: Path) -> None:
    library = write_module(folder, "site-packages/some_library", "")
    sys.path.append(str(folder / "site-packages"))
    write_module(folder, "app", f"import some_library\n{HANDLER}")
    client = make_client("app.handler")
    client.get("/f")
    before = look().keys()
    change(library)
    assert client.get("/f").json == 1
    assert look().keys() == before


def test_module_that_deletes_its_file_is_not_compared(folder: Path) -> None:
    write_module(folder, "app", f"import os\nos.unlink(__file__)\n{HANDLER}")
    client = make_client("app.handler")
    assert [client.get("/f").json for _ in range(2)] == [1, 1]


def test_helper_of_a_handler_that_failed_is_compared(folder: Path) -> None:
    """It has been imported, and stays as it is until the server restarts."""
    helper = write_module(folder, "helper", "")
    write_module(folder, "app", "import helper\n1 / 0\n")
    client = make_client("app.handler")
    client.get("/f")
    before = look().keys()
    change(helper)
    client.get("/f")
    assert len(look().keys() - before) == 1


def test_child_leaves_the_file_to_its_parent(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_module(folder, "app", HANDLER)
    client = make_client("app.handler")
    client.get("/f")
    before = look().keys()
    change(path)
    client.get("/f")
    (touched,) = look().keys() - before
    monkeypatch.setattr(os, "getpid", lambda: 1)
    del client
    gc.collect()
    assert Path(touched).exists()
    Path(touched).unlink()
