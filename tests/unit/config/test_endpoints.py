"""Where Lambda is: held against botocore's own rules for every region that it knows."""

import botocore.session
import pytest
from botocore.endpoint_provider import EndpointProvider

from tests.unit.options.test_options import faults, read
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
    return read(environ={"AWS_REGION": "eu-north-1", **environ}, **options).transport


def url(found):
    return f"{found.scheme}://{found.authority}"


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize(("is_fips", "is_dualstack"), VARIANTS)
def test_host_is_botocore_s(region, is_fips, is_dualstack):
    environ = {"AWS_REGION": region, USE_FIPS: str(is_fips).lower(), USE_DUALSTACK: "True"}
    if not is_dualstack:
        del environ[USE_DUALSTACK]
    found = RULES.resolve_endpoint(Region=region, UseFIPS=is_fips, UseDualStack=is_dualstack)
    assert url(transport(environ)) == found.url


ENDPOINTS = {
    "lambda-s-own": ({"AWS_ENDPOINT_URL_LAMBDA": "http://127.0.0.1:4566"}, "http://127.0.0.1:4566"),
    "of-all-services": ({"AWS_ENDPOINT_URL": "https://aws.test"}, "https://aws.test"),
    "lambda-s-own-first": (
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
def test_endpoint_of_the_environment(environ, expected):
    assert url(transport(environ)) == expected


OPTIONS_WIN = {
    "host": ({"host": "own.test"}, "https://own.test"),
    "port": ({"port": 8443}, "http://env.test:8443"),
    "kong-s-default-port-is-not-meant": ({"port": 443}, "http://env.test:4566"),
    "host-and-plain-http": ({"host": "own.test", "disable_https": True}, "http://own.test"),
}


@pytest.mark.parametrize(("options", "expected"), OPTIONS_WIN.values(), ids=OPTIONS_WIN)
def test_options_win_over_the_environment(options, expected):
    assert url(transport({"AWS_ENDPOINT_URL": "http://env.test:4566"}, **options)) == expected


def test_plain_http_may_be_asked_for_at_the_environment_s_host():
    found = transport({"AWS_ENDPOINT_URL": "https://env.test"}, disable_https=True)
    assert url(found) == "http://env.test"


def test_endpoint_does_not_change_the_signing_region():
    environ = {"AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": "http://lambda.us-east-1.test"}
    assert read(environ=environ).target.aws_region == "eu-west-1"


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
    ],
)
def test_wrong_endpoint_of_the_environment_is_a_fault(value):
    environ = {"AWS_REGION": "eu-north-1", "AWS_ENDPOINT_URL": value}
    (fault,) = faults({"routes": {"/a": {"function_name": "f"}}}, environ=environ)
    assert fault.startswith("routes['/a'].host: not set, and AWS_ENDPOINT_URL in the environment ")
    assert "SECRET" not in fault
