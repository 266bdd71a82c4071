"""A Flask app with a rule for the path of a route, with or without the middleware around it.

If both see the same path, the bare app responds "rule" exactly when the
wrapped one responds 502: nothing listens at the Lambda endpoint.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, request

from wsgi_lambda import LambdaMiddleware


def make_app(*, is_wrapped: bool) -> Callable[..., Any]:
    app = Flask("paths")
    # Runs before Flask's own redirects, which clients need not follow.
    app.before_request(lambda: "rule" if f"{request.path}/".startswith("/f/") else "other")
    if not is_wrapped:
        return app
    nowhere = {"host": "127.0.0.1", "port": 9, "disable_https": True}
    keys = {"aws_region": "us-east-1", "aws_key": "AKID", "aws_secret": "secret"}
    return LambdaMiddleware(app, {**nowhere, **keys, "routes": {"/f": {"function_name": "f"}}})
