"""Values that are valid, but probably a mistake, are logged."""

import botocore.session
import pytest

from tests.unit.configurations import REGION, read_route
from wsgi_lambda import LambdaMiddleware
from wsgi_lambda.config import read_routes
from wsgi_lambda.config.unlikely_values import REGIONS


def logged(caplog):
    return [(record.levelname, record.getMessage()) for record in caplog.records]


def test_list_of_regions_is_botocore_s():
    session = botocore.session.Session()
    partitions = session.get_available_partitions()
    assert {
        region
        for partition in partitions
        for region in session.get_available_regions("lambda", partition_name=partition)
    } == REGIONS


@pytest.mark.parametrize(
    ("region", "near"),
    [
        ("us-esat-1", "us-east-1"),
        ("us-east1", "us-east-1"),
        ("us-east-1a", "us-east-1"),
        ("eu-cental-1", "eu-central-1"),
        ("us-gov-esat-1", "us-gov-east-1"),
        ("cn-nort-1", "cn-north-1"),
    ],
)
def test_misspelt_region_is_logged_once_with_a_near_match(region, near, caplog):
    own = {"function_name": "f"}
    config = {"aws_region": region, "routes": {"/a": own, "/b": own}}
    assert {route.target.aws_region for route in read_routes(config)} == {region}
    text = f"the region {region} is unknown; did you mean {near}?"
    assert logged(caplog) == [("WARNING", text)]


@pytest.mark.parametrize("region", ["us-east-1", "moon-1", "local-1", "eusc-de-east-1"])
def test_region_that_resembles_no_other_is_not_logged(region, caplog):
    assert read_route(aws_region=region).target.aws_region == region
    assert logged(caplog) == []


@pytest.mark.parametrize(
    ("method", "near"),
    [("PSOT", "POST"), ("gte", "GET"), ("GETT", "GET"), ("DELTE", "DELETE"), ("OPTION", "OPTIONS")],
)
def test_misspelt_method_is_logged_once_with_a_near_match(method, near, caplog):
    own = {"function_name": "f", "methods": [method, "HEAD"]}
    read_routes({"routes": {"/a": own, "/b": own}}, REGION)
    text = f"the method {method.upper()} is unknown; did you mean {near}?"
    assert logged(caplog) == [("WARNING", text)]


@pytest.mark.parametrize("method", ["PURGE", "QUERY", "ORDERPATCH", "X"])
def test_method_that_is_registered_or_resembles_no_other_is_not_logged(method, caplog):
    read_routes({"routes": {"/a": {"function_name": "f", "methods": [method]}}}, REGION)
    assert logged(caplog) == []


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/users/:id", ["id"]),
        ("/:shop/items/:id/", ["shop", "id"]),
        ("/items:batch", []),
        ("/:id.json", []),
        ("/a/:", []),
        ("/{id}/:7", []),
    ],
)
def test_parameter_written_as_in_express_is_logged_once(path, names, caplog):
    own = {"function_name": "f"}
    read_routes({"routes": {path: [{**own, "methods": ["GET"]}, own]}}, REGION)
    path = path.rstrip("/")
    assert logged(caplog) == [
        ("WARNING", f"the path {path} contains ':{name}' literally; a parameter is {{{name}}}")
        for name in names
    ]


@pytest.mark.parametrize("timeout", [1, 5, 99])
def test_timeout_that_may_be_meant_in_seconds_is_logged_once(timeout, caplog):
    routes = {"/a": {"timeout": 50_000}, "/b": {"timeout": 99}, "/c": {"timeout": timeout}}
    read_routes({"function_name": "f", "routes": routes}, REGION)
    path = "/b" if timeout == 99 else "/c"
    text = (
        f"the timeout of the route {path} is {timeout} ms; the unit of this option is milliseconds"
    )
    assert logged(caplog) == [("WARNING", text)]


def test_timeout_of_a_tenth_of_a_second_is_not_logged(caplog):
    assert read_route(timeout=100).target.timeout == 0.1
    assert logged(caplog) == []


@pytest.mark.parametrize("config", [{}, {"routes": None}, {"routes": {}}])
def test_configuration_without_routes_is_logged_once(config, caplog):
    app = LambdaMiddleware(None, config)
    assert app.dispatcher.backends == ()
    assert logged(caplog) == [("WARNING", "no routes are configured")]
