"""A Flask app that owns what the middleware has a route for: bare, and behind it.

Which of the two answers tells whether both see the same path. Nothing listens
at the middleware's Lambda, so that its answer is a 502.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, request

from wsgi_lambda import LambdaMiddleware


def make_app(*, is_wrapped: bool) -> Callable[..., Any]:
    app = Flask("paths")
    # Before Flask's own redirects, which clients need not follow.
    app.before_request(lambda: "rule" if f"{request.path}/".startswith("/f/") else "other")
    if not is_wrapped:
        return app
    nowhere = {"host": "127.0.0.1", "port": 9, "disable_https": True}
    keys = {"aws_region": "us-east-1", "aws_key": "AKID", "aws_secret": "secret"}
    return LambdaMiddleware(app, {**nowhere, **keys, "routes": {"/f": {"function_name": "f"}}})
