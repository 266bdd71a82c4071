"""Events of a view: the framework has routed the request, and knows template and values."""

from __future__ import annotations

import json
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder

from wsgi_lambda.config import read_configuration
from wsgi_lambda.errors import RequestError
from wsgi_lambda.event import EventBuilder
from wsgi_lambda.request import FrameworkValues, Request

V1 = {"awsgateway_compatible": True}
V2 = {**V1, "awsgateway_compatible_payload_version": "2.0"}
URI = {"forward_request_uri": True}
PAY = FrameworkValues(path_parameters={"order_id": "7"}, template="/pay/{order_id}")
HOME = FrameworkValues(path_parameters={}, template="/pay")
PATTERN = FrameworkValues(path_parameters={"order_id": "7"})


def event(framework: FrameworkValues, options: dict[str, Any], **request: Any) -> Any:
    config = {"aws_region": "us-east-1", "functions": {"pay": options}}
    (route,) = read_configuration(config, {}).functions
    environ = EnvironBuilder("/pay/7", method="POST", **request).get_environ()
    return json.loads(EventBuilder(route).build(Request(environ, framework=framework)))


def test_values_are_laid_over_query_and_body() -> None:
    query = {"order_id": "8", "a": "1"}
    assert event(PAY, {}, query_string=query, data={"order_id": "9", "b": "2"}) == {
        "order_id": "7",
        "a": "1",
        "b": "2",
    }


def test_values_cannot_be_joined_with_an_array() -> None:
    assert event(HOME, {}, json=[1]) == [1]
    with pytest.raises(RequestError):
        event(PAY, {}, json=[1])


def test_forwarded_uri_has_the_values() -> None:
    assert event(PAY, URI)["request_path_parameters"] == {"order_id": "7"}
    assert "request_path_parameters" not in event(HOME, URI)


@pytest.mark.parametrize(
    ("framework", "resource", "parameters"),
    [
        (PAY, "/pay/{order_id}", {"order_id": "7"}),
        (HOME, "/pay", None),
        (PATTERN, "/pay/7", {"order_id": "7"}),
    ],
    ids=["variable", "no-variable", "regular-expression"],
)
def test_payload_1(framework: FrameworkValues, resource: str, parameters: Any) -> None:
    made = event(framework, V1)
    assert made["resource"] == made["requestContext"]["resourcePath"] == resource
    assert (made["path"], made["pathParameters"]) == ("/pay/7", parameters)


@pytest.mark.parametrize(
    ("framework", "key", "parameters"),
    [
        (PAY, "POST /pay/{order_id}", {"order_id": "7"}),
        (HOME, "POST /pay", None),
        (PATTERN, "$default", {"order_id": "7"}),
    ],
    ids=["variable", "no-variable", "regular-expression"],
)
def test_payload_2(framework: FrameworkValues, key: str, parameters: Any) -> None:
    made = event(framework, V2)
    assert made["routeKey"] == made["requestContext"]["routeKey"] == key
    assert (made["rawPath"], made.get("pathParameters")) == ("/pay/7", parameters)


def test_add_path_applies_to_views() -> None:
    assert event(PAY, {**V1, "add_path": "/v1"})["path"] == "/v1/pay/7"
