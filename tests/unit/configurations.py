"""Read configurations in tests: the only route, or the problems."""

import pytest

from wsgi_lambda.config import read_routes
from wsgi_lambda.errors import ConfigError

REGION = {"AWS_REGION": "eu-north-1"}

ROLE = "arn:aws-cn:iam::123456789012:role/shop/web+app"

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:pay"


def read_route(*, environ=REGION, defaults=(), **options):
    """Return the only route of a configuration whose path is /a."""
    own = {"function_name": "pay", **options}
    (route,) = read_routes({**dict(defaults), "routes": {"/a": own}}, environ)
    return route


def problems(config, *, environ=REGION):
    """Return the lines of the `ConfigError` for ``config``, which are its whole text."""
    with pytest.raises(ConfigError) as caught:
        read_routes(config, environ)
    first, *lines = str(caught.value).split("\n")
    assert first == "Invalid WSGI_LAMBDA configuration:"
    assert tuple(lines) == caught.value.errors
    return lines


def problems_of(*, environ=REGION, **options):
    """Return the problems of a configuration whose only path is /a."""
    own = {"function_name": "pay", **options}
    return problems({"routes": {"/a": own}}, environ=environ)


def option_value(route, name):
    """Return the value of one option of ``route``."""
    groups = (
        route.match,
        route.target,
        route.identity,
        route.transport,
        route.event,
        route.response,
        route.local,
    )
    return next(getattr(group, name) for group in groups if hasattr(group, name))
