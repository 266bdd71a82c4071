"""References to the environment: decK's templates and Kong's vaults."""

from __future__ import annotations

import pytest

from tests.unit.kong_import.kong_files import imported
from wsgi_lambda.kong_import.variables import (
    Joined,
    Variable,
    has_shell_placeholder,
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
        ("${A}", True),
        ("a-${A}", True),
        ({"a": ["b", "${A}"]}, True),
        ("$A", False),
        ("⟪A⟫", False),
        (1, False),
    ],
    ids=str,
)
def test_shell_placeholder_is_a_name_in_braces(value: object, expected: bool) -> None:
    assert has_shell_placeholder(value) is expected
