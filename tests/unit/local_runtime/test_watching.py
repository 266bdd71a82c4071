"""The reloaders of Django and gunicorn watch the files of handlers from the start."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from django.utils.autoreload import iter_all_python_module_files
from gunicorn.reloader import Reloader

from tests.unit.local_runtime.modules import write_module
from wsgi_lambda import LambdaMiddleware
from wsgi_lambda.local_runtime.watching import find_file, watch

HANDLER = "def handler(event, context): ...\n"


def watched() -> set[Path]:
    """Return the files that both reloaders watch."""
    django = {Path(file) for file in iter_all_python_module_files()}
    return django & {Path(file) for file in Reloader().get_files()}


def test_files_of_handlers_are_watched_before_they_are_loaded(folder: Path) -> None:
    """A change directly after the first invocation is noticed, too."""
    files = {
        write_module(folder, name, "raise AssertionError('loaded')\n")
        for name in ("src/orders", "src/helper", "shop/label")
    }
    elsewhere = write_module(folder, "src/deeper/other", "")
    assert not files & watched()
    routes = {
        "/orders": {"function_name": "orders", "handler": "src/orders.py:handler"},
        "/label": {"function_name": "label", "handler": "shop.label.handler"},
        "/missing": {"function_name": "missing", "handler": "no_such.module.handler"},
    }
    LambdaMiddleware(None, {"local": True, "routes": routes})
    assert files <= watched()
    assert elsewhere not in watched()
    assert "shop.label" not in sys.modules


def test_file_that_has_a_module_gets_no_other(folder: Path) -> None:
    path = write_module(folder, "app", HANDLER)
    for _ in range(2):
        watch(str(path))
    files = [getattr(each, "__file__", None) for each in list(sys.modules.values())]
    assert files.count(str(path)) == 1


@pytest.mark.parametrize(
    ("module", "file"),
    [
        ("app", "app.py"),
        ("src.orders", "src/orders.py"),
        ("src/orders", "src/orders.py"),
        ("package", "package/__init__.py"),
        ("src", None),  # a folder
        ("src.missing", None),
        ("app.orders", None),
        ("missing.orders", None),
        ("sys", None),
    ],
)
def test_file_of_a_module_is_found(folder: Path, module: str, file: str | None) -> None:
    for name in ("app", "src/orders", "package/__init__"):
        write_module(folder, name, "raise AssertionError('loaded')\n")
    assert find_file(module) == (file and str(folder / file))


def test_current_directory_is_searched_first(folder: Path) -> None:
    write_module(folder, "colorsys", HANDLER)
    assert find_file("colorsys") == str(folder / "colorsys.py")
