"""The documentation of every option is complete, and its types and defaults are the real ones."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.tools.options_page import PAGE, options_page
from wsgi_lambda import ConfigError
from wsgi_lambda.config import read_routes
from wsgi_lambda.options import GROUPS, OPTIONS, WholeOptions
from wsgi_lambda.options.declaration import OptionGroup

UNITS = {"KiB": 1024, "MiB": 1024 * 1024}  # bytes


def shown(name: str, what: str) -> str:
    """Return ``type_name``, ``default_doc`` or ``doc`` of an option."""
    text: str = getattr(OPTIONS[name], what)
    return text


def read_default(text: str) -> Any:
    """Return the value that a documented default stands for."""
    if text == "none":
        return None
    if text.startswith("`"):
        return text.strip("`").replace("<region>", "us-east-1")
    if sizes := re.findall(r"(\d+) ([KM]iB)", text):
        return sum(int(number) * UNITS[unit] for number, unit in sizes)
    return json.loads(text)


def actual_default(name: str, **options: Any) -> Any:
    """Return the value in a route that does not set ``name``; None if it is empty."""
    config = {"routes": {"/f": {"function_name": "f", "aws_region": "us-east-1", **options}}}
    (route,) = read_routes(config, environ={})
    groups = [value for value in route if isinstance(value, OptionGroup)]
    value = next(getattr(group, name) for group in groups if hasattr(group, name))
    if shown(name, "type_name") == "milliseconds" and value is not None:
        return value * 1000
    return None if value in ("", (), frozenset()) else value


def test_page_on_disk_is_what_make_docs_writes() -> None:
    assert PAGE.read_text(encoding="utf-8") == options_page()


def test_page_has_a_row_for_every_option_in_order() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", options_page(), re.MULTILINE)
    assert rows == [name for group in (*GROUPS, WholeOptions) for name in group.options]


@pytest.mark.parametrize("name", OPTIONS)
def test_row_has_four_cells(name: str) -> None:
    (row,) = re.findall(rf"^\| `{name}` \|.*\|$", options_page(), re.MULTILINE)
    assert row.count("|") == 5


@pytest.mark.parametrize("name", sorted(set(OPTIONS) - {"function_name", "aws_region"}))
def test_documented_default_is_the_real_one(name: str) -> None:
    default = read_default(shown(name, "default_doc"))
    actual = actual_default(name)
    # False equals 0 in Python.
    assert (type(default) is bool, default) == (type(actual) is bool, actual)


def test_function_name_is_documented_as_required_and_is() -> None:
    assert shown("function_name", "default_doc") == "required"
    with pytest.raises(ConfigError, match="function_name: required"):
        read_routes({"routes": {"/f": {"aws_region": "us-east-1"}}}, environ={})


def test_region_is_read_from_the_documented_variables() -> None:
    assert "else `AWS_REGION`, else `AWS_DEFAULT_REGION`" in shown("aws_region", "doc")
    config = {"routes": {"/f": {"function_name": "f"}}}
    with pytest.raises(ConfigError, match="aws_region"):
        read_routes(config, environ={})
    environ = {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2"}
    assert read_routes(config, environ=environ)[0].target.aws_region == "eu-west-1"


def test_defaults_that_depend_on_another_option_are_documented() -> None:
    assert "with `Event` is 1 MiB" in shown("max_payload_size", "doc")
    assert actual_default("max_payload_size", invocation_type="Event") == read_default("1 MiB")
    assert "with `disable_https` is 80" in shown("port", "doc")
    assert actual_default("port", disable_https=True) == 80
    assert "with `authorize` is true" in shown("reject_unparsed_body", "doc")
    assert actual_default("reject_unparsed_body", authorize="operator:not_") is True


@pytest.mark.parametrize("name", [name for name in OPTIONS if "`" in shown(name, "type_name")])
def test_documented_choices_are_the_real_ones(name: str) -> None:
    choices = re.findall(r"`([^`]+)`", shown(name, "type_name"))
    parse = OPTIONS[name].parse
    assert [parse(choice) for choice in choices] == choices
    with pytest.raises(ValueError, match="must be one of") as raised:
        parse("something else")
    assert str(raised.value) == f"must be one of {', '.join(choices)}"


@pytest.mark.parametrize("name", [name for name in OPTIONS if " to " in shown(name, "type_name")])
def test_documented_range_is_the_real_one(name: str) -> None:
    least, most = map(int, shown(name, "type_name").split(" to "))
    parse = OPTIONS[name].parse
    assert (parse(least), parse(most)) == (least, most)
    for outside in (least - 1, most + 1):
        with pytest.raises(ValueError, match=f"from {least} to {most}"):
            parse(outside)


def test_mark_for_botocore_is_explained() -> None:
    marked = [name for name in OPTIONS if "¹" in shown(name, "doc")]
    assert "aws_assume_role_arn" in marked
    assert "* ¹ requires botocore: `pip install '.[aws]'` in the checkout." in options_page()
