"""The region and the Lambda endpoint of a route; the host equals botocore's in every region."""

import botocore.session
import pytest
from botocore.endpoint_provider import EndpointProvider

from tests.unit.configurations import ARN, problems, read_route
from wsgi_lambda.config.endpoints import USE_DUALSTACK, USE_FIPS

SESSION = botocore.session.Session(session_vars={"config_file": (None, None, None, None)})
LOADER = SESSION.get_component("data_loader")
RULES = EndpointProvider(
    LOADER.load_service_model("lambda", "endpoint-rule-set-1"), LOADER.load_data("partitions")
)
REGIONS = sorted(
    region
    for partition in SESSION.get_available_partitions()
    for region in SESSION.get_available_regions("lambda", partition_name=partition)
)
VARIANTS = [(False, False), (True, False), (False, True), (True, True)]


def transport(environ, **options):
    return read_route(environ={"AWS_REGION": "eu-north-1", **environ}, **options).transport


def url(found):
    return f"{found.scheme}://{found.authority}"


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize(("is_fips", "is_dualstack"), VARIANTS)
def test_host_equals_botocore_s(region, is_fips, is_dualstack):
    environ = {"AWS_REGION": region, USE_FIPS: str(is_fips).lower(), USE_DUALSTACK: "True"}
    if not is_dualstack:
        del environ[USE_DUALSTACK]
    found = RULES.resolve_endpoint(Region=region, UseFIPS=is_fips, UseDualStack=is_dualstack)
    assert url(transport(environ)) == found.url


ENDPOINTS = {
    "of-lambda": ({"AWS_ENDPOINT_URL_LAMBDA": "http://127.0.0.1:4566"}, "http://127.0.0.1:4566"),
    "of-all-services": ({"AWS_ENDPOINT_URL": "https://aws.test"}, "https://aws.test"),
    "of-lambda-first": (
        {"AWS_ENDPOINT_URL_LAMBDA": "http://lambda.test/", "AWS_ENDPOINT_URL": "http://aws.test"},
        "http://lambda.test",
    ),
    "empty-is-absent": (
        {"AWS_ENDPOINT_URL_LAMBDA": "", "AWS_ENDPOINT_URL": "http://aws.test:81"},
        "http://aws.test:81",
    ),
    "IPv6": ({"AWS_ENDPOINT_URL": "http://[::1]:4566"}, "http://[::1]:4566"),
    "ignored": (
        {"AWS_ENDPOINT_URL": "http://aws.test", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "TRUE"},
        "https://lambda.eu-north-1.amazonaws.com",
    ),
    "not-ignored": (
        {"AWS_ENDPOINT_URL": "http://aws.test", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false"},
        "http://aws.test",
    ),
    "before-fips": ({"AWS_ENDPOINT_URL": "https://aws.test", USE_FIPS: "true"}, "https://aws.test"),
}


@pytest.mark.parametrize(("environ", "expected"), ENDPOINTS.values(), ids=ENDPOINTS)
def test_endpoint_in_the_environment_is_used(environ, expected):
    assert url(transport(environ)) == expected


OPTIONS_WIN = {
    "host": ({"host": "own.test"}, "https://own.test"),
    "port": ({"port": 8443}, "http://env.test:8443"),
    "default-port-of-kong-is-ignored": ({"port": 443}, "http://env.test:4566"),
    "host-and-plain-http": ({"host": "own.test", "disable_https": True}, "http://own.test"),
}


@pytest.mark.parametrize(("options", "expected"), OPTIONS_WIN.values(), ids=OPTIONS_WIN)
def test_options_win_over_the_environment(options, expected):
    assert url(transport({"AWS_ENDPOINT_URL": "http://env.test:4566"}, **options)) == expected


def test_disable_https_applies_to_the_host_in_the_environment():
    found = transport({"AWS_ENDPOINT_URL": "https://env.test"}, disable_https=True)
    assert url(found) == "http://env.test"


def test_endpoint_does_not_change_the_signing_region():
    environ = {"AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": "http://lambda.us-east-1.test"}
    assert read_route(environ=environ).target.aws_region == "eu-west-1"


@pytest.mark.parametrize(
    "value",
    [
        "localhost:4566",
        "ftp://x",
        "http://",
        "http://x:port",
        "http://x/path",
        "http://u:SECRET@x",
        "http://x?SECRET",
        "http://a b",
        "http://a\nb",
        "http://a\t",
        " http://a",
    ],
)
def test_invalid_endpoint_in_the_environment_is_rejected(value):
    environ = {"AWS_REGION": "eu-north-1", "AWS_ENDPOINT_URL": value}
    (problem,) = problems({"routes": {"/a": {"function_name": "f"}}}, environ=environ)
    assert problem.startswith(
        "routes['/a'].host: not set, and AWS_ENDPOINT_URL in the environment "
    )
    assert "SECRET" not in problem


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
def test_region_is_the_option_then_the_arn_then_the_environment(options, environ, region):
    assert read_route(environ=environ, **options).target.aws_region == region


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
def test_host_depends_on_the_partition_of_the_region(region, host):
    assert read_route(aws_region=region).transport.host == host


def test_host_does_not_change_the_region():
    route = read_route(host="lambda.us-west-2.amazonaws.com")
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
def test_authority_contains_a_port_that_is_not_the_default(options, scheme, authority):
    transport = read_route(**{"host": "lambda.test", **options}).transport
    assert (transport.scheme, transport.authority) == (scheme, authority)
