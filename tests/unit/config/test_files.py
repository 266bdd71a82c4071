"""Where a configuration comes from, and what is said where there is none."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from wsgi_lambda.config.files import load_configuration, load_document
from wsgi_lambda.errors import ConfigError

SETTING = {"routes": {"/f": {"function_name": "f"}}}
JSON = '{"routes": {"/f": {"function_name": "f"}}}'
TOML = '[routes."/f"]\nfunction_name = "f"\n'
YAML = "routes:\n  /f: {function_name: f}\n"
MODULE = f"""
from types import SimpleNamespace
WSGI_LAMBDA = {SETTING}
app = SimpleNamespace(config={{"WSGI_LAMBDA": WSGI_LAMBDA}})
plain = SimpleNamespace(config=None)
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The current directory is empty, and what is imported from it is forgotten."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] in ("shop", "wrong")]:
        del sys.modules[name]


def written(name: str, text: str) -> str:
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).write_text(text, encoding="utf-8")
    return name


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("setting.json", JSON),
        ("setting.toml", TOML),
        ("setting.yaml", YAML),
        ("setting.YML", YAML),
        ("setting.json", f'{{"WSGI_LAMBDA": {JSON}}}'),
        ("setting.toml", TOML.replace("[routes", "[WSGI_LAMBDA.routes")),
        ("setting.yml", "WSGI_LAMBDA:\n  routes:\n    /f: {function_name: f}\n"),
    ],
    ids=["json", "toml", "yaml", "upper case", "json key", "toml key", "yaml key"],
)
def test_file_is_read_with_and_without_the_key(name: str, text: str) -> None:
    assert load_configuration(written(name, text)) == SETTING


def test_mapping_is_the_setting_itself() -> None:
    assert load_configuration(SETTING) == SETTING
    assert load_configuration({"WSGI_LAMBDA": SETTING}) == SETTING


@pytest.mark.parametrize("attribute", ["WSGI_LAMBDA", "app", "app.config"])
def test_attribute_is_found_in_the_current_directory(attribute: str) -> None:
    written("shop/settings.py", MODULE)
    assert load_configuration(f"shop.settings:{attribute}") == SETTING


def test_attribute_that_is_no_setting_is_not_judged() -> None:
    written("shop/settings.py", MODULE)
    assert load_configuration("shop.settings:plain") is load_configuration("shop.settings:plain")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("f.json", "{hunter2", "f.json: invalid JSON: Expecting property name"),
        ("f.json", "[" * 100_000, "f.json: nested too deeply"),
        ("f.toml", "hunter2", "f.toml: invalid TOML (at end of document)"),
        ("f.toml", "a = 1\nb = = 'hunter2'\n", "f.toml: invalid TOML (at line 2, column"),
        ("f.json", '{"a": {"b": "hunter2", "b": 1}}', "f.json: duplicate name 'b' in one object"),
        (
            "f.yaml",
            "a:\n  b: hunter2\n  c: 1\n  b: 1",
            "f.yaml: duplicate name in the mapping at line 2",
        ),
        ("f.yaml", "a: b\n- 'hunter2'", "f.yaml: invalid YAML (line 2)"),
        ("f.yaml", "a: !hunter2 b", "f.yaml: invalid YAML (line 1)"),
        ("f.yaml", "a: \x07hunter2", "f.yaml: invalid YAML"),
        ("f.yaml", "a: 2000-13-45", "f.yaml: invalid YAML"),
        ("f.ini", "", "f.ini: must be module:attribute or a .json, .toml, .yaml or .yml file"),
    ],
)
def test_bad_file_is_one_line_that_quotes_nothing(name: str, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load_configuration(written(name, text))
    (line,) = raised.value.errors
    assert line.startswith(message)
    assert "hunter2" not in line


def test_file_that_is_not_there_or_no_text() -> None:
    with pytest.raises(ConfigError, match=r"no\.json: No such file or directory"):
        load_document("no.json")
    Path("latin.json").write_bytes(b'"\xe9"')
    with pytest.raises(ConfigError, match=r"latin\.json: invalid UTF-8 at byte 1"):
        load_document("latin.json")


def test_yaml_without_its_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(ConfigError) as raised:
        load_document(written("f.yml", YAML))
    assert raised.value.errors == (
        "f.yml: YAML requires PyYAML: pip install '.[yaml]' in the checkout",
    )


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("", "shop.none:X", "cannot be imported: No module named 'shop.none'"),
        ("", "shop.settings:X.Y", "no attribute 'X'"),
        ("import nothing_here", "shop.settings:X", "cannot be imported: No module named"),
        ("x = (", "shop.settings:X", r"'\(' was never closed \(.*settings.py, line 1\)"),
        ("\nint('hunter2')", "shop.settings:X", r"raised ValueError \(.*settings.py, line 2\)$"),
        (
            "import os\nos.environ['NO_SUCH_NAME']",
            "shop.settings:X",
            r"the environment variable NO_SUCH_NAME is not set \(.*settings.py, line 2\)$",
        ),
        ("{}['hunter2']", "shop.settings:X", r"raised KeyError \(.*settings.py, line 1\)$"),
    ],
)
def test_bad_module_is_one_line(text: str, name: str, message: str) -> None:
    written("shop/settings.py", text)
    with pytest.raises(ConfigError, match=message) as raised:
        load_configuration(name)
    assert len(raised.value.errors) == 1
    assert raised.value.errors[0].startswith(f"{name}: ")


def test_module_that_is_not_configured_right_says_so_itself() -> None:
    wrong = "from wsgi_lambda import LambdaMiddleware\nLambdaMiddleware(None, {})"
    with pytest.raises(ConfigError, match="routes: required"):
        load_configuration(written("wrong.py", wrong).removesuffix(".py") + ":x")
