"""Options that are valid one by one, but not together."""

import pytest

from tests.unit.configurations import ARN, ROLE, problems, problems_of, read_route
from tests.unit.options.invalid_values import NO_REGION, NO_SECRET, NO_SPACE


@pytest.mark.parametrize("name", ["pay:prod", f"{ARN}:prod", "pay:$LATEST"])
def test_qualifier_must_equal_the_one_in_the_name(name):
    assert problems_of(function_name=name, qualifier="beta") == [
        "routes['/a'].qualifier: contradicts the qualifier at the end of function_name"
    ]


@pytest.mark.parametrize("environ", [{}, {"AWS_REGION": "", "AWS_DEFAULT_REGION": ""}])
def test_region_is_required(environ):
    assert problems_of(environ=environ) == [
        "routes['/a'].aws_region: not set; set it here, in a full ARN in function_name, in the "
        "environment variable AWS_REGION or AWS_DEFAULT_REGION, or, with the extra aws, in a "
        "profile"
    ]


def test_region_must_equal_the_one_in_the_arn():
    assert problems_of(function_name=ARN, aws_region="us-east-1") == [
        "routes['/a'].aws_region: contradicts the region in function_name"
    ]


def test_region_of_an_arn_wins_over_a_default():
    target = read_route(defaults={"aws_region": "us-east-1"}, function_name=ARN).target
    assert target.aws_region == "eu-west-1"


def test_invalid_region_is_not_reported_as_missing():
    assert problems_of(environ={}, aws_region="Ireland") == [
        f"routes['/a'].aws_region: {NO_REGION}"
    ]


@pytest.mark.parametrize("region", ["us-east-1\n", "x.evil.test/"], ids=["line-end", "host"])
@pytest.mark.parametrize("name", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_invalid_region_in_the_environment_is_rejected(name, region):
    text = f"not set, and {name} in the environment is not a valid region name"
    assert problems_of(environ={name: region}) == [f"routes['/a'].aws_region: {text}"]


def test_invalid_region_in_the_profile_is_rejected(tmp_path, monkeypatch):
    (tmp_path / "config").write_text("[default]\nregion = Ireland\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    assert problems_of(environ={}) == [
        "routes['/a'].aws_region: not set, and the region of the profile is not a valid region name"
    ]


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
def test_incomplete_keys_are_rejected(keys, expected):
    assert problems_of(**keys) == [f"routes['/a'].{problem}" for problem in expected]


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"])
def test_endpoint_of_sts_in_the_environment_has_no_white_space(name):
    environ = {"AWS_REGION": "eu-north-1", name: "https://sts.test\n"}
    assert problems_of(environ=environ, aws_assume_role_arn=ROLE, host="lambda.test") == [
        f"routes['/a'].aws_sts_endpoint_url: not set, and {name} in the environment {NO_SPACE}"
    ]


@pytest.mark.parametrize(
    "environ",
    [
        {"AWS_ENDPOINT_URL_STS": "https://sts.test/path"},
        {"AWS_ENDPOINT_URL_STS": " ", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
    ],
    ids=["valid", "ignored"],
)
def test_endpoint_of_sts_in_the_environment_is_botocore_s(environ):
    environ = {"AWS_REGION": "eu-north-1", **environ}
    assert read_route(environ=environ, aws_assume_role_arn=ROLE).identity


def test_keys_may_be_completed_by_a_default():
    identity = read_route(defaults={"aws_secret": "secret"}, aws_key="AKID").identity
    assert (identity.aws_key, identity.aws_secret) == ("AKID", "secret")


def test_invalid_key_is_not_missing_for_the_token():
    keys = {"aws_key": "a b", "aws_secret": "secret", "aws_session_token": "token"}
    assert problems_of(**keys) == [f"routes['/a'].aws_key: {NO_SECRET}"]


def test_default_token_is_dropped_for_keys_of_a_route():
    top = {"aws_key": "ASIATOP", "aws_secret": "top", "aws_session_token": "token"}
    identity = read_route(defaults=top, aws_key="AKID", aws_secret="own").identity
    assert identity.aws_session_token is None


STREAM = {"invoke_mode": "RESPONSE_STREAM"}


@pytest.mark.parametrize(
    ("option", "value"), [("invocation_type", "Event"), ("empty_arrays_mode", "legacy")]
)
def test_stream_cannot_be_combined_with(option, value):
    text = f"{value!r} cannot be combined with invoke_mode 'RESPONSE_STREAM'"
    assert problems_of(**STREAM, **{option: value}) == [f"routes['/a'].{option}: {text}"]
    own = {"function_name": "pay", **STREAM}
    assert problems({option: value, "routes": {"/a": own}}) == [f"routes['/a'].{option}: {text}"]
    assert read_route(**{option: value}).target.invoke_mode == "BUFFERED"


def test_stream_may_be_a_dry_run():
    target = read_route(**STREAM, invocation_type="DryRun").target
    assert (target.invoke_mode, target.invocation_type) == ("RESPONSE_STREAM", "DryRun")
