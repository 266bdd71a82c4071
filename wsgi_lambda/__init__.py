"""Serve chosen paths of a WSGI application with AWS Lambda functions."""

from wsgi_lambda.errors import ConfigError, LambdaError
from wsgi_lambda.middleware import LambdaMiddleware

__all__ = ["ConfigError", "LambdaError", "LambdaMiddleware"]
__version__ = "0.1.0"
