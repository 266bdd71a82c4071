"""The shop's settings, shared by Flask and Django: the configuration of its functions."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

DEFAULT_PREFIX = "wsgi-lambda-demo-"

#: The only host names of the shop. Without this limit, a page of another site
#: could reach the shop by a name that resolves to 127.0.0.1 (DNS rebinding).
HOSTS = ["127.0.0.1", "localhost"]

#: One line for each request to a route, with its outcome.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {"wsgi_lambda.access": {"handlers": ["console"], "level": "INFO"}},
}

#: They write the page "operations" and count for Prometheus.
OBSERVERS = ["sample_app.operations:LastInvocations", "prometheus"]

#: Options that the home page does not show.
SECRETS = {"aws_key", "aws_secret", "aws_session_token", "aws_external_id"}


def wsgi_lambda(environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Return the configuration of `LambdaMiddleware`.

    The environment has the keys and the region. DEMO_FUNCTION_PREFIX is the
    prefix of the functions' names. DEMO_LAMBDA_URL is the Lambda endpoint;
    DEMO_ENDPOINT=aws chooses the one of AWS. DEMO_ROLE_ARN is a role for
    /lambda/payroll. With WSGI_LAMBDA_LOCAL=1 the functions run in this process.
    """
    prefix = environ.get("DEMO_FUNCTION_PREFIX") or DEFAULT_PREFIX
    return {
        **_endpoint(environ),
        "hosts": HOSTS,
        "timeout": 10_000,
        "observers": OBSERVERS,
        "routes": {
            "/lambda/catalogue": _function("catalogue", prefix),
            "/lambda/orders": {
                **_function("orders", prefix),
                "is_proxy_integration": True,
                "forward_request_method": True,
                "forward_request_uri": True,
                "forward_request_headers": True,
                "forward_request_body": True,
            },
            "/lambda/label": {
                **_function("label", prefix),
                "is_proxy_integration": True,
                # The home page reads the event from the function's log.
                "expose_log_result": True,
            },
            "/lambda/upload": _function("upload", prefix),
            # A complete Flask app: see functions/reviews/app.py.
            "/lambda/reviews": {
                **_function("reviews", prefix),
                "is_proxy_integration": True,
                "awsgateway_compatible": True,
                "awsgateway_compatible_payload_version": "2.0",
                "strip_path": True,
                # The home page reads the event from the function's log.
                "expose_log_result": True,
            },
            "/lambda/broken": {**_function("broken", prefix), "unhandled_status": 500},
            "/lambda/newsletter": {
                **_function("newsletter", prefix),
                "invocation_type": "Event",
            },
            "/lambda/slow": {**_function("slow", prefix), "timeout": 1500},
            "/lambda/chat": {
                **_function("chat", prefix),
                "invoke_mode": "RESPONSE_STREAM",
            },
            "/lambda/echo": _function("echo", prefix),
            **_payroll(prefix, environ),
        },
    }


def members(environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Return the configuration of the members' pages, whose functions are in the app.

    They are behind the app's login, CSRF protection, limits and caches, as views are.
    """
    prefix = environ.get("DEMO_FUNCTION_PREFIX") or DEFAULT_PREFIX
    return {
        **_endpoint(environ),
        "timeout": 10_000,
        "observers": OBSERVERS,
        "routes": {
            # A page without a view: it returns API Gateway's event, which names the user.
            "/members/event": {
                **_function("echo", prefix),
                "awsgateway_compatible": True,
                "awsgateway_compatible_payload_version": "2.0",
            },
        },
        "functions": {
            "note": _function("echo", prefix),
            "catalogue": _function("catalogue", prefix),
            "label": {**_function("label", prefix), "is_proxy_integration": True},
        },
    }


def shown_configuration(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a configuration as Python code without keys, for the home page.

    ``name`` is how the app calls it. Example: ``{"name": "WSGI_LAMBDA",
    "defaults": "{…}", "routes": [{"path": "/lambda/echo", "code": "…"}]}``.
    """
    return {
        "name": name,
        "has_iam": "/lambda/forbidden" in config["routes"],
        "defaults": _python({key: config[key] for key in config if key != "routes"}),
        "routes": [
            {"path": path, "code": f"{json.dumps(path)}: {_python(options)}"}
            for path, options in config["routes"].items()
        ],
    }


def _python(options: Mapping[str, Any]) -> str:
    lines = [
        f"    {json.dumps(name)}: {_value(value)},\n"
        for name, value in options.items()
        if name not in SECRETS
    ]
    return f"{{\n{''.join(lines)}}}"


def _value(value: Any) -> str:
    # JSON's double quotes, Python's True and None.
    return json.dumps(value) if isinstance(value, (str, list)) else repr(value)


def _function(name: str, prefix: str) -> dict[str, Any]:
    """Return the options that name a function: in Lambda, and its file for local mode."""
    return {
        "function_name": f"{prefix}{name}",
        "handler": f"sample_app/functions/{name}/app.py:handler",
    }


def is_local(environ: Mapping[str, str]) -> bool:
    """Return whether the functions run in this process."""
    return environ.get("WSGI_LAMBDA_LOCAL", "").lower() in ("1", "true")


def _payroll(prefix: str, environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the routes of a function that only a role may invoke, not the app's own user."""
    if is_local(environ):
        # Nobody checks permissions.
        return {"/lambda/payroll": _function("payroll", prefix)}
    forbidden = {"/lambda/forbidden": {"function_name": f"{prefix}payroll"}}
    if not environ.get("DEMO_ROLE_ARN"):
        return forbidden
    return {
        **forbidden,
        "/lambda/payroll": {
            "function_name": f"{prefix}payroll",
            "aws_assume_role_arn": environ["DEMO_ROLE_ARN"],
            # The emulator's STS has the same URL; None means the STS of AWS.
            "aws_sts_endpoint_url": environ.get("DEMO_LAMBDA_URL") or None,
        },
    }


def _endpoint(environ: Mapping[str, str]) -> dict[str, Any]:
    if environ.get("DEMO_ENDPOINT") == "aws" or is_local(environ):
        return {}
    if not environ.get("DEMO_LAMBDA_URL"):
        raise RuntimeError(
            "The Lambda endpoint is not set. Start the shop with `make demo` or `make dev`, "
            "or set DEMO_LAMBDA_URL or DEMO_ENDPOINT=aws"
        )
    url = urlsplit(environ["DEMO_LAMBDA_URL"])
    return {"host": url.hostname, "port": url.port, "disable_https": url.scheme == "http"}
