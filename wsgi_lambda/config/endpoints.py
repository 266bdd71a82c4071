"""Find the region and the Lambda endpoint of a route."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple

from wsgi_lambda.credentials.source import profile_region
from wsgi_lambda.options import Target, Transport, addresses, aws_names

REGION_NAMES = ("AWS_REGION", "AWS_DEFAULT_REGION")

# https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
ENDPOINT_NAMES = ("AWS_ENDPOINT_URL_LAMBDA", "AWS_ENDPOINT_URL")
STS_NAMES = ("AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL")
IGNORE_ENDPOINTS = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"

# https://docs.aws.amazon.com/sdkref/latest/guide/feature-endpoints.html
USE_FIPS = "AWS_USE_FIPS_ENDPOINT"
USE_DUALSTACK = "AWS_USE_DUALSTACK_ENDPOINT"

#: Kong's default `port`: a configuration copied from Kong contains it unintentionally.
HTTPS_PORT = 443


class Partition(NamedTuple):
    """The domains of a partition's hosts, without and with IPv6."""

    suffix: str
    dualstack_suffix: str


AWS = Partition("amazonaws.com", "api.aws")

#: The other partitions, by the beginning of their region names.
PARTITIONS = {
    "cn-": Partition("amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    "eu-isoe-": Partition("cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    "eusc-": Partition("amazonaws.eu", "api.amazonwebservices.eu"),
    "us-iso-": Partition("c2s.ic.gov", "api.aws.ic.gov"),
    "us-isob-": Partition("sc2s.sgov.gov", "api.aws.scloud"),
    "us-isof-": Partition("csp.hci.ic.gov", "api.aws.hci.ic.gov"),
}


# https://boto3.amazonaws.com/v1/documentation/api/latest/guide/configuration.html
BUNDLE_NAMES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")


class EnvironmentBundle:
    """The CA bundle that the environment names, read once, when the first route needs it."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._name = next((name for name in BUNDLE_NAMES if environ.get(name)), "")
        self._path = environ.get(self._name, "")

    @cached_property
    def _bundle(self) -> addresses.CABundle:
        try:
            return addresses.read_ca_bundle(self._path)
        except ValueError as error:
            raise ValueError(f"{self._name} in the environment {error}") from error

    def for_route(self, transport: Transport) -> Transport:
        """Return ``transport`` with the bundle if `tls_verify` is true and a variable names one.

        Raises ValueError that names the variable if the file cannot be read.
        """
        if transport.tls_verify is not True or transport.disable_https or not self._name:
            return transport
        return transport.replace(tls_verify=self._bundle)


def region_of(target: Target, environ: Mapping[str, str]) -> str:
    """Return the region of the option, the ARN, the environment or the profile; else ""."""
    in_arn = aws_names.split_function_name(target.function_name).region
    in_environment = (environ.get(name) for name in REGION_NAMES)
    return target.aws_region or in_arn or next(filter(None, in_environment), "") or profile_region()


def complete(transport: Transport, region: str, environ: Mapping[str, str]) -> Transport:
    """Return ``transport`` with its host, port and scheme filled in.

    Without `host` they are taken from the endpoint in the environment, else they
    are AWS's own. An explicit `port` or `disable_https` wins over both. Raises
    ValueError that names the environment variable if its URL is invalid.
    """
    if not transport.host:
        transport = _from_environment(transport, environ) or transport.replace(
            host=_aws_host(region, environ)
        )
    return transport.replace(port=transport.port or transport.default_port)


def _from_environment(transport: Transport, environ: Mapping[str, str]) -> Transport | None:
    name = next((name for name in ENDPOINT_NAMES if environ.get(name)), None)
    if name is None or _is_true(environ, IGNORE_ENDPOINTS):
        return None
    try:
        endpoint = addresses.endpoint_url(environ[name])
    except ValueError as error:
        raise ValueError(f"{name} in the environment {error}") from error
    own_port = 0 if transport.port == HTTPS_PORT else transport.port
    return transport.replace(
        host=endpoint.host,
        port=own_port or endpoint.port,
        disable_https=transport.disable_https or endpoint.scheme == "http",
    )


def check_sts(environ: Mapping[str, str]) -> None:
    """Check the endpoint of STS in the environment, which botocore reads at the first request.

    Raises ValueError that names the variable if it contains white space.
    """
    name = next((name for name in STS_NAMES if environ.get(name)), None)
    if name is None or _is_true(environ, IGNORE_ENDPOINTS):
        return
    try:
        addresses.printable(environ[name])
    except ValueError as error:
        raise ValueError(f"{name} in the environment {error}") from error


def _aws_host(region: str, environ: Mapping[str, str]) -> str:
    starts = (partition for start, partition in PARTITIONS.items() if region.startswith(start))
    partition = next(starts, AWS)
    dualstack = _is_true(environ, USE_DUALSTACK)
    service = "lambda-fips" if _is_true(environ, USE_FIPS) else "lambda"
    suffix = partition.dualstack_suffix if dualstack else partition.suffix
    return f"{service}.{region}.{suffix}"


def _is_true(environ: Mapping[str, str], name: str) -> bool:
    return environ.get(name, "").strip().lower() == "true"
