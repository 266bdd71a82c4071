"""What a handler learns about its function from the context."""

from __future__ import annotations

import base64
import json
import logging
from dataclasses import dataclass
from typing import Any

from wsgi_lambda.options import Target
from wsgi_lambda.options.aws_names import Tenant, split_function_name

log = logging.getLogger("wsgi_lambda")

_LOGGED = 8 * 1024  # characters of the error of an Event
_NO_ACCOUNT = "000000000000"
#: The partitions by the beginning of their region names; AWS's own is "aws".
#: https://github.com/boto/botocore/blob/develop/botocore/data/partitions.json
_PARTITIONS = {
    "cn-": "aws-cn",
    "eu-isoe-": "aws-iso-e",
    "eusc-": "aws-eusc",
    "us-gov-": "aws-us-gov",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "us-isof-": "aws-iso-f",
}


@dataclass(frozen=True, slots=True)
class InvokedFunction:
    """A function in this process, as its context describes it.

    ``InvokedFunction("orders", "$LATEST", "arn:aws:lambda:us-east-1:000000000000:function:orders",
    None, None)``
    """

    name: str
    version: str
    arn: str
    tenant: str | None
    client_context: str | None

    @classmethod
    def of(cls, target: Target) -> InvokedFunction:
        """Return the function that ``target`` names; the account is 000000000000 if unknown."""
        parts = split_function_name(target.function_name)
        region = target.aws_region
        starts = (name for start, name in _PARTITIONS.items() if region.startswith(start))
        partition = parts.partition or next(starts, "aws")
        qualifier = target.qualifier or parts.qualifier
        arn = (
            f"arn:{partition}:lambda:{region}:{parts.account or _NO_ACCOUNT}:function:{parts.name}"
        )
        return cls(
            name=parts.name,
            version=qualifier if qualifier.isdecimal() else "$LATEST",
            arn=f"{arn}:{qualifier}" if qualifier else arn,
            tenant=target.tenant_id.value if isinstance(target.tenant_id, Tenant) else None,
            client_context=target.client_context,
        )

    def context(
        self, request_id: str, tenant: str | None, client_context: str | None = None
    ) -> dict[str, Any]:
        """Return the arguments of `LambdaContext`, except its deadline.

        ``tenant`` and ``client_context`` (base64) are those of one invocation, and win.
        """
        encoded = client_context or self.client_context
        return {
            "request_id": request_id,
            "function_name": self.name,
            "function_version": self.version,
            "invoked_function_arn": self.arn,
            "client_context": json.loads(base64.b64decode(encoded)) if encoded else None,
            "tenant_id": tenant or self.tenant,
        }

    def reply_headers(self, error: str, log_result: str) -> list[tuple[str, str]]:
        """Return the headers of a reply that any other reply does not have.

        ``error`` is the value of `X-Amz-Function-Error`, "" for a result.
        """
        headers = [("X-Amz-Executed-Version", self.version)]
        if error:
            headers.append(("X-Amz-Function-Error", error))
        if log_result:
            headers.append(("X-Amz-Log-Result", log_result))
        return headers


def log_event_error(function: str, request_id: str, text: str) -> None:
    """Log the error of an asynchronous invocation, of which nobody else learns."""
    log.error("function %s: an Event failed, request %s: %r", function, request_id, text[:_LOGGED])
