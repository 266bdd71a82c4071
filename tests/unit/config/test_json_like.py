"""A file contains what JSON can contain, and describes not much more than its text shows."""

from pathlib import Path

import pytest

from wsgi_lambda.cli import main
from wsgi_lambda.config.files import load_document
from wsgi_lambda.config.json_like import MOST_LEVELS
from wsgi_lambda.errors import ConfigError

TENFOLD = "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
BOMB = "a0: &a0 [x, x]\n" + TENFOLD


@pytest.fixture(autouse=True)
def _in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def load(name, text):
    Path(name).write_text(text, encoding="utf-8")
    return load_document(name)


@pytest.mark.parametrize(
    ("name", "text", "cause"),
    [
        ("f.yml", BOMB, "its aliases describe a document many times as large as the file"),
        ("f.yml", f"s: &s {'x' * 5000}\nb: [{'*s, ' * 5000}]", "its aliases describe"),
        ("f.yml", "a: &a [*a]", "nested too deeply"),
        ("f.yml", "[" * (MOST_LEVELS + 1) + "]" * (MOST_LEVELS + 1), "nested too deeply"),
        ("f.yml", "a: !!binary aGFsbG8=", "a value of type bytes, which JSON does not have"),
        ("f.yml", "!!set {a, b}", "a value of type set"),
        ("f.yml", "a: !!timestamp 2026-01-01", "a value of type date"),
        ("f.yml", "!!timestamp 2026-01-01: a", "a value of type date"),
        ("f.yml", "a: .nan", "a number that is not finite"),
        ("f.yml", "a: 0x" + "f" * 5000, "an integer with thousands of digits"),
        ("f.toml", "a = 2026-01-01", "a value of type date"),
        ("f.json", '{"a": "\\ud800"}', "half a surrogate pair"),
    ],
)
def test_document_that_is_not_like_json_is_rejected(name, text, cause):
    with pytest.raises(ConfigError, match=cause) as caught:
        load(name, text)
    assert caught.value.errors[0].startswith(f"{name}: ")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("f.yml", "created: 2026-01-01\nat: 2026-01-01T10:00:00Z", None),
        ("f.yml", "a: &a {b: [1, 2.5, null, true]}\nc: *a", None),
        ("f.yml", "404: a", {404: "a"}),
        ("f.json", '{"a": "\\ud83d\\ude00 é"}', {"a": "😀 é"}),
    ],
)
def test_document_that_is_like_json_is_loaded(name, text, value):
    expected = (
        value
        or {
            "created": {"created": "2026-01-01", "at": "2026-01-01T10:00:00Z"},
            "a": {"a": {"b": [1, 2.5, None, True]}, "c": {"b": [1, 2.5, None, True]}},
        }[text.partition(":")[0]]
    )
    assert load(name, text) == expected


def test_import_of_a_hostile_file_is_one_printable_line(capfd):
    kong = "services: [{routes: [{plugins: [{name: aws-lambda, config: {function_name: *a8}}]}]}]"
    Path("kong.yml").write_text(f"_format_version: '3.0'\n{BOMB}{kong}\n", encoding="utf-8")
    assert main(["import-kong", "kong.yml"]) == 2
    shown = capfd.readouterr()
    assert (shown.out, shown.err.count("\n")) == ("", 1)


def test_report_of_an_import_cannot_command_a_terminal(capfd):
    name = '"\\e[2J\\r\\u202e"'
    Path("kong.yml").write_text(
        "_format_version: '3.0'\n"
        f"services: [{{name: {name}, routes: [{{name: {name}, paths: [/a], plugins: ["
        f"{{name: aws-lambda, config: {{function_name: {name}, {name}: 1}}}}, "
        f"{{name: {name}}}]}}]}}]",
        encoding="utf-8",
    )
    for form in ("python", "json"):
        assert main(["import-kong", "--format", form, "--report", "text", "kong.yml"]) == 1
        shown = capfd.readouterr()
        lines = (shown.out + shown.err).split("\n")
        assert [line for line in lines if not line.isprintable()] == []
