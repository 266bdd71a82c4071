"""Parsers of AWS's names."""

import pytest

from tests.unit.configurations import ARN, problems_of, read_route
from tests.unit.options.invalid_values import NO_FUNCTION
from wsgi_lambda.options import aws_names


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
def test_function_name_is_a_name_or_an_arn(name, region):
    target = read_route(function_name=name).target
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
        pytest.param("pay:a b", id="alias-with-a-space"),
        pytest.param("pay:$latest", id="latest-in-lower-case"),
        pytest.param("pay:prod:7", id="two-aliases"),
        pytest.param("p" * 257, id="too-long"),
        pytest.param("arn:aws:s3:::bucket", id="ARN-of-a-bucket"),
        pytest.param(ARN.replace("lambda", "sns"), id="ARN-of-another-service"),
        pytest.param(ARN.replace("123456789012", "12345"), id="ARN-with-a-short-account"),
        pytest.param(ARN.replace("eu-west-1", "Ireland"), id="ARN-with-no-region"),
        pytest.param("https://lambda.test/pay", id="URL"),
    ],
)
def test_invalid_function_name_is_rejected(name):
    assert problems_of(function_name=name) == [f"routes['/a'].function_name: {NO_FUNCTION}"]


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
def test_qualifier_is_a_version_or_an_alias(name, qualifier):
    assert read_route(function_name=name, qualifier=qualifier).target.qualifier == qualifier


def test_client_context_may_have_the_longest_base64():
    # The length of base64 is a multiple of 4, so 3580 is the longest below 3583.
    assert len(read_route(client_context={"a": "x" * 2676}).target.client_context) == 3580


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("orders", ("", "orders", "", "", "")),
        ("orders:live", ("", "orders", "live", "", "")),
        ("123456789012:function:orders", ("", "orders", "", "", "123456789012")),
        (f"{ARN}:$LATEST", ("eu-west-1", "pay", "$LATEST", "aws", "123456789012")),
        ("not a name", ("", "not a name", "", "", "")),
    ],
)
def test_function_name_is_split_into_its_parts(name, parts):
    assert aws_names.split_function_name(name) == parts


@pytest.mark.parametrize("name", ["blue", "blue team/7", "a" * 256])
def test_tenant_id_fits_into_a_header(name):
    assert aws_names.is_tenant(name)


def test_tenant_is_an_id_or_the_header_that_contains_it():
    assert aws_names.tenant_id("blue") == aws_names.Tenant("blue")
    assert aws_names.tenant_id("header:X-Tenant") == aws_names.TenantHeader("X-Tenant")
