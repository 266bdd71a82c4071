"""JSON, TOML and YAML files are loaded; an unreadable one is one line that quotes nothing."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from wsgi_lambda import LambdaMiddleware
from wsgi_lambda.config.files import load_document
from wsgi_lambda.config.sources import load_configuration
from wsgi_lambda.errors import ConfigError

CONFIGURATION = {"routes": {"/f": {"function_name": "f"}}}
JSON = '{"routes": {"/f": {"function_name": "f"}}}'
TOML = '[routes."/f"]\nfunction_name = "f"\n'
YAML = "routes:\n  /f: {function_name: f}\n"


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(name: str, text: str) -> str:
    Path(name).write_text(text, encoding="utf-8")
    return name


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("f.json", JSON),
        ("f.toml", TOML),
        ("f.yaml", YAML),
        ("f.YML", YAML),
        ("f.json", f'{{"WSGI_LAMBDA": {JSON}}}'),
        ("f.toml", TOML.replace("[routes", "[WSGI_LAMBDA.routes")),
        ("f.yml", "WSGI_LAMBDA:\n  routes:\n    /f: {function_name: f}\n"),
    ],
    ids=["json", "toml", "yaml", "upper case", "json key", "toml key", "yaml key"],
)
def test_file_contains_the_configuration_with_or_without_its_key(name: str, text: str) -> None:
    assert load_configuration(write(name, text)) == CONFIGURATION


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("f.json", "[1]", "must be a mapping, not a list"),
        ("f.json", "7", "must be a mapping, not a number"),
        ("f.json", "null", "is empty"),
        ("f.yaml", "", "is empty"),
        ("f.yaml", "# a comment\n", "is empty"),
        ("f.yaml", "hunter2", "must be a mapping, not a string"),
        ("f.json", '{"WSGI_LAMBDA": [1]}', "WSGI_LAMBDA must be a mapping, not a list"),
        # The names of another file and of a module: neither is loaded.
        ("f.json", '"other.json"', "must be a mapping, not a string"),
        ("f.yaml", "broken:hunter2()", "must be a mapping, not a string"),
        ("f.yaml", "WSGI_LAMBDA: broken:x()", "WSGI_LAMBDA must be a mapping, not a string"),
    ],
)
def test_file_must_contain_a_mapping(name: str, text: str, message: str) -> None:
    write("other.json", JSON)
    write(name, text)
    for load in (load_configuration, lambda source: LambdaMiddleware(None, source)):
        with pytest.raises(ConfigError) as raised:
            load(name)
        assert raised.value.errors == (f"{name}: {message}",)


@pytest.mark.parametrize(("name", "text"), [("f.json", JSON), ("f.toml", TOML), ("f.yaml", YAML)])
def test_byte_order_mark_and_line_ends_of_windows_are_accepted(name: str, text: str) -> None:
    Path(name).write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert load_configuration(name) == CONFIGURATION


def test_yaml_mapping_may_be_merged_before_its_own_place_is_read() -> None:
    text = """
common: &common {timeout: 1}
outer: {inner: {later: &later {<<: *common, timeout: 2}}}
first: {<<: *later}
"""
    assert load_document(write("f.yaml", text))["outer"]["inner"]["later"] == {"timeout": 2}
    assert load_document("f.yaml")["first"] == {"timeout": 2}
    twice = "a: &a {x: 1}\nb: &b {y: 2}\nboth: {<<: *a, <<: *b}\n"
    assert load_document(write("f.yaml", twice))["both"] == {"x": 1, "y": 2}


def test_search_for_a_duplicate_name_is_linear() -> None:
    text = ",".join(f'"{number}": 1' for number in range(100_000))
    started = time.process_time()
    with pytest.raises(ConfigError, match="duplicate name '99999'"):
        load_document(write("f.json", f'{{{text}, "99999": 1}}'))
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("f.yaml", "a: 1\n---\nb: 2\n", "f.yaml: contains several YAML documents"),
        ("f.json", "{hunter2", "f.json: invalid JSON: Expecting property name"),
        ("f.json", "1" * 5000, "f.json: invalid JSON"),
        ("f.json", "[" * 100_000, "f.json: nested too deeply"),
        ("f.json", '{"a": {"b": "hunter2", "b": 1}}', "f.json: duplicate name 'b' in one object"),
        ("f.toml", "hunter2", "f.toml: invalid TOML (at end of document)"),
        ("f.toml", "a = 1\nb = = 'hunter2'\n", "f.toml: invalid TOML (at line 2, column"),
        ("f.toml", f"a = {'1' * 5000}", "f.toml: invalid TOML"),
        (
            "f.yaml",
            "a:\n  b: hunter2\n  c: 1\n  b: 1",
            "f.yaml: duplicate name 'b' in the mapping at line 2",
        ),
        ("f.yaml", "7: hunter2\n7: 1", "f.yaml: duplicate name '7' in the mapping at line 1"),
        ("f.py", "", "f.py: must be module:attribute, module:factory() or a .json"),
        ("f.yaml", "a: b\n- 'hunter2'", "f.yaml: invalid YAML (line 2)"),
        ("f.yaml", "a: !hunter2 b", "f.yaml: invalid YAML (line 1)"),
        ("f.yaml", "a: \x07hunter2", "f.yaml: invalid YAML"),
        ("f.yaml", "a: !!timestamp 2000-13-45", "f.yaml: invalid YAML"),
        ("f.ini", "", "f.ini: must be module:attribute, module:factory() or a .json, .toml"),
    ],
)
def test_invalid_file_is_one_line_that_quotes_nothing(name: str, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load_configuration(write(name, text))
    (line,) = raised.value.errors
    assert line.startswith(message)
    assert "hunter2" not in line


def test_python_file_gets_a_hint() -> None:
    with pytest.raises(ConfigError, match=r"; for a Python file, write settings:WSGI_LAMBDA$"):
        load_configuration("conf/settings.py")


def test_missing_file_is_reported_with_its_name() -> None:
    with pytest.raises(ConfigError, match=r"no\.json: No such file or directory"):
        load_document("no.json")


def test_file_must_be_utf_8() -> None:
    Path("latin.json").write_bytes(b'"\xe9"')
    with pytest.raises(ConfigError, match=r"latin\.json: invalid UTF-8 at byte 1"):
        load_document("latin.json")


@pytest.mark.parametrize("name", ["\0.json", "\ud800.json"])
def test_impossible_file_name_is_rejected(name: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load_document(name)
    assert raised.value.errors == (f"{name!r}: invalid file name",)


def test_text_can_be_prepared_before_it_is_parsed() -> None:
    assert load_document(write("f.json", "[X]"), lambda text: text.replace("X", "1")) == [1]


def test_yaml_without_its_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(ConfigError) as raised:
        load_document(write("f.yml", YAML))
    assert raised.value.errors == (
        "f.yml: YAML requires PyYAML: pip install '.[yaml]' in the checkout",
    )
