"""Find options that do not fit together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wsgi_lambda.config import endpoints
from wsgi_lambda.credentials.source import EXTRA, has_botocore
from wsgi_lambda.options import (
    Identity,
    Target,
    Transport,
    aws_names,
)

#: One set of credentials.
KEYS = {"aws_key", "aws_secret", "aws_session_token"}


def endpoint_problems(
    transport: Transport, region: str, environ: Mapping[str, str]
) -> Iterator[tuple[str, set[str], str]]:
    try:
        endpoints.complete(transport, region, environ)
    except ValueError as error:
        yield "host", set(), f"not given, and {error}"


def contradictions(
    target: Target, identity: Identity, region: str
) -> Iterator[tuple[str, set[str], str]]:
    """Yield (option, options that it is judged by, what is wrong) where values do not fit."""
    in_arn, _, suffix = aws_names.split_function_name(target.function_name)
    if not target.function_name:
        yield "function_name", set(), "required"
    if suffix and target.qualifier and suffix != target.qualifier:
        yield "qualifier", set(), "contradicts the one at the end of function_name"
    if identity.aws_key is None and identity.aws_secret is not None:
        yield "aws_key", set(), "required with aws_secret"
    if identity.aws_secret is None and identity.aws_key is not None:
        yield "aws_secret", set(), "required with aws_key"
    if identity.aws_session_token is not None and identity.aws_key is None:
        yield "aws_session_token", KEYS, "needs aws_key and aws_secret"
    if identity.aws_assume_role_arn and not has_botocore():
        yield "aws_assume_role_arn", set(), f"needs botocore: {EXTRA}"
    if in_arn and region != in_arn:
        yield "aws_region", set(), "contradicts the region in function_name"
    if not region:
        yield (
            "aws_region",
            {"function_name"},
            "not set, and neither a full ARN in function_name nor AWS_REGION or AWS_DEFAULT_REGION "
            "in the environment nor, with the extra wsgi-lambda[aws], a profile tells it",
        )
    elif not aws_names.is_region(region):
        yield (
            "aws_region",
            set(),
            "the region of the environment or of its profile is no AWS region",
        )
