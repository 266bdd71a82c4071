"""References to the environment: decK's templates and Kong's vaults."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.unit.kong_import.kong_files import imported
from wsgi_lambda.kong_import.variables import (
    Foreign,
    Joined,
    Variable,
    first_foreign,
    foreign_template,
    mark_templates,
    read_value,
)
from wsgi_lambda.kong_import.writer import as_python


@pytest.mark.parametrize(
    ("written", "value", "code"),
    [
        pytest.param(
            '${{ env "DECK_X" }}', Variable("DECK_X"), 'os.environ["DECK_X"]', id="without quotes"
        ),
        pytest.param(
            '"${{ env "DECK_X" }}"', Variable("DECK_X"), 'os.environ["DECK_X"]', id="in quotes"
        ),
        pytest.param(
            "'${{env `DECK_X`}}'", Variable("DECK_X"), 'os.environ["DECK_X"]', id="in backquotes"
        ),
        pytest.param(
            'a-${{ env "DECK_X" }}-b',
            Joined(("a-", Variable("DECK_X"), "-b")),
            '"a-" + os.environ["DECK_X"] + "-b"',
            id="inside a string",
        ),
        pytest.param(
            '${{ env "DECK_X" | toInt }}',
            Variable("DECK_X", convert="toInt"),
            'int(os.environ["DECK_X"])',
            id="toInt",
        ),
        pytest.param(
            '${{ env "DECK_X" | toFloat }}',
            Variable("DECK_X", convert="toFloat"),
            'float(os.environ["DECK_X"])',
            id="toFloat",
        ),
        pytest.param(
            '${{ env "DECK_X" | toBool }}',
            Variable("DECK_X", convert="toBool"),
            'os.environ["DECK_X"] in ("1", "t", "T", "true", "TRUE", "True")',
            id="toBool",
        ),
        pytest.param(
            '"{vault://env/my-secret}"',
            Variable("MY_SECRET"),
            'os.environ["MY_SECRET"]',
            id="vault",
        ),
        pytest.param(
            '"{vault://env/my-secret/a-key}"',
            Variable("MY_SECRET", key="a-key"),
            'json.loads(os.environ["MY_SECRET"])["a-key"]',
            id="key in a vault's value",
        ),
        pytest.param(
            '"{vault://mine/x}"',
            Variable("KONG_X"),
            'os.environ["KONG_X"]',
            id="vault with a prefix",
        ),
    ],
)
def test_reference_becomes_an_expression(written: str, value: object, code: str) -> None:
    text = f"""
vaults: [{{name: env, prefix: mine, config: {{prefix: kong_}}}}]
routes: [{{paths: [/], plugins: [{{name: aws-lambda, config: {{function_name: {written}}}}}]}}]
"""
    configuration = imported(text).configuration
    assert configuration["routes"]["/"] == {"function_name": value}
    assert f'"function_name": {code},\n' in as_python(configuration)


def test_references_are_found_at_any_depth() -> None:
    value = {"a": ["⟪DECK_X⟫", 1.0, 1.5, None], "b": {"c": "{vault://env/y}"}}
    assert read_value(value, {"env": ""}) == {
        "a": [Variable("DECK_X"), 1, 1.5, None],
        "b": {"c": Variable("Y")},
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("${A}", Variable("A")),
        ("$A", Variable("A")),
        ("$region", Variable("region")),
        ("a-${A}-$B.c", Joined(("a-", Variable("A"), "-", Variable("B"), ".c"))),
        ("a$b", "a$b"),
        ("f:$LATEST", "f:$LATEST"),
        ("$LATEST", "$LATEST"),
        ("~/a$", "~/a$"),
        ("$1", "$1"),
    ],
)
def test_placeholder_of_a_shell_is_a_variable(value: str, expected: object) -> None:
    assert read_value(value) == expected


def test_placeholder_of_a_shell_may_be_invalid_yaml() -> None:
    text = "routes: [{plugins: [{name: aws-lambda, config: {function_name: ${F}, timeout: ${T}}}]}]"
    code = as_python(imported(text).configuration)
    assert '"function_name": os.environ["F"],' in code
    assert '"timeout": int(os.environ["T"]),' in code


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("%env(A)%", "%env(…)%"),
        ("{{ .A }}", "{{ … }}"),
        ("a-{{ .Values.a.b }}", "{{ … }}"),
        ("${{ secrets.A }}", "{{ … }}"),
        ("${a.b}", "${…}"),
        ("${A:-b}", "${…}"),
        ("$(A)", "$(…)"),
        ("#{A}#", "#{…}"),
        ("<your function>", "<…>"),
        ({"a": ["b", "%env(A)%"]}, "%env(…)%"),
        ("a", ""),
        ("a<b>", ""),
        ("${A}", ""),
        ("$A", ""),
        ('${{ env "DECK_A" }}', ""),
        ("{vault://env/a}", ""),
        (1, ""),
    ],
    ids=str,
)
@pytest.mark.parametrize("prepare", [str, mark_templates], ids=["value", "text of a file"])
def test_placeholder_of_another_tool_is_named_by_its_form(
    value: object, form: str, prepare: Callable[[str], str]
) -> None:
    if isinstance(value, str):
        value = mark_templates(value) if "env" in value else prepare(value)
    assert foreign_template(value) == form


def test_first_placeholder_of_another_tool_has_a_line() -> None:
    text = 'a: ${A}\nb: ${{ env "DECK_B" }}\nc: %env(C)%\nd: {{ .D }}\n'
    assert first_foreign(text) == Foreign("%env(…)%", 3)
    assert first_foreign("a: ${A}") is None
