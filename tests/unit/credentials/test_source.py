"""The order of the sources of credentials that need no look-up."""

import subprocess
import sys
import time

import pytest

from wsgi_lambda.config import read_routes
from wsgi_lambda.credentials import Credentials
from wsgi_lambda.credentials.environment import FIRST_PLACES, first_places, read_environment
from wsgi_lambda.credentials.source import CredentialSource
from wsgi_lambda.errors import ConfigError, CredentialsError
from wsgi_lambda.options import Identity

OWN = {"aws_key": "AKIDROUTE", "aws_secret": "route-secret"}
FROM_ENVIRONMENT = Credentials("AKIDENV", "env-secret")


def environment(*, key="AKIDENV", secret="env-secret", token=None):
    """Return the environment variables, without those that are None."""
    made = {
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_SESSION_TOKEN": token,
    }
    return {name: value for name, value in made.items() if value is not None}


def source(environ, **options):
    return CredentialSource(
        Identity(**options), region="us-east-1", proxy_url=None, environ=environ
    )


def deadline():
    return time.monotonic() + 10


def failure(environ):
    with pytest.raises(CredentialsError) as caught:
        read_environment(environ)
    return caught.value


def test_the_routes_own_credentials_come_first():
    found = source(environment(token="token"), **OWN)
    assert found.get(deadline()) == Credentials("AKIDROUTE", "route-secret")
    assert found.origin(deadline()) == "aws_key of the configuration"


def test_session_token_belongs_to_the_routes_own_credentials():
    found = source({}, **OWN, aws_session_token="token")
    assert found.get(deadline()) == Credentials("AKIDROUTE", "route-secret", "token")


def test_routes_own_credentials_cannot_be_renewed():
    found = source(environment(), **OWN)
    assert found.renew(found.get(deadline()), deadline()) is None


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        pytest.param(environment(), FROM_ENVIRONMENT, id="pair"),
        pytest.param(
            environment(token="token"), Credentials("AKIDENV", "env-secret", "token"), id="token"
        ),
        pytest.param(environment(token=""), FROM_ENVIRONMENT, id="empty-token-is-unset"),
        pytest.param({}, None, id="nothing"),
        pytest.param(environment(key=None), None, id="secret-alone"),
        pytest.param(environment(key=""), None, id="empty-key"),
        pytest.param(environment(key=None, secret=None, token="token"), None, id="token-alone"),
    ],
)
def test_credentials_of_the_environment(environ, expected):
    assert read_environment(environ) == expected


def test_environment_comes_second_and_is_read_for_each_request():
    environ = environment(key="FIRST", token="token")
    found = source(environ)
    first = found.get(deadline())
    environ |= {"AWS_ACCESS_KEY_ID": "SECOND", "AWS_SESSION_TOKEN": ""}
    second = Credentials("SECOND", "env-secret")
    assert first == Credentials("FIRST", "env-secret", "token")
    assert (found.get(deadline()), found.renew(first, deadline())) == (second, second)
    assert found.origin(deadline()) == "AWS_ACCESS_KEY_ID in the environment"


@pytest.mark.parametrize("secret", [None, ""])
def test_access_key_without_a_secret_key_is_an_error(secret):
    error = failure(environment(secret=secret))
    assert (error.status, error.detail) == (
        500,
        "AWS_ACCESS_KEY_ID is in the environment without AWS_SECRET_ACCESS_KEY",
    )
    assert error.message == "The server has no credentials for the function"


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("canary\n", id="line-end"),
        pytest.param("canary\r\nX-Forged: 1", id="header"),
        pytest.param(" canary", id="blank-before"),
        pytest.param("can ary", id="blank-inside"),
        pytest.param("canary\0", id="NUL"),
        pytest.param("canaryé", id="not-ASCII"),
        pytest.param("canary\udcff", id="not-UTF-8"),
    ],
)
@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("key", "AWS_ACCESS_KEY_ID"),
        ("secret", "AWS_SECRET_ACCESS_KEY"),
        ("token", "AWS_SESSION_TOKEN"),
    ],
)
def test_invalid_variable_is_named_without_its_value(place, name, value):
    error = failure(environment(**{place: value}))
    assert error.detail == f"{name} must contain only visible ASCII characters"
    assert "canary" not in f"{error} {error!r} {error.detail} {error.message}"


def test_error_contains_no_secret():
    error = failure(environment(secret="", key="canary", token="canary"))
    assert "canary" not in f"{error} {error!r} {error.detail}"


def test_secret_in_a_mapping_of_headers_is_hidden():
    keys = Credentials("AKIDROUTE", "route-secret", "token")
    headers = {"X-Amz-Security-Token": keys.session_token, "key": keys.secret_key}
    assert repr(headers) == "{'X-Amz-Security-Token': '...', 'key': '...'}"
    assert f"{keys.session_token}" == "token"


def test_repr_shows_no_key():
    shown = Credentials("canary", "canary", "canary")
    assert (repr(shown), str(shown)) == ("Credentials()", "Credentials()")


@pytest.mark.parametrize("other", [("a", "b"), ("a", "b", "d"), ("a", "d", "c"), ("d", "b", "c")])
def test_credentials_are_equal_if_all_three_values_are(other):
    assert Credentials("a", "b", "c") == Credentials("a", "b", "c")
    assert Credentials("a", "b", "c") != Credentials(*other)
    assert Credentials("a", "b", "c") != ("a", "b", "c")


@pytest.fixture
def _no_botocore(monkeypatch):
    """Make botocore look uninstalled."""
    monkeypatch.setattr("wsgi_lambda.credentials.source.find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "botocore", None)
    monkeypatch.delitem(sys.modules, "wsgi_lambda.credentials.chain", raising=False)


@pytest.mark.usefixtures("_no_botocore")
def test_error_without_botocore_names_the_extra():
    assert source(environment()).get(deadline()) == FROM_ENVIRONMENT
    with pytest.raises(CredentialsError) as caught:
        source({}).get(deadline())
    assert caught.value.detail == (
        "looked in the route's aws_key and aws_secret, in the environment's AWS_ACCESS_KEY_ID "
        "and AWS_SECRET_ACCESS_KEY; profiles, roles, containers and instances need "
        "pip install '.[aws]' in the checkout"
    )


@pytest.mark.usefixtures("_no_botocore")
@pytest.mark.parametrize(
    ("environ", "note"),
    [
        pytest.param(
            environment(key=None),
            "AWS_SECRET_ACCESS_KEY (AWS_SECRET_ACCESS_KEY is set without AWS_ACCESS_KEY_ID);",
            id="secret",
        ),
        pytest.param(
            environment(key="", secret=None, token="token"),
            "AWS_SECRET_ACCESS_KEY (AWS_SESSION_TOKEN is set without AWS_ACCESS_KEY_ID);",
            id="token",
        ),
        pytest.param(
            environment(key=None, token="token"),
            "AWS_SECRET_ACCESS_KEY (AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN are set without "
            "AWS_ACCESS_KEY_ID);",
            id="both",
        ),
    ],
)
def test_error_names_the_variable_that_is_missing(environ, note):
    with pytest.raises(CredentialsError) as caught:
        source(environ).get(deadline())
    assert note in caught.value.detail


@pytest.mark.parametrize("environ", [{}, environment(token="token"), environment(secret=None)])
def test_places_that_were_searched_name_no_variable_beside_an_access_key(environ):
    assert first_places(environ) == FIRST_PLACES


@pytest.mark.usefixtures("_no_botocore")
def test_role_without_botocore_is_a_config_error():
    role = {"function_name": "f", "aws_assume_role_arn": "arn:aws:iam::123456789012:role/shop"}
    with pytest.raises(ConfigError) as caught:
        read_routes({"aws_region": "us-east-1", "routes": {"/f": role}}, {})
    assert caught.value.errors == (
        "routes['/f'].aws_assume_role_arn: needs botocore: pip install '.[aws]' in the checkout",
    )


@pytest.mark.usefixtures("_no_botocore")
def test_profile_gives_no_region_without_botocore():
    with pytest.raises(ConfigError, match="aws_region: not set"):
        read_routes({"routes": {"/f": {"function_name": "f"}}}, {})


def test_construction_looks_nothing_up():
    code = """
import sys
from wsgi_lambda import LambdaMiddleware
role = {"aws_assume_role_arn": "arn:aws:iam::123456789012:role/shop", "aws_region": "us-east-1"}
LambdaMiddleware(None, {**role, "routes": {"/f": {"function_name": "f"}}})
import threading
print("botocore" in sys.modules, threading.active_count())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "1"]


def test_origin_is_logged_at_first_and_when_the_keys_change(caplog):
    environ = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE1234", "AWS_SECRET_ACCESS_KEY": "secret"}
    found = source(environ)
    with caplog.at_level("INFO", logger="wsgi_lambda"):
        found.get(deadline())
        found.get(deadline())
        environ["AWS_ACCESS_KEY_ID"] = "AKIDEXAMPLE5678"
        found.get(deadline())
        environ["AWS_ACCESS_KEY_ID"] = "short"
        found.get(deadline())
    assert [record.getMessage() for record in caplog.records] == [
        f"credentials: AWS_ACCESS_KEY_ID in the environment, key {key}, no expiry"
        for key in ("…1234", "…5678", "…")
    ]
