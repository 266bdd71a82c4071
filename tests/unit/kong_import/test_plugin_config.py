"""The configuration of an aws-lambda plugin becomes options of an entry."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.kong_import.kong_files import (
    FUNCTION,
    PLUGIN,
    entry_of,
    imported,
    notes_of,
    places,
    plugin,
    route,
)
from wsgi_lambda.kong_import.notes import Kind, report
from wsgi_lambda.kong_import.plugin_config import template_text
from wsgi_lambda.kong_import.writer import as_python


def config_notes(**options: Any) -> list[tuple[Kind, str, str]]:
    return notes_of(routes=[{"paths": ["/"], "plugins": [plugin(**options)]}])


@pytest.mark.parametrize(
    ("config", "options"),
    [
        pytest.param(
            {"timeout": 60000.0, "keepalive": None, "port": 443, "log_type": "Tail"},
            {},
            id="defaults and null",
        ),
        pytest.param(
            {"aws_imds_protocol_version": "v1", "awsgateway_compatible": False},
            {},
            id="defaults of Kong",
        ),
        pytest.param({"timeout": 1000.0}, {"timeout": 1000}, id="whole number with a point"),
        ({"forward_request_body": True}, {"forward_request_body": True}),
        ({"forward_request_body": False}, {}),
        pytest.param({"unhandled_status": 150}, {}, id="status below 200"),
        ({"unhandled_status": 412}, {"unhandled_status": 412}),
        ({"skip_large_bodies": False}, {"skip_large_bodies": False}),
        ({"empty_arrays_mode": "legacy"}, {"empty_arrays_mode": "legacy"}),
        pytest.param(
            {"disable_https": True}, {"disable_https": True, "port": 443}, id="HTTP on port 443"
        ),
        ({"disable_https": True, "port": 80}, {"disable_https": True, "port": 80}),
        ({"port": 8443}, {"port": 8443}),
        pytest.param({"methods": ["GET"], "brand_new": 1}, {}, id="unknown options"),
        ({"aws_key": "AKID", "aws_secret": "s"}, {"aws_key": "AKID", "aws_secret": "s"}),
    ],
)
def test_options_are_imported(config: dict[str, Any], options: dict[str, Any]) -> None:
    assert entry_of(**config) == {**FUNCTION, **options}


@pytest.mark.parametrize(
    ("config", "kind", "text"),
    [
        ({"brand_new": 1}, Kind.NOT_IMPORTED, "no equivalent here"),
        ({"strip_path": True}, Kind.NOT_IMPORTED, "no equivalent here"),
        (
            {"Functon_name": "g"},
            Kind.NOT_IMPORTED,
            "unknown option; did you mean 'function_name'?",
        ),
        ({"strip_paths": True}, Kind.NOT_IMPORTED, "no equivalent here"),
        (
            {"unhandled_status": 199},
            Kind.NOT_IMPORTED,
            "not a final HTTP status; choose one from 200 on",
        ),
        (
            {"aws_secret": "hunter2"},
            Kind.ADVICE,
            "in plain text: better remove it here, and set it in the environment",
        ),
        (
            {"aws_secret": "{vault://aws/hunter2}"},
            Kind.NOT_IMPORTED,
            "unsupported vault reference; set the option by hand",
        ),
        ({"aws_secret": "%env(hunter2)%"}, Kind.ERROR, template_text("%env(…)%")),
        (
            {"keepalive": 0},
            Kind.DIFFERENCE,
            "in Kong 0 keeps idle connections without a limit; here it keeps none",
        ),
        (
            {"qualifier": ["v1"]},
            Kind.ADVICE,
            "a list with one value, which Kong rejects; imported as that value",
        ),
    ],
    ids=[
        "unknown",
        "not of the plugin",
        "misspelt",
        "misspelt, and not of the plugin",
        "status",
        "plain secret",
        "vault",
        "placeholder",
        "no keepalive",
        "list",
    ],
)
def test_option_that_needs_attention_is_noted(
    config: dict[str, Any], kind: Kind, text: str
) -> None:
    (name,) = config
    place = f"routes[0].plugins[0] (aws-lambda): config.{name}"
    assert config_notes(**config) == [(kind, place, text)]


@pytest.mark.parametrize(
    "config",
    [
        {"brand_new": None, "timeout": 60000, "port": 443},
        {"aws_imds_protocol_version": "v1", "awsgateway_compatible": False},
    ],
    ids=["null and defaults", "defaults of Kong"],
)
def test_default_is_not_noted(config: dict[str, Any]) -> None:
    assert config_notes(**config) == []


def test_role_session_name_has_kongs_default() -> None:
    entry = entry_of(aws_assume_role_arn="arn:aws:iam::123456789012:role/r")
    assert entry["aws_role_session_name"] == "kong"


@pytest.mark.parametrize(
    ("option", "value"), [("empty_arrays_mode", "correct"), ("aws_region", "us-east-1")]
)
def test_missing_option_is_noted_once_for_all_plugins(option: str, value: str) -> None:
    lines = report(imported(routes=[route(), route(path="/a/")]).notes)
    assert len([line for line in lines if option in line]) == 1
    lines = report(imported(routes=[{"plugins": [plugin(**{option: value})]}]).notes)
    assert [line for line in lines if option in line] == []


def test_fields_of_a_plugin_that_are_not_imported_are_noted() -> None:
    own = {**PLUGIN, "ordering": {"before": {}}, "protocols": ["https"], "condition": None}
    assert [(kind, place) for kind, place, _ in notes_of(routes=[{"plugins": [own]}])] == [
        (Kind.NOT_IMPORTED, "routes[0].plugins[0] (aws-lambda): ordering"),
        (Kind.PROTECTION, "routes[0].plugins[0] (aws-lambda): protocols"),
    ]


@pytest.mark.parametrize(
    ("field", "name", "kind"),
    [
        pytest.param(
            """enabled: '${{ env "DECK_X" }}'""",
            "enabled",
            Kind.PROTECTION,
            id="enabled",
        ),
        pytest.param("protocols: [https]", "protocols", Kind.PROTECTION, id="HTTPS only"),
        pytest.param("protocols: [grpcs, https]", "protocols", Kind.PROTECTION, id="no HTTP"),
        pytest.param("protocols: [http]", "protocols", Kind.DIFFERENCE, id="plain HTTP only"),
    ],
)
def test_plugin_that_ran_for_some_requests_only_is_noted(field: str, name: str, kind: Kind) -> None:
    text = f"""
routes:
- paths: [/]
  plugins: [{{name: aws-lambda, config: {{function_name: f}}, {field}}}]
"""
    assert places(kind, text) == [f"routes[0].plugins[0] (aws-lambda): {name}"]


@pytest.mark.parametrize(
    ("option", "code"),
    [
        ("timeout", 'int(os.environ["DECK_X"])'),
        ("port", 'int(os.environ["DECK_X"])'),
        ("unhandled_status", 'int(os.environ["DECK_X"])'),
        ("disable_https", 'os.environ["DECK_X"] in ("1", "t", "T", "true", "TRUE", "True")'),
        ("aws_region", 'os.environ["DECK_X"]'),
    ],
)
def test_variable_gets_the_type_of_its_option(option: str, code: str) -> None:
    """decK inserts the text without quotes, so that YAML reads a number or a boolean."""
    text = f"""
routes:
- paths: [/]
  plugins:
  - {{name: aws-lambda, config: {{function_name: f, {option}: '${{{{ env "DECK_X" }}}}'}}}}
"""
    assert f'"{option}": {code},\n' in as_python(imported(text).configuration)


@pytest.mark.parametrize(
    "reference",
    [
        "{vault://aws/x}",
        "{vault://env/x?prefix=y}",
        "{vault://env/a/b/c}",
        "{vault://env/a.b}",
        "x{vault://env/a}",
    ],
)
def test_unsupported_vault_reference_is_not_imported(reference: str) -> None:
    assert entry_of(qualifier=reference) == FUNCTION
    text = "unsupported vault reference; set the option by hand"
    ((kind, _, found),) = config_notes(qualifier=reference)
    assert (kind, found) == (Kind.NOT_IMPORTED, text)
