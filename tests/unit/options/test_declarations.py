"""Every option has a default, is parsed, and rejects invalid values."""

import operator

import pytest

from tests.unit.configurations import REGION, ROLE, option_value, read_route
from tests.unit.options.invalid_values import INVALID
from wsgi_lambda.config import read_routes
from wsgi_lambda.options import OPTIONS, HandlerName, parsers
from wsgi_lambda.options.aws_names import Tenant
from wsgi_lambda.options.declaration import OptionGroup, option
from wsgi_lambda.options.headers import HeaderCondition
from wsgi_lambda.options.paths import Segment


def test_option_that_is_not_set_has_its_default():
    groups = read_route()._asdict()
    assert (groups.pop("path").segments, groups.pop("name")) == ((Segment("a"),), "")
    assert groups.pop("is_local") is False
    assert {name: group.values() for name, group in groups.items()} == {
        "match": {
            "exact": False,
            "methods": frozenset(),
            "hosts": (),
            "headers": (),
            "consumers": frozenset(),
            "authorize": None,
        },
        "target": {
            "function_name": "pay",
            "qualifier": None,
            "aws_region": "eu-north-1",
            "invocation_type": "RequestResponse",
            "invoke_mode": "BUFFERED",
            "log_type": "Tail",
            "timeout": 60.0,
            "retries": 0,
            "max_concurrency": None,
            "tenant_id": None,
            "client_context": None,
        },
        "identity": {
            "aws_key": None,
            "aws_secret": None,
            "aws_session_token": None,
            "aws_assume_role_arn": None,
            "aws_role_session_name": "wsgi_lambda",
            "aws_external_id": None,
            "aws_sts_endpoint_url": None,
            "aws_imds_protocol_version": "v1",
        },
        "transport": {
            "host": "lambda.eu-north-1.amazonaws.com",
            "port": 443,
            "disable_https": False,
            "tls_verify": True,
            "proxy_url": None,
            "keepalive": 60.0,
            "pool_size": 100,
        },
        "event": {
            "forward_request_method": False,
            "forward_request_uri": False,
            "forward_request_headers": False,
            "forward_request_body": False,
            "base64_encode_body": True,
            "awsgateway_compatible": False,
            "awsgateway_compatible_payload_version": "1.0",
            "strip_path": False,
            "add_path": None,
            "skip_large_bodies": True,
            "max_payload_size": 6_291_456,
            "reject_unparsed_body": False,
            "max_arguments": 1000,
        },
        "response": {
            "is_proxy_integration": False,
            "unhandled_status": None,
            "empty_arrays_mode": "correct",
            "max_response_size": 6_356_992,
            "on_error": None,
            "expose_log_result": False,
            "expose_stack_trace": False,
        },
        "local": {"handler": None, "handler_timeout": None, "handler_concurrency": 1},
    }


#: What an option is made of where it is given, by its name.
GIVEN = {
    "methods": (["get", "POST"], frozenset({"GET", "POST"})),
    "hosts": (["Shop.Test", "*.eu.test:8443"], ("shop.test", "*.eu.test:8443")),
    "consumers": (("alice", "Zoë"), frozenset({"alice", "Zoë"})),
    "authorize": ("operator:not_", operator.not_),
    "function_name": ("orders", "orders"),
    "qualifier": ("$LATEST", "$LATEST"),
    "aws_region": ("us-west-2", "us-west-2"),
    "invocation_type": ("Event", "Event"),
    "invoke_mode": ("RESPONSE_STREAM", "RESPONSE_STREAM"),
    "log_type": ("None", "None"),
    "timeout": (1500, 1.5),
    "aws_assume_role_arn": (ROLE, ROLE),
    "aws_role_session_name": ("shop@eu", "shop@eu"),
    "aws_external_id": ("a:b/7", "a:b/7"),
    "aws_sts_endpoint_url": ("http://127.0.0.1:4566", "http://127.0.0.1:4566"),
    "aws_imds_protocol_version": ("v2", "v2"),
    "retries": (10, 10),
    "max_concurrency": (1, 1),
    "tenant_id": ("blue team/7", Tenant("blue team/7")),
    # {"a": 1} in base64.
    "client_context": ({"a": 1}, "eyJhIjogMX0="),
    "host": ("Lambda.Test", "lambda.test"),
    "port": (8443, 8443),
    "disable_https": (True, True),
    "tls_verify": (False, False),
    "proxy_url": ("http://ann:p%40ss@proxy.test:3128", "http://ann:p%40ss@proxy.test:3128"),
    "keepalive": (0, 0),
    "pool_size": (1, 1),
    "forward_request_method": (True, True),
    "forward_request_uri": (True, True),
    "forward_request_headers": (True, True),
    "forward_request_body": (True, True),
    "base64_encode_body": (False, False),
    "awsgateway_compatible": (True, True),
    "awsgateway_compatible_payload_version": ("2.0", "2.0"),
    "strip_path": (True, True),
    "add_path": ("/internal/v2", "/internal/v2"),
    "exact": (True, True),
    "headers": ({"X-A": ["B"]}, (HeaderCondition("x-a", frozenset("b")),)),
    "skip_large_bodies": (False, False),
    "max_payload_size": (1, 1),
    "reject_unparsed_body": (True, True),
    "max_arguments": (1, 1),
    "is_proxy_integration": (True, True),
    "unhandled_status": (999, 999),
    "empty_arrays_mode": ("legacy", "legacy"),
    "max_response_size": (1, 1),
    "on_error": ("operator:eq", operator.eq),
    "expose_log_result": (True, True),
    "expose_stack_trace": (True, True),
    "handler": ("src/app.handler", HandlerName("src/app", "handler")),
    "handler_timeout": (3000, 3.0),
    "handler_concurrency": (2, 2),
}


@pytest.mark.parametrize("name", GIVEN)
def test_option_of_a_route_is_parsed(name):
    given, meant = GIVEN[name]
    assert option_value(read_route(**{name: given}), name) == meant


@pytest.mark.parametrize("name", GIVEN)
def test_option_at_the_top_is_the_default_for_all_routes(name):
    given, meant = GIVEN[name]
    own = {} if name == "function_name" else {"function_name": "pay"}
    routes = read_routes({name: given, "routes": {"/a": own, "/b": own}}, REGION)
    assert [option_value(route, name) for route in routes] == [meant, meant]


def test_every_option_has_a_valid_value_here():
    assert {*GIVEN, "aws_key", "aws_secret", "aws_session_token"} == set(OPTIONS)


def test_every_option_has_an_invalid_value_here():
    assert {name for name, _, _ in INVALID.values()} == set(OPTIONS)


@pytest.mark.parametrize("name", sorted(set(OPTIONS) - {"function_name"}))
def test_none_means_not_set(name):
    assert read_route(defaults={name: None}, **{name: None}) == read_route()


def test_kong_configuration_can_be_pasted():
    pasted = {
        "aws_key": "AKIDEXAMPLE",
        "aws_secret": "secret",
        "aws_region": "us-east-1",
        "base64_encode_body": True,
        "disable_https": False,
        "empty_arrays_mode": "legacy",
        "forward_request_body": False,
        "forward_request_headers": True,
        "forward_request_method": False,
        "forward_request_uri": False,
        "function_name": "MyLambda",
        "host": None,
        "invocation_type": "RequestResponse",
        "is_proxy_integration": None,
        "keepalive": 60000,
        "log_type": "Tail",
        "port": 443,
        "qualifier": None,
        "skip_large_bodies": True,
        "timeout": 60000,
        "unhandled_status": None,
    }
    assert read_route(environ={}, **pasted) == read_route(
        environ={},
        function_name="MyLambda",
        aws_key="AKIDEXAMPLE",
        aws_secret="secret",
        aws_region="us-east-1",
        forward_request_headers=True,
        empty_arrays_mode="legacy",
    )


def test_asynchronous_event_may_be_one_mebibyte():
    assert read_route(invocation_type="Event").event.max_payload_size == 1_048_576


class Sample(OptionGroup):
    """Two options, one of them secret."""

    pool: int = option(parsers.integer(1), 10, type_name="integer", doc="A number")
    key: str | None = option(parsers.secret, type_name="string", doc="A secret")


def test_group_has_the_values_given_and_the_defaults_of_others():
    assert Sample(key="k").values() == {"pool": 10, "key": "k"}
    assert Sample(key="k").replace(pool=2).values() == {"pool": 2, "key": "k"}


def test_group_has_no_undeclared_option():
    with pytest.raises(TypeError, match=r"Sample has no options \['pol'\]"):
        Sample(pol=2)


def test_group_is_immutable():
    with pytest.raises(AttributeError, match="Sample is immutable"):
        Sample().pool = 2
    with pytest.raises(AttributeError):
        Sample().other = 2


def test_groups_are_equal_if_their_values_are():
    assert (Sample(), hash(Sample())) == (Sample(pool=10), hash(Sample(pool=10)))
    assert Sample() != Sample(pool=2)
    assert Sample() != Sample().values()


def test_repr_of_a_group_leaves_secrets_out():
    assert repr(Sample(key="canary")) == "Sample(pool=10)"
    assert not hasattr(Sample(key="canary"), "__dict__")
