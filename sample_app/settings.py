"""The shop's settings, which Flask and Django share: what of it is a Lambda function."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

DEFAULT_PREFIX = "wsgi-lambda-demo-"

#: The only names the shop answers to, so that no foreign page can reach it by
#: a name of its own that leads to 127.0.0.1.
HOSTS = ["127.0.0.1", "localhost"]


def wsgi_lambda(environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Return the configuration of `LambdaMiddleware`.

    Keys and region are the environment's. DEMO_FUNCTION_PREFIX is put before
    the functions' names; DEMO_LAMBDA_URL is where Lambda is, and
    DEMO_ENDPOINT=aws says that it is where AWS has it. DEMO_ROLE_ARN is a role
    for /lambda/payroll.
    """
    prefix = environ.get("DEMO_FUNCTION_PREFIX") or DEFAULT_PREFIX
    return {
        **_endpoint(environ),
        "hosts": HOSTS,
        "timeout": 10_000,
        "unhandled_status": 500,
        "routes": {
            "/lambda/catalogue": {"function_name": f"{prefix}catalogue"},
            "/lambda/orders": {
                "function_name": f"{prefix}orders",
                "is_proxy_integration": True,
                "forward_request_method": True,
                "forward_request_uri": True,
                "forward_request_headers": True,
                "forward_request_body": True,
            },
            "/lambda/label": {
                "function_name": f"{prefix}label",
                "is_proxy_integration": True,
                # The home page reads the event out of the function's log.
                "expose_log_result": True,
            },
            "/lambda/upload": {"function_name": f"{prefix}upload"},
            # A whole Flask app: see functions/reviews/app.py.
            "/lambda/reviews": {
                "function_name": f"{prefix}reviews",
                "is_proxy_integration": True,
                "awsgateway_compatible": True,
                "awsgateway_compatible_payload_version": "2.0",
                "strip_path": True,
                # The home page reads the event out of the function's log.
                "expose_log_result": True,
            },
            "/lambda/broken": {"function_name": f"{prefix}broken"},
            "/lambda/newsletter": {
                "function_name": f"{prefix}newsletter",
                "invocation_type": "Event",
            },
            "/lambda/slow": {"function_name": f"{prefix}slow", "timeout": 1500},
            "/lambda/echo": {"function_name": f"{prefix}echo"},
            "/lambda/forbidden": {"function_name": f"{prefix}payroll"},
            **_payroll(prefix, environ),
        },
    }


def _payroll(prefix: str, environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the route whose function the key may not invoke, but a role that it may assume."""
    if not environ.get("DEMO_ROLE_ARN"):
        return {}
    return {
        "/lambda/payroll": {
            "function_name": f"{prefix}payroll",
            "aws_assume_role_arn": environ["DEMO_ROLE_ARN"],
            # Where the emulator is, there is its STS; none means AWS's own.
            "aws_sts_endpoint_url": environ.get("DEMO_LAMBDA_URL") or None,
        }
    }


def _endpoint(environ: Mapping[str, str]) -> dict[str, Any]:
    if environ.get("DEMO_ENDPOINT") == "aws":
        return {}
    if not environ.get("DEMO_LAMBDA_URL"):
        raise RuntimeError(
            "Where is Lambda? Start the shop with `python -m sample_app.demo`, "
            "or set DEMO_LAMBDA_URL, or DEMO_ENDPOINT=aws"
        )
    url = urlsplit(environ["DEMO_LAMBDA_URL"])
    return {"host": url.hostname, "port": url.port, "disable_https": url.scheme == "http"}
