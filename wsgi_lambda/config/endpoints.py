"""Where Lambda is: the region, and the endpoint that AWS has there or the environment names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from wsgi_lambda.credentials.source import profile_region
from wsgi_lambda.options import Target, Transport, addresses, aws_names

REGION_NAMES = ("AWS_REGION", "AWS_DEFAULT_REGION")

# https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
ENDPOINT_NAMES = ("AWS_ENDPOINT_URL_LAMBDA", "AWS_ENDPOINT_URL")
IGNORE_ENDPOINTS = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"

# https://docs.aws.amazon.com/sdkref/latest/guide/feature-endpoints.html
USE_FIPS = "AWS_USE_FIPS_ENDPOINT"
USE_DUALSTACK = "AWS_USE_DUALSTACK_ENDPOINT"

#: Kong's default for `port`, which a pasted configuration holds without meaning it.
HTTPS_PORT = 443


@dataclass(frozen=True, slots=True)
class Partition:
    """What the names of a partition's hosts end in, without and with IPv6."""

    suffix: str
    dualstack_suffix: str


AWS = Partition("amazonaws.com", "api.aws")

#: The other partitions, by how the names of their regions begin.
PARTITIONS = {
    "cn-": Partition("amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    "eu-isoe-": Partition("cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    "eusc-": Partition("amazonaws.eu", "api.amazonwebservices.eu"),
    "us-iso-": Partition("c2s.ic.gov", "api.aws.ic.gov"),
    "us-isob-": Partition("sc2s.sgov.gov", "api.aws.scloud"),
    "us-isof-": Partition("csp.hci.ic.gov", "api.aws.hci.ic.gov"),
}


def region_of(target: Target, environ: Mapping[str, str]) -> str:
    """Return the option's region, the ARN's, the environment's, or the profile's; else ""."""
    in_arn, _, _ = aws_names.split_function_name(target.function_name)
    named = (environ.get(name) for name in REGION_NAMES)
    return target.aws_region or in_arn or next(filter(None, named), "") or profile_region()


def complete(transport: Transport, region: str, environ: Mapping[str, str]) -> Transport:
    """Return ``transport`` with host, port and scheme, where no `host` is given.

    They are those of the environment's endpoint, else AWS's own. An explicit
    `port` or `disable_https` holds for both. Raises ValueError that names the
    environment's variable if it is no endpoint.
    """
    if not transport.host:
        transport = _from_environment(transport, environ) or replace(
            transport, host=_aws_host(region, environ)
        )
    return replace(transport, port=transport.port or transport.default_port)


def _from_environment(transport: Transport, environ: Mapping[str, str]) -> Transport | None:
    name = next((name for name in ENDPOINT_NAMES if environ.get(name)), None)
    if name is None or _is_true(environ, IGNORE_ENDPOINTS):
        return None
    try:
        endpoint = addresses.endpoint_url(environ[name])
    except ValueError as error:
        raise ValueError(f"{name} in the environment {error}") from error
    own_port = 0 if transport.port == HTTPS_PORT else transport.port
    return replace(
        transport,
        host=endpoint.host,
        port=own_port or endpoint.port,
        disable_https=transport.disable_https or endpoint.scheme == "http",
    )


def _aws_host(region: str, environ: Mapping[str, str]) -> str:
    starts = (partition for start, partition in PARTITIONS.items() if region.startswith(start))
    partition = next(starts, AWS)
    dualstack = _is_true(environ, USE_DUALSTACK)
    service = "lambda-fips" if _is_true(environ, USE_FIPS) else "lambda"
    suffix = partition.dualstack_suffix if dualstack else partition.suffix
    return f"{service}.{region}.{suffix}"


def _is_true(environ: Mapping[str, str], name: str) -> bool:
    return environ.get(name, "").strip().lower() == "true"
