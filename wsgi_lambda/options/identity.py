"""Options that choose the AWS credentials."""

from __future__ import annotations

from wsgi_lambda.options import addresses, aws_names, parsers
from wsgi_lambda.options.declaration import OptionGroup, choice, option


class Identity(OptionGroup):
    """Credentials."""

    aws_key: str | None = option(
        parsers.secret,
        type_name="string",
        doc="Access key id; requires `aws_secret`. None means the keys in the environment, else "
        "botocore's credential chain¹",
    )
    aws_secret: str | None = option(
        parsers.secret, type_name="string", doc="Secret access key; requires `aws_key`"
    )
    aws_session_token: str | None = option(
        parsers.secret,
        type_name="string",
        doc="Session token of a temporary `aws_key` and `aws_secret`",
    )
    aws_assume_role_arn: str | None = option(
        aws_names.role_arn,
        type_name="string",
        doc="ARN of a role to assume with the credentials above¹",
    )
    aws_role_session_name: str = option(
        aws_names.role_session_name,
        "wsgi_lambda",
        type_name="string",
        default_doc="`wsgi_lambda`",
        doc="Name of the role's session¹",
    )
    aws_external_id: str | None = option(
        aws_names.external_id,
        type_name="string",
        doc="External id, if the role's trust policy requires one¹",
    )
    aws_sts_endpoint_url: str | None = option(
        addresses.sts_endpoint_url,
        type_name="string",
        doc="URL of STS. None means `AWS_ENDPOINT_URL_STS`, else AWS's own in the region¹",
    )
    aws_imds_protocol_version: str = choice(
        "v1",
        "v2",
        doc="Version of the instance metadata service. `v1` tries version 2 first; `v2` never "
        "falls back to version 1¹",
    )
