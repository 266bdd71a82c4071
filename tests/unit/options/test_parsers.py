"""Parsers of strings, numbers, choices and callables."""

import operator
import os
import sys

import pytest

from wsgi_lambda.options import parsers


def message(parse, value):
    with pytest.raises(ValueError) as raised:
        parse(value)
    return str(raised.value)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("secret", "a string"),
        (True, "a boolean"),
        (7, "a number"),
        (0.5, "a float"),
        (["secret"], "a list"),
        ({"secret": 1}, "a mapping"),
        (None, "None"),
        (b"secret", "bytes"),
    ],
)
def test_message_names_the_type_and_not_the_value(value, words):
    assert str(parsers.mismatch("a path", value)) == f"must be a path, not {words}"


@pytest.mark.parametrize("value", [["a"], ("a",), {"a"}, frozenset("a")], ids=str)
def test_list_of_strings_may_be_any_collection(value):
    assert parsers.strings(value) == ["a"]


@pytest.mark.parametrize("value", [[], (), set(), frozenset()], ids=str)
def test_empty_list_of_strings_is_rejected(value):
    assert message(parsers.strings, value) == "must be a non-empty list of strings"


@pytest.mark.parametrize("value", [2, 5])
def test_integer_includes_its_limits(value):
    assert parsers.integer(2, 5)(value) == value


@pytest.mark.parametrize("value", [1, 6])
def test_integer_outside_its_limits_is_rejected(value):
    assert message(parsers.integer(2, 5), value) == "must be an integer from 2 to 5"


def test_integer_without_an_upper_limit():
    assert parsers.integer(0)(10**30) == 10**30
    assert message(parsers.integer(0), -1) == "must be an integer of at least 0"


def test_boolean_is_not_an_integer():
    assert message(parsers.integer(0), True) == "must be an integer of at least 0, not a boolean"


def test_integer_is_not_a_boolean():
    assert message(parsers.boolean, 1) == "must be true or false, not a number"


def test_milliseconds_become_seconds():
    assert parsers.milliseconds(1500) == 1.5


def test_choice_is_case_sensitive():
    assert parsers.one_of("Tail", "None")("Tail") == "Tail"
    assert message(parsers.one_of("Tail", "None"), "tail") == "must be one of Tail, None"


def test_choice_that_yaml_reads_as_a_number_must_be_quoted():
    assert message(parsers.one_of("1.0"), 1.0) == 'must be a string: write "1.0" in quotes'


def test_methods_are_upper_case():
    assert parsers.methods(["get", "Post"]) == {"GET", "POST"}


def test_callable_is_accepted():
    assert parsers.function(operator.not_) is operator.not_


def test_imported_name_may_contain_dots():
    assert parsers.function("os:path.join") is os.path.join


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        pytest.param("def", "invalid syntax (", id="syntax"),
        pytest.param("raise RuntimeError('hunter2')", "RuntimeError (", id="exception"),
        pytest.param("import not_installed", "the module needs 'not_installed'", id="dependency"),
        pytest.param("", "the module has no such attribute", id="no-attribute"),
    ],
)
def test_cause_of_a_failed_import_is_named(text, cause, tmp_path, monkeypatch):
    (tmp_path / "broken_hook.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "broken_hook", raising=False)
    shown = message(parsers.function, "broken_hook:check")
    sys.modules.pop("broken_hook", None)
    assert shown.startswith(f"cannot be imported: {cause}")
    assert "hunter2" not in shown
