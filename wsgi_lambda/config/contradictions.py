"""Find options of one route that do not fit together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from wsgi_lambda.config import endpoints
from wsgi_lambda.credentials.source import EXTRA, has_botocore
from wsgi_lambda.options import Identity, ResponseOptions, Target, Transport, aws_names

#: The options that form one set of credentials.
KEYS = frozenset({"aws_key", "aws_secret", "aws_session_token"})


class Finding(NamedTuple):
    """A problem of ``option``, seen by its values.

    It is not worth reporting if ``option`` or one of ``depends_on`` has a value
    that was reported already.
    """

    option: str
    text: str
    code: str
    depends_on: frozenset[str] = frozenset()


def find_contradictions(
    target: Target,
    identity: Identity,
    transport: Transport,
    response: ResponseOptions,
    *,
    region: str,
    environ: Mapping[str, str],
    bundle: endpoints.EnvironmentBundle,
) -> Iterator[Finding]:
    """Yield the problems of a route whose options are valid one by one."""
    yield from _in_target(target)
    yield from _in_stream(target, response)
    yield from _in_identity(identity, environ)
    yield from _in_region(target, region, environ)
    try:
        transport = endpoints.complete(transport, region, environ)
    except ValueError as error:
        yield Finding("host", f"not set, and {error}", "invalid_environment")
    try:
        bundle.for_route(transport)
    except ValueError as error:
        yield Finding("tls_verify", f"true, and {error}", "invalid_environment")


def _in_target(target: Target) -> Iterator[Finding]:
    suffix = aws_names.split_function_name(target.function_name).qualifier
    if not target.function_name:
        yield Finding("function_name", "required", "missing")
    if suffix and target.qualifier and suffix != target.qualifier:
        text = "contradicts the qualifier at the end of function_name"
        yield Finding("qualifier", text, "contradiction")


def _in_stream(target: Target, response: ResponseOptions) -> Iterator[Finding]:
    if target.invoke_mode != "RESPONSE_STREAM":
        return
    for option, value in (
        ("invocation_type", target.invocation_type),
        ("empty_arrays_mode", response.empty_arrays_mode),
    ):
        if value in ("Event", "legacy"):
            text = f"{value!r} cannot be combined with invoke_mode 'RESPONSE_STREAM'"
            yield Finding(option, text, "contradiction", depends_on=frozenset({"invoke_mode"}))


def _in_identity(identity: Identity, environ: Mapping[str, str]) -> Iterator[Finding]:
    if identity.aws_key is None and identity.aws_secret is not None:
        yield Finding("aws_key", "required with aws_secret", "missing")
    if identity.aws_secret is None and identity.aws_key is not None:
        yield Finding("aws_secret", "required with aws_key", "missing")
    if identity.aws_session_token is not None and identity.aws_key is None:
        text = "requires aws_key and aws_secret"
        yield Finding("aws_session_token", text, "missing", depends_on=KEYS)
    if identity.aws_assume_role_arn and not has_botocore():
        yield Finding("aws_assume_role_arn", f"needs botocore: {EXTRA}", "needs_botocore")
    if identity.aws_assume_role_arn and not identity.aws_sts_endpoint_url:
        try:
            endpoints.check_sts(environ)
        except ValueError as error:
            text = f"not set, and {error}"
            yield Finding("aws_sts_endpoint_url", text, "invalid_environment")


def _in_region(target: Target, region: str, environ: Mapping[str, str]) -> Iterator[Finding]:
    in_arn = aws_names.split_function_name(target.function_name).region
    if in_arn and region != in_arn:
        text = "contradicts the region in function_name"
        yield Finding("aws_region", text, "contradiction")
    if not region:
        text = (
            "not set; set it here, in a full ARN in function_name, in the environment variable "
            "AWS_REGION or AWS_DEFAULT_REGION, or, with the extra aws, in a profile"
        )
        yield Finding("aws_region", text, "missing", depends_on=frozenset({"function_name"}))
    elif not aws_names.is_region(region):
        names = [name for name in endpoints.REGION_NAMES if environ.get(name) == region]
        place = f"{names[0]} in the environment" if names else "the region of the profile"
        text = f"not set, and {place} is not a valid region name"
        yield Finding("aws_region", text, "invalid_environment")
