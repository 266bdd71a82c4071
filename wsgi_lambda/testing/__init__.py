"""Functions of a test take the place of those in Lambda.

::

    with lambda_functions() as functions:
        functions["orders"] = lambda event, context: {"statusCode": 201, "body": "made"}
        assert client.post("/shop", json={"item": 7}).status_code == 201
        assert functions["orders"].event["httpMethod"] == "POST"

pytest has a fixture of the same name. Everything in front of Lambda runs as in
production: events, `authorize`, limits, `retries`, signatures, responses. No socket
is opened and no AWS key is read. Requires the extra `local`.
"""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("simplejson") is None:
    raise ImportError(
        "wsgi_lambda.testing needs simplejson: pip install '.[local]' in the checkout"
    )

from wsgi_lambda.testing.functions import Call, FakeFunction, LambdaFunctions
from wsgi_lambda.testing.replacement import lambda_functions
from wsgi_lambda.testing.replies import (
    AccessDenied,
    ExpiredCredentials,
    FunctionError,
    NoReply,
    NotFound,
    NotReady,
    Refused,
    Reset,
    ServiceError,
    ServiceFailure,
    Simulated,
    Throttled,
    TimedOut,
    TooLarge,
)

__all__ = [
    "AccessDenied",
    "Call",
    "ExpiredCredentials",
    "FakeFunction",
    "FunctionError",
    "LambdaFunctions",
    "NoReply",
    "NotFound",
    "NotReady",
    "Refused",
    "Reset",
    "ServiceError",
    "ServiceFailure",
    "Simulated",
    "Throttled",
    "TimedOut",
    "TooLarge",
    "lambda_functions",
]
