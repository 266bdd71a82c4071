"""A handler is found by its name, once, and its module is one of `sys.modules`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from django.utils.autoreload import iter_all_python_module_files

from tests.unit.local_runtime.modules import write_module
from wsgi_lambda.local_runtime.encoding import Fault
from wsgi_lambda.local_runtime.loading import load_from_file, load_from_module

HANDLER = "def handler(event, context):\n    return __name__\n"


def test_module_is_searched_in_the_current_directory_first(folder: Path) -> None:
    write_module(folder, "colorsys", HANDLER)
    sys.modules.pop("colorsys", None)
    load_from_module("colorsys", "handler")
    assert sys.path[0] == str(folder)
    assert sys.modules["colorsys"].__file__ == str(folder / "colorsys.py")


def test_folder_of_a_handler_file_comes_after_the_current_directory(folder: Path) -> None:
    for name in ("orders", "src/orders", "src/app"):
        write_module(folder, name, f"def handler(event, context):\n    return {name!r}\n")
    load_from_module("colorsys", "rgb_to_yiq")
    load_from_file(str(folder / "src/app.py"), "handler")
    before = [*sys.path]
    assert before.index(str(folder / "src")) < before.index(str(folder))
    assert load_from_module("orders", "handler")({}, None) == "orders"
    assert sys.path == before


def test_module_may_change_the_path(folder: Path) -> None:
    write_module(folder, "app", f"import sys\nsys.path = sys.path[2:]\n{HANDLER}")
    sys.path.insert(0, str(folder))
    assert load_from_module("app", "handler")({}, None) == "app"
    assert str(folder) not in sys.path


def test_folder_that_is_on_the_path_stays_in_its_place(folder: Path) -> None:
    write_module(folder, "app", HANDLER)
    sys.path.append(str(folder))
    before = [*sys.path]
    load_from_module("app", "handler")
    load_from_file(str(folder / "app.py"), "handler")
    assert sys.path == before


def test_files_of_the_same_name_do_not_collide(folder: Path) -> None:
    for name in ("orders", "label"):
        write_module(folder / name, "app", f"def handler(event, context):\n    return {name!r}\n")
    orders = load_from_file(str(folder / "orders" / "app.py"), "handler")
    label = load_from_file(str(folder / "label" / "app.py"), "handler")
    assert (orders({}, None), label({}, None)) == ("orders", "label")
    assert orders.__module__ != label.__module__


def test_file_is_loaded_once(folder: Path) -> None:
    path = write_module(folder, "app", f"import helper\n{HANDLER}")
    write_module(folder, "helper", "")
    first = load_from_file(str(path), "handler")
    assert load_from_file(str(path), "handler") is first
    assert sys.path.count(str(folder)) == 1
    assert sys.modules[first.__module__].__file__ == str(path)


def test_module_next_to_a_file_is_imported(folder: Path) -> None:
    write_module(folder, "src/helper", "VALUE = 7\n")
    path = write_module(
        folder, "src/app", "import helper\n\ndef handler(event, context):\n    return helper.VALUE"
    )
    assert load_from_file(str(path), "handler")({}, None) == 7


def test_name_with_dots_is_a_file(folder: Path) -> None:
    path = write_module(folder, "my.app", HANDLER)
    assert load_from_file(str(path), "handler")({}, None).startswith("my_app-")


def test_reloaders_watch_the_file(folder: Path) -> None:
    file = write_module(folder, "src/app", HANDLER)
    module = write_module(folder, "other", HANDLER)
    load_from_file(str(file), "handler")
    load_from_module("other", "handler")
    assert {file, module} <= set(iter_all_python_module_files())


#: The source of a file that cannot be loaded.
BROKEN = {
    "import": "import no_such_module",
    "syntax": "def handler(:",
    "raises": "1 / 0",
    "exit": "import sys\nsys.exit(3)",
}


@pytest.mark.parametrize("source", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("is_file", [True, False], ids=["file", "module"])
def test_failed_load_leaves_nothing_and_is_retried(
    folder: Path, source: str, is_file: bool
) -> None:
    path = write_module(folder, "app", source)

    def load() -> object:
        if is_file:
            return load_from_file(str(path), "handler")({}, None)
        return load_from_module("app", "handler")({}, None)

    before = set(sys.modules)
    for _ in range(2):
        with pytest.raises((Fault, ZeroDivisionError, SystemExit)):
            load()
    assert set(sys.modules) == before
    path.write_text(HANDLER * 20)
    assert str(load()).startswith("app")


def test_new_module_is_found_if_its_folder_looks_the_same(folder: Path) -> None:
    with pytest.raises(Fault):
        load_from_module("fresh", "handler")
    before = folder.stat()
    write_module(folder, "fresh", HANDLER)
    # As on a file system with coarse times.
    os.utime(folder, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert load_from_module("fresh", "handler")({}, None) == "fresh"


def test_missing_file_is_an_import_error(folder: Path) -> None:
    path = str(folder / "app.py")
    with pytest.raises(Fault) as caught:
        load_from_file(path, "handler")
    assert caught.value.error_type == "Runtime.ImportModuleError"
    assert caught.value.message == (
        f"Unable to import module '{folder}/app': No such file: '{path}'"
    )
    write_module(folder, "app", HANDLER)
    assert load_from_file(path, "handler")({}, None).startswith("app-")


def test_missing_function_of_a_file_is_named(folder: Path) -> None:
    path = write_module(folder, "app", "")
    with pytest.raises(Fault) as caught:
        load_from_file(str(path), "handler")
    assert caught.value.error_type == "Runtime.HandlerNotFound"
    assert caught.value.message == f"Handler 'handler' missing on module '{folder}/app'"
