"""The configuration: what it means, and every way in which it can be wrong."""

import operator
import os
import traceback
from dataclasses import asdict

import certifi
import pytest

from wsgi_lambda.config import read_routes
from wsgi_lambda.errors import ConfigError
from wsgi_lambda.options import OPTIONS, Route

REGION = {"AWS_REGION": "eu-north-1"}
ROLE = "arn:aws-cn:iam::123456789012:role/shop/web+app"
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:pay"

#: Shaped like a real secret key: visible ASCII, and no name of anything.
CANARY = "wJalr/XUtnFEMI+K7MDENG"


def read(*, environ=REGION, defaults=(), **options):
    """Return the only route of a configuration whose path is /a."""
    own = {"function_name": "pay", **options}
    (route,) = read_routes({**dict(defaults), "routes": {"/a": own}}, environ)
    return route


def faults(config, *, environ=REGION):
    """Return what `ConfigError` says is wrong; its text holds just that."""
    with pytest.raises(ConfigError) as caught:
        read_routes(config, environ)
    first, *lines = str(caught.value).split("\n")
    assert first == "Invalid WSGI_LAMBDA configuration:"
    assert tuple(lines) == caught.value.errors
    return lines


def faults_of(*, environ=REGION, **options):
    """Return what is wrong with the only route, /a."""
    own = {"function_name": "pay", **options}
    return faults({"routes": {"/a": own}}, environ=environ)


# --- what is meant where nothing is said


def test_an_option_that_is_not_given_has_its_default():
    assert asdict(read()) == {
        "path": "/a",
        "match": {
            "methods": frozenset(),
            "hosts": (),
            "consumers": frozenset(),
            "authorize": None,
        },
        "target": {
            "function_name": "pay",
            "qualifier": None,
            "aws_region": "eu-north-1",
            "invocation_type": "RequestResponse",
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
            "skip_large_bodies": True,
            "max_payload_size": 6_291_456,
            "max_arguments": 1000,
        },
        "response": {
            "is_proxy_integration": False,
            "unhandled_status": None,
            "empty_arrays_mode": "correct",
            "max_response_size": 6_356_992,
            "expose_log_result": False,
            "expose_stack_trace": False,
        },
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
    "log_type": ("None", "None"),
    "timeout": (1500, 1.5),
    "aws_assume_role_arn": (ROLE, ROLE),
    "aws_role_session_name": ("shop@eu", "shop@eu"),
    "aws_external_id": ("a:b/7", "a:b/7"),
    "aws_sts_endpoint_url": ("http://127.0.0.1:4566", "http://127.0.0.1:4566"),
    "aws_imds_protocol_version": ("v2", "v2"),
    "retries": (10, 10),
    "max_concurrency": (1, 1),
    "tenant_id": ("blue team/7", "blue team/7"),
    # {"a": 1} in base64.
    "client_context": ({"a": 1}, "eyJhIjogMX0="),
    "host": ("Lambda.Test", "lambda.test"),
    "port": (8443, 8443),
    "disable_https": (True, True),
    "tls_verify": (False, False),
    "proxy_url": ("http://ann:p%40ss@proxy.test:3128", "http://ann:p%40ss@proxy.test:3128"),
    "keepalive": (1, 0.001),
    "pool_size": (1, 1),
    "forward_request_method": (True, True),
    "forward_request_uri": (True, True),
    "forward_request_headers": (True, True),
    "forward_request_body": (True, True),
    "base64_encode_body": (False, False),
    "awsgateway_compatible": (True, True),
    "awsgateway_compatible_payload_version": ("2.0", "2.0"),
    "strip_path": (True, True),
    "skip_large_bodies": (False, False),
    "max_payload_size": (1, 1),
    "max_arguments": (1, 1),
    "is_proxy_integration": (True, True),
    "unhandled_status": (999, 999),
    "empty_arrays_mode": ("legacy", "legacy"),
    "max_response_size": (1, 1),
    "expose_log_result": (True, True),
    "expose_stack_trace": (True, True),
}


def value_of(route, name):
    groups = (
        route.match,
        route.target,
        route.identity,
        route.transport,
        route.event,
        route.response,
    )
    return next(getattr(group, name) for group in groups if hasattr(group, name))


@pytest.mark.parametrize("name", GIVEN)
def test_an_option_of_a_route_is_taken(name):
    given, meant = GIVEN[name]
    assert value_of(read(**{name: given}), name) == meant


@pytest.mark.parametrize("name", GIVEN)
def test_an_option_at_the_top_is_a_default_for_all_routes(name):
    given, meant = GIVEN[name]
    own = {} if name == "function_name" else {"function_name": "pay"}
    routes = read_routes({name: given, "routes": {"/a": own, "/b": own}}, REGION)
    assert [value_of(route, name) for route in routes] == [meant, meant]


def test_the_table_of_given_options_is_complete():
    assert {*GIVEN, "aws_key", "aws_secret", "aws_session_token"} == set(OPTIONS)


def test_an_option_of_a_route_wins_over_the_top():
    assert read(defaults={"timeout": 1000}, timeout=2000).target.timeout == 2.0


def test_false_of_a_route_wins_over_true_at_the_top():
    route = read(defaults={"is_proxy_integration": True}, is_proxy_integration=False)
    assert route.response.is_proxy_integration is False


def test_null_of_a_route_falls_back_to_the_top():
    assert read(defaults={"timeout": 1000}, timeout=None).target.timeout == 1.0


@pytest.mark.parametrize("name", sorted(set(OPTIONS) - {"function_name"}))
def test_null_means_not_set(name):
    assert read(defaults={name: None}, **{name: None}) == read()


def test_a_kong_configuration_can_be_pasted():
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
    assert read(environ={}, **pasted) == read(
        environ={},
        function_name="MyLambda",
        aws_key="AKIDEXAMPLE",
        aws_secret="secret",
        aws_region="us-east-1",
        forward_request_headers=True,
        empty_arrays_mode="legacy",
    )


def test_an_event_may_be_one_mebibyte_where_nobody_waits_for_the_result():
    assert read(invocation_type="Event").event.max_payload_size == 1_048_576


# --- paths


def test_routes_keep_the_order_of_the_configuration():
    config = {
        "function_name": "f",
        "routes": {"/b": {}, "/a": [{"methods": ["GET"]}, {"methods": ["PUT"]}], "/": {}},
    }
    routes = read_routes(config, REGION)
    assert [(route.path, *route.match.methods) for route in routes] == [
        ("/b",),
        ("/a", "GET"),
        ("/a", "PUT"),
        ("/",),
    ]


@pytest.mark.parametrize("path", ["/a", "/a/", "/a///"])
def test_a_trailing_slash_of_a_path_is_ignored(path):
    (route,) = read_routes({"routes": {path: {"function_name": "pay"}}}, REGION)
    assert route == read()


def test_a_path_given_twice_is_refused():
    own = {"function_name": "f"}
    assert faults({"routes": {"/a": own, "/b": own, "/a/": own}}) == [
        "routes['/a/']: the same path as routes['/a']; give a list of routes there"
    ]


NO_VERIFY = "must be true, false or the path of a CA bundle, not {}"
NO_PATH = "a path must be a string that begins with exactly one '/' and contains no NUL"


@pytest.mark.parametrize(
    ("path", "place"),
    [
        pytest.param("a", "routes['a']", id="no-slash"),
        pytest.param("", "routes['']", id="empty"),
        pytest.param("//a", "routes['//a']", id="two-slashes"),
        pytest.param("~/a", "routes['~/a']", id="regex-of-kong"),
        pytest.param(1, "routes[1]", id="number"),
        pytest.param(None, "routes[None]", id="null"),
        pytest.param(b"/a", "routes[b'/a']", id="bytes"),
        pytest.param("/a\0b", "routes['/a\\x00b']", id="NUL"),
    ],
)
def test_a_path_is_a_text_that_starts_with_a_slash(path, place):
    assert faults({"routes": {path: {"function_name": "f"}}}) == [f"{place}: {NO_PATH}"]


def test_a_path_can_be_encoded():
    assert len(faults({"routes": {"/\ud800": {"function_name": "f"}}})) == 1


@pytest.mark.parametrize(
    "config",
    [
        pytest.param({}, id="missing"),
        pytest.param({"routes": None}, id="null"),
        pytest.param({"routes": []}, id="list"),
        pytest.param({"routes": "/a"}, id="text"),
    ],
)
def test_routes_is_a_mapping(config):
    assert faults(config) == ["routes: required: a mapping of paths to options"]


@pytest.mark.parametrize(
    ("config", "kind"),
    [(None, "None"), ([], "a list"), ("wsgi.ini", "a string")],
    ids=["null", "list", "text"],
)
def test_a_configuration_is_a_mapping(config, kind):
    assert faults(config) == [f"configuration: must be a mapping, not {kind}"]


@pytest.mark.parametrize(
    ("own", "fault"),
    [
        pytest.param("pay", "routes['/a']: must be a mapping of options, not a string", id="text"),
        pytest.param(None, "routes['/a']: must be a mapping of options, not None", id="null"),
        pytest.param(
            [{"function_name": "f"}, "pay"],
            "routes['/a'][1]: must be a mapping of options, not a string",
            id="text-in-a-list",
        ),
        pytest.param(
            [[{"function_name": "f"}]],
            "routes['/a'][0]: must be a mapping of options, not a list",
            id="list-in-a-list",
        ),
    ],
)
def test_the_options_of_a_path_are_a_mapping_or_a_list_of_them(own, fault):
    assert faults({"routes": {"/a": own}}) == [fault]


def test_a_fault_in_a_list_of_functions_says_which():
    own = [{"function_name": "f"}, {"function_name": "f", "timeout": 0}]
    assert faults({"routes": {"/a": own}}) == [
        "routes['/a'][1].timeout: must be an integer from 1 to 2147483646"
    ]


# --- every option given wrong

TEXT = "must be a non-empty string, not {}"
EMPTY = "must be a non-empty string"
TEXTS = "must be a non-empty list of strings, not {}"
EMPTY_LIST = "must be a non-empty list of strings"
TIME = "must be an integer from 1 to 2147483646"
COUNT = "must be an integer of at least 1"
PORT = "must be an integer from 1 to 65535"
STATUS = "must be an integer from 200 to 999"
BOOLEAN = "must be true or false, not {}"
NO_METHOD = "contains an invalid HTTP method"
NO_HOST_PATTERN = "must contain only host names, `*.name` or `name.*`"
NO_HOST = "must be a host name or an IP address, without scheme, port or path"
NO_FUNCTION = "is not a valid function name or ARN"
NO_QUALIFIER = "is not a valid version or alias"
NO_REGION = "is not a valid region name, such as us-east-1"
NO_SECRET = "must contain only visible ASCII characters"
NO_ROLE = "is not a valid ARN of an IAM role"
NO_SESSION_NAME = "must consist of 2 to 64 letters, digits or characters of +=,.@-_"
NO_EXTERNAL_ID = "must consist of 2 to 1224 letters, digits or characters of +=,.@:/-_"
NO_CALLABLE = "must be callable, or a string such as package.module:name"
NO_TENANT = "is not a valid tenant id or header:NAME"
NO_PROXY = "must be a URL that begins with http://"
NO_SERVER = "must be a URL without user name, path, query or fragment"
NO_TEXT = "must be one of the strings {}, not {}"
NO_INVOCATION_TYPE = "must be one of RequestResponse, Event, DryRun"
NO_BUNDLE = "cannot be read as a CA bundle ({})"

BOOLEANS = [
    "disable_https",
    "forward_request_method",
    "forward_request_uri",
    "forward_request_headers",
    "forward_request_body",
    "base64_encode_body",
    "awsgateway_compatible",
    "strip_path",
    "skip_large_bodies",
    "is_proxy_integration",
    "expose_log_result",
    "expose_stack_trace",
]
SECRETS = ["aws_key", "aws_secret", "aws_session_token"]

WRONG = {
    "methods-as-text": ("methods", "GET", TEXTS.format("a string")),
    "methods-as-mapping": ("methods", {"GET": True}, TEXTS.format("a mapping")),
    "methods-empty": ("methods", [], EMPTY_LIST),
    "methods-of-a-number": ("methods", ["GET", 1], TEXT.format("a number")),
    "methods-with-a-blank": ("methods", ["GET POST"], NO_METHOD),
    "methods-with-a-line-end": ("methods", ["GET\n"], NO_METHOD),
    "hosts-as-text": ("hosts", "shop.test", TEXTS.format("a string")),
    "hosts-empty": ("hosts", set(), EMPTY_LIST),
    "hosts-of-an-empty-text": ("hosts", [""], EMPTY),
    "hosts-with-a-scheme": ("hosts", ["https://shop.test"], NO_HOST_PATTERN),
    "hosts-with-a-path": ("hosts", ["shop.test/eu"], NO_HOST_PATTERN),
    "hosts-of-a-star": ("hosts", ["*"], NO_HOST_PATTERN),
    "hosts-with-a-star-inside": ("hosts", ["shop.*.test"], NO_HOST_PATTERN),
    "hosts-with-a-star-in-a-name": ("hosts", ["*shop.test"], NO_HOST_PATTERN),
    "hosts-with-a-blank": ("hosts", ["shop.test "], NO_HOST_PATTERN),
    "consumers-as-text": ("consumers", "alice", TEXTS.format("a string")),
    "consumers-as-number": ("consumers", 7, TEXTS.format("a number")),
    "consumers-empty": ("consumers", (), EMPTY_LIST),
    "consumers-of-a-list": ("consumers", [["alice"]], TEXT.format("a list")),
    "function-name-as-number": ("function_name", 1, TEXT.format("a number")),
    "function-name-as-list": ("function_name", ["f"], TEXT.format("a list")),
    "function-name-empty": ("function_name", "", EMPTY),
    "function-name-with-a-blank": ("function_name", "my function", NO_FUNCTION),
    "function-name-with-a-slash": ("function_name", "../f", NO_FUNCTION),
    "qualifier-as-number": ("qualifier", 7, TEXT.format("a number")),
    "qualifier-empty": ("qualifier", "", EMPTY),
    "qualifier-with-a-blank": ("qualifier", "my alias", NO_QUALIFIER),
    "qualifier-with-a-dollar": ("qualifier", "$latest", NO_QUALIFIER),
    "qualifier-too-long": ("qualifier", "a" * 129, NO_QUALIFIER),
    "region-as-number": ("aws_region", 1, TEXT.format("a number")),
    "region-empty": ("aws_region", "", EMPTY),
    "region-without-hyphen": ("aws_region", "useast1", NO_REGION),
    "region-in-capitals": ("aws_region", "US-EAST-1", NO_REGION),
    "region-with-a-dot": ("aws_region", "us-east-1.evil.test", NO_REGION),
    "region-with-a-line-end": ("aws_region", "us-east-1\n", NO_REGION),
    "invocation-type-unknown": ("invocation_type", "Sync", NO_INVOCATION_TYPE),
    "invocation-type-in-small": ("invocation_type", "event", NO_INVOCATION_TYPE),
    "invocation-type-as-list": (
        "invocation_type",
        ["Event"],
        NO_TEXT.format("RequestResponse, Event, DryRun", "a list"),
    ),
    "log-type-unknown": ("log_type", "tail", "must be one of Tail, None"),
    "log-type-as-boolean": ("log_type", False, NO_TEXT.format("Tail, None", "a boolean")),
    "timeout-as-text": ("timeout", "60000", f"{TIME}, not a string"),
    "timeout-as-boolean": ("timeout", True, f"{TIME}, not a boolean"),
    "timeout-as-fraction": ("timeout", 0.5, f"{TIME}, not a float"),
    "timeout-of-nothing": ("timeout", 0, TIME),
    "timeout-below-zero": ("timeout", -1, TIME),
    "timeout-too-long": ("timeout", 2_147_483_647, TIME),
    "host-as-number": ("host", 1, TEXT.format("a number")),
    "host-empty": ("host", "", EMPTY),
    "host-with-a-scheme": ("host", "https://lambda.test", NO_HOST),
    "host-with-a-port": ("host", "lambda.test:8443", NO_HOST),
    "host-with-a-path": ("host", "lambda.test/x", NO_HOST),
    "host-with-a-user": ("host", "me@lambda.test", NO_HOST),
    "host-with-a-line-end": ("host", "lambda.test\n", NO_HOST),
    "host-in-half-a-bracket": ("host", "[::1", NO_HOST),
    "port-as-text": ("port", "443", f"{PORT}, not a string"),
    "port-as-boolean": ("port", True, f"{PORT}, not a boolean"),
    "port-zero": ("port", 0, PORT),
    "port-too-high": ("port", 65536, PORT),
    "tls-verify-as-number": ("tls_verify", 1, NO_VERIFY.format("a number")),
    "tls-verify-empty": ("tls_verify", "", NO_VERIFY.format("a string")),
    "tls-verify-of-a-missing-file": (
        "tls_verify",
        "/nowhere/ca.pem",
        NO_BUNDLE.format("No such file or directory"),
    ),
    "tls-verify-of-a-folder": ("tls_verify", "/", NO_BUNDLE.format("Is a directory")),
    "keepalive-as-text": ("keepalive", "60000", f"{TIME}, not a string"),
    "keepalive-of-nothing": ("keepalive", 0, TIME),
    "keepalive-too-long": ("keepalive", 2_147_483_647, TIME),
    "pool-size-as-text": ("pool_size", "9", f"{COUNT}, not a string"),
    "pool-size-of-nothing": ("pool_size", 0, COUNT),
    "max-payload-size-as-text": ("max_payload_size", "6MiB", f"{COUNT}, not a string"),
    "max-payload-size-of-nothing": ("max_payload_size", 0, COUNT),
    "max-arguments-of-nothing": ("max_arguments", 0, COUNT),
    "max-response-size-as-list": ("max_response_size", [1], f"{COUNT}, not a list"),
    "max-response-size-below-zero": ("max_response_size", -1, COUNT),
    "unhandled-status-as-text": ("unhandled_status", "500", f"{STATUS}, not a string"),
    "unhandled-status-not-final": ("unhandled_status", 199, STATUS),
    "unhandled-status-too-high": ("unhandled_status", 1000, STATUS),
    "empty-arrays-mode-unknown": (
        "empty_arrays_mode",
        "Legacy",
        "must be one of correct, legacy",
    ),
    "proxy-as-number": ("proxy_url", 1, TEXT.format("a number")),
    "proxy-over-tls": ("proxy_url", "https://proxy.test", NO_PROXY),
    "proxy-without-scheme": ("proxy_url", "proxy.test:3128", NO_PROXY),
    "proxy-without-host": ("proxy_url", "http://", "is not a valid URL of a server"),
    "proxy-with-a-path": ("proxy_url", "http://proxy.test/x", NO_SERVER),
    "proxy-with-a-port-that-is-none": (
        "proxy_url",
        "http://proxy.test:x",
        "is not a valid URL of a server",
    ),
    "proxy-with-a-user-not-encoded": (
        "proxy_url",
        "http://ann:p@ss@proxy.test",
        "contains a user name or password that is not percent-encoded",
    ),
    "authorize-as-number": ("authorize", 7, TEXT.format("a number")),
    "authorize-without-a-name": ("authorize", "os.path", NO_CALLABLE),
    "authorize-without-a-module": ("authorize", ":check", NO_CALLABLE),
    "authorize-relative": ("authorize", ".auth:check", "cannot be imported (TypeError)"),
    "authorize-of-no-module": (
        "authorize",
        "no_such_module:check",
        "cannot be imported (ModuleNotFoundError)",
    ),
    "authorize-of-no-name": (
        "authorize",
        "os:no_such_name",
        "cannot be imported (AttributeError)",
    ),
    "authorize-not-callable": ("authorize", "os:sep", "is not callable"),
    "tenant-as-number": ("tenant_id", 7, TEXT.format("a number")),
    "tenant-empty": ("tenant_id", "", EMPTY),
    "tenant-with-a-star": ("tenant_id", "a*", NO_TENANT),
    "tenant-with-a-blank-at-its-end": ("tenant_id", "a ", NO_TENANT),
    "tenant-too-long": ("tenant_id", "a" * 257, NO_TENANT),
    "tenant-of-no-header": ("tenant_id", "header:", "must name a header after header:"),
    "tenant-of-a-bad-header": ("tenant_id", "header:a b", "must name a header after header:"),
    "client-context-as-text": ("client_context", "{}", "must be a mapping, not a string"),
    "client-context-as-list": ("client_context", [1], "must be a mapping, not a list"),
    "client-context-of-bytes": ("client_context", {"a": b"x"}, "must contain only JSON values"),
    "client-context-of-nan": (
        "client_context",
        {"a": float("nan")},
        "must contain only JSON values",
    ),
    "client-context-too-long": (
        "client_context",
        {"a": "x" * 2679},
        "is 3584 bytes as base64; the limit is 3583",
    ),
    "role-as-number": ("aws_assume_role_arn", 7, TEXT.format("a number")),
    "role-empty": ("aws_assume_role_arn", "", EMPTY),
    "role-of-a-user": ("aws_assume_role_arn", "arn:aws:iam::123456789012:user/u", NO_ROLE),
    "role-without-account": ("aws_assume_role_arn", "arn:aws:iam:::role/r", NO_ROLE),
    "role-with-a-line-end": ("aws_assume_role_arn", f"{ROLE}\n", NO_ROLE),
    "session-name-as-number": ("aws_role_session_name", 7, TEXT.format("a number")),
    "session-name-too-short": ("aws_role_session_name", "a", NO_SESSION_NAME),
    "session-name-too-long": ("aws_role_session_name", "a" * 65, NO_SESSION_NAME),
    "session-name-with-a-blank": ("aws_role_session_name", "a b", NO_SESSION_NAME),
    "external-id-as-number": ("aws_external_id", 7, TEXT.format("a number")),
    "external-id-too-short": ("aws_external_id", "a", NO_EXTERNAL_ID),
    "external-id-with-a-blank": ("aws_external_id", "a b", NO_EXTERNAL_ID),
    "sts-as-number": ("aws_sts_endpoint_url", 7, TEXT.format("a number")),
    "sts-without-scheme": (
        "aws_sts_endpoint_url",
        "sts.test",
        "must be a URL that begins with http:// or https://",
    ),
    "sts-with-a-user": ("aws_sts_endpoint_url", "https://u:p@sts.test", NO_SERVER),
    "sts-with-a-path": ("aws_sts_endpoint_url", "https://sts.test/x", NO_SERVER),
    "imds-as-number": ("aws_imds_protocol_version", 2, NO_TEXT.format("v1, v2", "a number")),
    "imds-unknown": ("aws_imds_protocol_version", "2", "must be one of v1, v2"),
    "retries-as-text": ("retries", "1", "must be an integer from 0 to 10, not a string"),
    "retries-below-zero": ("retries", -1, "must be an integer from 0 to 10"),
    "retries-too-many": ("retries", 11, "must be an integer from 0 to 10"),
    "concurrency-as-text": ("max_concurrency", "1", f"{COUNT}, not a string"),
    "concurrency-of-nothing": ("max_concurrency", 0, COUNT),
    "payload-version-unknown": (
        "awsgateway_compatible_payload_version",
        "1",
        "must be one of 1.0, 2.0",
    ),
    "payload-version-as-number": (
        "awsgateway_compatible_payload_version",
        2.0,
        'must be a string: write "2.0" in quotes',
    ),
    **{f"{name}-as-text": (name, "true", BOOLEAN.format("a string")) for name in BOOLEANS},
    **{f"{name}-as-number": (name, 1, BOOLEAN.format("a number")) for name in BOOLEANS},
    **{f"{name}-as-list": (name, ["x"], TEXT.format("a list")) for name in SECRETS},
    **{f"{name}-empty": (name, "", EMPTY) for name in SECRETS},
    **{f"{name}-with-a-blank": (name, "a b", NO_SECRET) for name in SECRETS},
    **{f"{name}-with-a-line-end": (name, "ab\n", NO_SECRET) for name in SECRETS},
    **{f"{name}-with-an-umlaut": (name, "schlüssel", NO_SECRET) for name in SECRETS},
}
each_wrong_value = pytest.mark.parametrize(("name", "value", "fault"), WRONG.values(), ids=WRONG)


def with_its_like(name, value):
    """Return ``name`` with what it cannot be without, so that it is wrong by itself alone."""
    keys = {key: "right" for key in SECRETS if name in SECRETS}
    return {**keys, name: value}


@each_wrong_value
def test_a_wrong_value_of_a_route_is_named_with_its_place(name, value, fault):
    assert faults_of(**with_its_like(name, value))[0] == f"routes['/a'].{name}: {fault}"


@each_wrong_value
def test_a_wrong_value_at_the_top_is_named_once_for_all_routes(name, value, fault):
    own = {} if name == "function_name" else {"function_name": "f"}
    config = {**with_its_like(name, value), "routes": {"/a": own, "/b": own}}
    assert faults(config)[0] == f"{name}: {fault}"


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [row for row in WRONG.values() if row[0] != "aws_key"],
    ids=[words for words, row in WRONG.items() if row[0] != "aws_key"],
)
def test_a_wrong_value_is_one_fault(name, value, fault):
    assert faults_of(**with_its_like(name, value)) == [f"routes['/a'].{name}: {fault}"]


def test_a_host_has_one_star_only():
    assert faults_of(hosts=["*.shop.*"]) == [f"routes['/a'].hosts: {NO_HOST_PATTERN}"]


def test_the_table_of_wrong_values_is_complete():
    assert {name for name, _, _ in WRONG.values()} == set(OPTIONS)


def test_a_file_that_is_no_bundle_is_refused(tmp_path):
    bundle = tmp_path / "ca.pem"
    bundle.write_text("no certificate")
    (fault,) = faults_of(tls_verify=str(bundle))
    assert fault.startswith("routes['/a'].tls_verify: cannot be read as a CA bundle (")
    assert str(bundle) not in fault


def test_the_path_of_a_bundle_is_taken():
    assert read(tls_verify=certifi.where()).transport.tls_verify == certifi.where()


# --- all faults at once


def test_all_faults_of_all_places_come_in_one_error():
    config = {
        "timeout": "60s",
        "aws_regoin": "us-east-1",
        "routes": {
            "/a": {"port": 0, "nonsense": 1},
            "b": {"function_name": "f"},
            "/c": [{"function_name": "f", "qualifier": "a b", "log_type": 1}, "f"],
            "/d": {"function_name": "f", "aws_key": "AKID"},
        },
    }
    assert sorted(faults(config)) == sorted(
        [
            f"timeout: {TIME}, not a string",
            "aws_regoin: unknown option; did you mean 'aws_region'?",
            f"routes['/a'].port: {PORT}",
            "routes['/a'].nonsense: unknown option",
            "routes['/a'].function_name: required",
            f"routes['b']: {NO_PATH}",
            f"routes['/c'][0].qualifier: {NO_QUALIFIER}",
            "routes['/c'][0].log_type: must be one of the strings Tail, None, not a number",
            "routes['/c'][1]: must be a mapping of options, not a string",
            "routes['/d'].aws_secret: required with aws_key",
        ]
    )


def test_a_wrong_default_does_not_hide_that_a_route_names_no_function():
    assert faults({"timeout": 0, "routes": {"/a": {}, "/b": {}}}) == [
        f"timeout: {TIME}",
        "routes['/a'].function_name: required",
        "routes['/b'].function_name: required",
    ]


def test_a_wrong_option_does_not_hide_half_a_pair():
    assert faults_of(timeout=0, aws_secret="secret") == [
        f"routes['/a'].timeout: {TIME}",
        "routes['/a'].aws_key: required with aws_secret",
    ]


def test_an_unknown_option_does_not_hide_a_wrong_one():
    assert faults_of(timout=1, timeout=0) == [
        "routes['/a'].timout: unknown option; did you mean 'timeout'?",
        f"routes['/a'].timeout: {TIME}",
    ]


def test_an_option_that_is_wrong_is_not_missing_too():
    assert faults_of(function_name="my function") == [f"routes['/a'].function_name: {NO_FUNCTION}"]


@pytest.mark.parametrize("routes", [{}, {"/a": {"function_name": "f", "timeout": 1}}])
def test_a_wrong_default_is_found_though_no_route_needs_it(routes):
    assert faults({"timeout": 0, "routes": routes}) == [f"timeout: {TIME}"]


# --- names


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        pytest.param("timout", "; did you mean 'timeout'?", id="letter-missing"),
        pytest.param("Timeout", "; did you mean 'timeout'?", id="capital"),
        pytest.param("AWS_REGION", "; did you mean 'aws_region'?", id="as-in-the-environment"),
        pytest.param("function-name", "; did you mean 'function_name'?", id="hyphen"),
        pytest.param("functionName", "; did you mean 'function_name'?", id="camel-case"),
        pytest.param("method", "; did you mean 'methods'?", id="singular"),
        pytest.param("zzz", "", id="nothing-near"),
        pytest.param("routes", "", id="routes-in-a-route"),
        pytest.param(7, "", id="number"),
    ],
)
def test_an_unknown_name_is_refused_with_its_near_match(name, hint):
    config = {"routes": {"/a": {"function_name": "f", name: 1}}}
    assert faults(config) == [f"routes['/a'].{name}: unknown option{hint}"]


def test_an_unknown_name_at_the_top_is_refused_with_its_near_match():
    config = {"function_nam": "f", "routes": {"/a": {"function_name": "f"}}}
    assert faults(config) == ["function_nam: unknown option; did you mean 'function_name'?"]


def test_an_unknown_name_is_refused_though_its_value_is_null():
    assert faults_of(timout=None) == [
        "routes['/a'].timout: unknown option; did you mean 'timeout'?"
    ]


# --- functions


@pytest.mark.parametrize(
    ("name", "region"),
    [
        pytest.param("pay", "eu-north-1", id="name"),
        pytest.param("my-pay_2.beta", "eu-north-1", id="every-sort-of-character"),
        pytest.param("pay:prod", "eu-north-1", id="alias"),
        pytest.param("pay:7", "eu-north-1", id="version"),
        pytest.param("pay:$LATEST", "eu-north-1", id="latest"),
        pytest.param("p" * 256, "eu-north-1", id="as-long-as-can-be"),
        pytest.param(ARN, "eu-west-1", id="ARN"),
        pytest.param(f"{ARN}:prod", "eu-west-1", id="ARN-with-alias"),
        pytest.param(f"{ARN}:$LATEST", "eu-west-1", id="ARN-with-latest"),
        pytest.param(
            "arn:aws-cn:lambda:cn-north-1:123456789012:function:pay",
            "cn-north-1",
            id="ARN-in-China",
        ),
        pytest.param(
            "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:pay",
            "us-gov-west-1",
            id="ARN-in-GovCloud",
        ),
        pytest.param("123456789012:function:pay", "eu-north-1", id="partial-ARN"),
        pytest.param("123456789012:function:pay:prod", "eu-north-1", id="partial-ARN-with-alias"),
        pytest.param("function:pay", "eu-north-1", id="partial-ARN-without-account"),
        pytest.param("us-west-2:123456789012:function:pay", "us-west-2", id="ARN-without-service"),
    ],
)
def test_a_function_has_a_name_or_an_arn(name, region):
    target = read(function_name=name).target
    assert (target.function_name, target.aws_region) == (name, region)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(" pay", id="blank-before"),
        pytest.param("pay\n", id="line-end"),
        pytest.param("päy", id="umlaut"),
        pytest.param("pay?x=1", id="query"),
        pytest.param("pay/../other", id="path"),
        pytest.param("pay%2F", id="percent"),
        pytest.param("pay:", id="empty-alias"),
        pytest.param("pay:a b", id="alias-with-a-blank"),
        pytest.param("pay:$latest", id="latest-in-small"),
        pytest.param("pay:prod:7", id="two-aliases"),
        pytest.param("p" * 257, id="too-long"),
        pytest.param("arn:aws:s3:::bucket", id="ARN-of-a-bucket"),
        pytest.param(ARN.replace("lambda", "sns"), id="ARN-of-another-service"),
        pytest.param(ARN.replace("123456789012", "12345"), id="ARN-with-a-short-account"),
        pytest.param(ARN.replace("eu-west-1", "Ireland"), id="ARN-with-no-region"),
        pytest.param("https://lambda.test/pay", id="URL"),
    ],
)
def test_a_function_has_a_name_by_the_pattern_of_aws(name):
    assert faults_of(function_name=name) == [f"routes['/a'].function_name: {NO_FUNCTION}"]


@pytest.mark.parametrize(
    ("name", "qualifier"),
    [
        pytest.param("pay", "prod", id="alias"),
        pytest.param("pay", "$LATEST", id="latest"),
        pytest.param("pay", "$LATEST.PUBLISHED", id="latest-published"),
        pytest.param("pay", "a" * 128, id="as-long-as-can-be"),
        pytest.param("pay:prod", "prod", id="same-in-the-name"),
        pytest.param(f"{ARN}:7", "7", id="same-in-the-ARN"),
    ],
)
def test_a_qualifier_is_a_version_or_an_alias(name, qualifier):
    assert read(function_name=name, qualifier=qualifier).target.qualifier == qualifier


@pytest.mark.parametrize("name", ["pay:prod", f"{ARN}:prod", "pay:$LATEST"])
def test_a_qualifier_does_not_contradict_the_name(name):
    assert faults_of(function_name=name, qualifier="beta") == [
        "routes['/a'].qualifier: contradicts the qualifier at the end of function_name"
    ]


# --- regions and endpoints

BOTH = {"AWS_REGION": "eu-north-1", "AWS_DEFAULT_REGION": "eu-south-1"}


@pytest.mark.parametrize(
    ("options", "environ", "region"),
    [
        pytest.param({"aws_region": "us-west-2"}, BOTH, "us-west-2", id="option-before-all"),
        pytest.param({"function_name": ARN}, BOTH, "eu-west-1", id="ARN-before-the-environment"),
        pytest.param({}, BOTH, "eu-north-1", id="AWS_REGION-before-AWS_DEFAULT_REGION"),
        pytest.param({}, {"AWS_DEFAULT_REGION": "eu-south-1"}, "eu-south-1", id="default-region"),
        pytest.param({}, {**BOTH, "AWS_REGION": ""}, "eu-south-1", id="empty-AWS_REGION"),
        pytest.param(
            {"function_name": ARN, "aws_region": "eu-west-1"}, {}, "eu-west-1", id="same-as-the-ARN"
        ),
    ],
)
def test_the_region_is_the_options_then_the_arns_then_the_environments(options, environ, region):
    assert read(environ=environ, **options).target.aws_region == region


@pytest.mark.parametrize("environ", [{}, {"AWS_REGION": "", "AWS_DEFAULT_REGION": ""}])
def test_no_region_anywhere_is_a_fault(environ):
    assert faults_of(environ=environ) == [
        "routes['/a'].aws_region: not set; set it here, in a full ARN in function_name, in the "
        "environment variable AWS_REGION or AWS_DEFAULT_REGION, or, with the extra aws, in a "
        "profile"
    ]


def test_a_region_does_not_contradict_the_arn():
    assert faults_of(function_name=ARN, aws_region="us-east-1") == [
        "routes['/a'].aws_region: contradicts the region in function_name"
    ]


def test_a_region_that_is_wrong_is_not_missing_too():
    assert faults_of(environ={}, aws_region="Ireland") == [f"routes['/a'].aws_region: {NO_REGION}"]


@pytest.mark.parametrize("region", ["us-east-1\n", "x.evil.test/"], ids=["line-end", "host"])
def test_a_region_of_the_environment_is_a_region(region):
    assert faults_of(environ={"AWS_REGION": region}) == [
        "routes['/a'].aws_region: the environment or a profile contains an invalid region name"
    ]


@pytest.mark.parametrize(
    ("region", "host"),
    [
        pytest.param("us-east-1", "lambda.us-east-1.amazonaws.com", id="aws"),
        pytest.param("cn-north-1", "lambda.cn-north-1.amazonaws.com.cn", id="aws-cn"),
        pytest.param("us-gov-west-1", "lambda.us-gov-west-1.amazonaws.com", id="aws-us-gov"),
        pytest.param("us-iso-east-1", "lambda.us-iso-east-1.c2s.ic.gov", id="aws-iso"),
        pytest.param("us-isob-east-1", "lambda.us-isob-east-1.sc2s.sgov.gov", id="aws-iso-b"),
        pytest.param("us-isof-south-1", "lambda.us-isof-south-1.csp.hci.ic.gov", id="aws-iso-f"),
        pytest.param("eu-isoe-west-1", "lambda.eu-isoe-west-1.cloud.adc-e.uk", id="aws-iso-e"),
        pytest.param("eusc-de-east-1", "lambda.eusc-de-east-1.amazonaws.eu", id="aws-eusc"),
    ],
)
def test_the_host_is_that_of_the_regions_partition(region, host):
    assert read(aws_region=region).transport.host == host


def test_a_host_does_not_change_the_region():
    route = read(host="lambda.us-west-2.amazonaws.com")
    assert (route.target.aws_region, route.transport.host) == (
        "eu-north-1",
        "lambda.us-west-2.amazonaws.com",
    )


@pytest.mark.parametrize(
    ("options", "scheme", "authority"),
    [
        pytest.param({}, "https", "lambda.test", id="https"),
        pytest.param({"port": 443}, "https", "lambda.test", id="https-at-its-port"),
        pytest.param({"port": 8443}, "https", "lambda.test:8443", id="https-at-another"),
        pytest.param({"port": 80}, "https", "lambda.test:80", id="https-at-the-port-of-http"),
        pytest.param({"disable_https": True}, "http", "lambda.test", id="http"),
        pytest.param(
            {"disable_https": True, "port": 443}, "http", "lambda.test:443", id="http-at-443"
        ),
        pytest.param({"host": "::1"}, "https", "[::1]", id="IPv6"),
        pytest.param({"host": "[::1]"}, "https", "[::1]", id="IPv6-in-brackets"),
        pytest.param({"host": "::1", "port": 9001}, "https", "[::1]:9001", id="IPv6-with-a-port"),
        pytest.param({"host": "0:0:0:0:0:0:0:1"}, "https", "[::1]", id="IPv6-written-out"),
        pytest.param(
            {"host": "127.0.0.1", "port": 9001}, "https", "127.0.0.1:9001", id="IPv4-with-a-port"
        ),
        pytest.param({"host": "LAMBDA.test"}, "https", "lambda.test", id="capitals"),
    ],
)
def test_the_authority_names_a_port_that_is_not_the_schemes_own(options, scheme, authority):
    transport = read(**{"host": "lambda.test", **options}).transport
    assert (transport.scheme, transport.authority) == (scheme, authority)


# --- keys


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        pytest.param({"aws_key": "a"}, ["aws_secret: required with aws_key"], id="no-secret"),
        pytest.param({"aws_secret": "a"}, ["aws_key: required with aws_secret"], id="no-key"),
        pytest.param(
            {"aws_session_token": "a"},
            ["aws_session_token: requires aws_key and aws_secret"],
            id="token-alone",
        ),
        pytest.param(
            {"aws_key": "a", "aws_session_token": "a"},
            ["aws_secret: required with aws_key"],
            id="token-and-key",
        ),
    ],
)
def test_half_a_set_of_keys_is_a_fault(keys, expected):
    assert faults_of(**keys) == [f"routes['/a'].{fault}" for fault in expected]


def test_a_pair_may_be_completed_at_the_top():
    identity = read(defaults={"aws_secret": "secret"}, aws_key="AKID").identity
    assert (identity.aws_key, identity.aws_secret) == ("AKID", "secret")


def test_a_wrong_key_is_not_missing_to_the_token():
    keys = {"aws_key": "a b", "aws_secret": "secret", "aws_session_token": "token"}
    assert faults_of(**keys) == [f"routes['/a'].aws_key: {NO_SECRET}"]


def test_a_token_at_the_top_does_not_go_with_keys_of_a_route():
    top = {"aws_key": "ASIATOP", "aws_secret": "top", "aws_session_token": "token"}
    assert read(defaults=top, aws_key="AKID", aws_secret="own").identity.aws_session_token is None


# --- nothing tells a secret


class Talkative:
    """A value of a foreign type, whose repr is a secret."""

    def __repr__(self):
        return CANARY


SHAPES = {
    "text": CANARY,
    "text-with-a-line-end": f"{CANARY}\n",
    "bytes": CANARY.encode(),
    "list": [CANARY],
    "list-with-a-number": [CANARY, 7],
    "list-in-a-list": [[CANARY]],
    "tuple": (f"{CANARY}\n",),
    "set": {CANARY},
    "mapping": {CANARY: CANARY},
    "mapping-in-a-list": [{"aws_secret": CANARY}],
    "object": Talkative(),
}
PLACES = {
    "top": lambda options: {**options, "routes": {"/a": {"function_name": "f"}}},
    "route": lambda options: {"routes": {"/a": {"function_name": "f", **options}}},
    "list": lambda options: {"routes": {"/a": [{"function_name": "f", **options}]}},
}


def all_that_is_told(config):
    """Return every text that may reach a log: of the error, or of the routes."""
    try:
        routes = read_routes(config, REGION)
    except ConfigError as error:
        told = (str(error), repr(error), repr(error.args), repr(error.errors))
        return "\n".join((*told, *traceback.format_exception(error)))
    return f"{routes!r} {[route.target for route in routes]!r}"


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_no_option_tells_a_secret(place, shape):
    # Consumers, tenants and sessions take such a text, and are shown: names are no secrets.
    for name in set(OPTIONS) - {"consumers", "tenant_id", "aws_role_session_name"}:
        assert CANARY not in all_that_is_told(place({name: shape})), name


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("name", ["aws_secert", "aws-secret", "AWS_SECRET", "secret", "zzz", 7])
def test_a_misspelt_name_does_not_tell_its_value(name, place, shape):
    told = all_that_is_told(place({name: shape}))
    assert f"{name}: unknown option" in told
    assert CANARY not in told


@pytest.mark.parametrize("words", sorted(set(SHAPES) - {"mapping"}))
def test_a_secret_in_the_place_of_a_mapping_is_not_told(words):
    shape = SHAPES[words]
    for config in (
        shape,
        {"routes": shape},
        {"routes": {"/a": shape}},
        {"routes": {"/a": [shape]}},
    ):
        assert CANARY not in all_that_is_told(config)


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_a_pair_of_keys_does_not_show_in_a_repr(place):
    config = place(dict.fromkeys(SECRETS, CANARY))
    (route,) = read_routes(config, REGION)
    assert isinstance(route, Route)
    assert route.identity.aws_secret == CANARY
    assert CANARY not in f"{route!r} {route!s} {route.target!r} {route.identity!r}"


@pytest.mark.parametrize("name", SECRETS)
def test_a_fault_elsewhere_does_not_tell_the_right_keys(name):
    keys = dict.fromkeys(SECRETS, "right") | {name: CANARY}
    told = all_that_is_told(PLACES["route"]({**keys, "timeout": 0, "qualifier": "a b"}))
    assert "timeout" in told
    assert CANARY not in told


def test_an_empty_list_of_functions_is_a_fault():
    assert faults({"routes": {"/a": []}}) == ["routes['/a']: must contain at least one route"]


def test_a_name_that_is_no_text_is_not_shown():
    (fault,) = faults({("x", "SECRET"): 1, "routes": {}})
    assert fault == "the name of an option must be a string, not tuple"


def test_an_address_has_no_zone():
    assert faults_of(host="fe80::1%eth0") == [f"routes['/a'].host: {NO_HOST}"]


def test_region_of_the_environment_cannot_lead_elsewhere():
    with pytest.raises(ConfigError) as caught:
        read_routes(
            {"routes": {"/a": {"function_name": "f"}}}, {"AWS_REGION": "us-east-1.evil.test/"}
        )
    assert caught.value.errors == (
        "routes['/a'].aws_region: the environment or a profile contains an invalid region name",
    )


def test_the_region_of_an_arn_wins_over_a_default():
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:f"
    assert read(defaults={"aws_region": "us-east-1"}, function_name=arn).target.aws_region == (
        "eu-west-1"
    )


def test_options_below_a_wrong_path_are_read_too():
    assert len(faults({"routes": {"lambda1": {"function_name": "a b"}}})) == 2


def test_a_misspelt_option_is_not_missing_too():
    with pytest.raises(ConfigError) as caught:
        read_routes({"aws_regoin": "us-east-1", "routes": {"/a": {"function_nam": "f"}}}, {})
    assert len(caught.value.errors) == 2


def test_a_client_context_may_fill_its_limit():
    # 3583 is no length of base64; 3580 is the longest.
    assert len(read(client_context={"a": "x" * 2676}).target.client_context) == 3580


def test_a_client_context_does_not_show():
    assert "eyJ" not in repr(read(client_context={"a": 1}))


def test_a_function_may_be_given_itself():
    assert read(authorize=operator.not_).match.authorize is operator.not_


def test_an_imported_name_may_have_dots():
    assert read(authorize="os:path.join").match.authorize is os.path.join


CODES = {
    "unknown_option": {"timout": 1, "routes": {}},
    "invalid_value": {"timeout": 0, "routes": {}},
    "wrong_type": {"routes": {"/a": "pay"}},
    "missing": {"routes": {"/a": {}}},
    "contradiction": {"routes": {"/a": {"function_name": "f:1", "qualifier": "2"}}},
    "invalid_path": {"routes": {"a": {"function_name": "f"}}},
    "same_path": {"function_name": "f", "routes": {"/a": {}, "/a/": {}}},
    "no_routes": {"routes": {"/a": []}},
}


@pytest.mark.parametrize(("code", "config"), CODES.items(), ids=CODES)
def test_a_problem_has_a_code(code, config):
    with pytest.raises(ConfigError) as caught:
        read_routes(config, REGION)
    assert [problem.code for problem in caught.value.problems] == [code]
