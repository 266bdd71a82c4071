"""Whose credentials sign a request."""

import pytest

from wsgi_lambda.credentials import Credentials, find_credentials
from wsgi_lambda.errors import CredentialsError

OWN = Credentials("AKIDROUTE", "route-secret")
NOT_FOUND = (
    "looked in the route's aws_key and aws_secret, and in the environment's "
    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
)


def environment(*, key="AKIDENV", secret="env-secret", token=None):
    """Return variables with those that are not None."""
    made = {
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_SESSION_TOKEN": token,
    }
    return {name: value for name, value in made.items() if value is not None}


def failure(environ):
    with pytest.raises(CredentialsError) as caught:
        find_credentials(None, environ)
    return caught.value


def test_the_routes_own_credentials_come_first():
    assert find_credentials(OWN, environment(token="token")) is OWN


def test_the_routes_own_credentials_need_no_environment():
    assert find_credentials(OWN, {}) is OWN


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        pytest.param(environment(), Credentials("AKIDENV", "env-secret"), id="pair"),
        pytest.param(
            environment(token="token"), Credentials("AKIDENV", "env-secret", "token"), id="token"
        ),
        pytest.param(
            environment(token=""), Credentials("AKIDENV", "env-secret"), id="empty-token-is-none"
        ),
    ],
)
def test_the_environments_credentials_come_second(environ, expected):
    assert find_credentials(None, environ) == expected


def test_the_environment_is_read_again_each_time(monkeypatch):
    for name, value in environment(key="FIRST", token="token").items():
        monkeypatch.setenv(name, value)
    first = find_credentials(None)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "SECOND")
    monkeypatch.delenv("AWS_SESSION_TOKEN")
    assert [first, find_credentials(None)] == [
        Credentials("FIRST", "env-secret", "token"),
        Credentials("SECOND", "env-secret"),
    ]


@pytest.mark.parametrize(
    "environ",
    [
        pytest.param({}, id="nothing"),
        pytest.param(environment(secret=None), id="key-alone"),
        pytest.param(environment(key=None), id="secret-alone"),
        pytest.param(environment(key=""), id="empty-key"),
        pytest.param(environment(secret=""), id="empty-secret"),
        pytest.param(environment(key=None, secret=None, token="token"), id="token-alone"),
    ],
)
def test_less_than_a_pair_is_an_error_that_says_where_it_looked(environ):
    error = failure(environ)
    assert (error.status, error.detail) == (500, NOT_FOUND)
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
def test_a_variable_that_cannot_be_a_key_is_named_but_not_told(place, name, value):
    error = failure(environment(**{place: value}))
    assert error.detail.split()[0] == name
    assert "canary" not in f"{error} {error!r} {error.detail} {error.message}"


def test_the_secrets_of_an_error_are_not_told():
    error = failure(environment(secret=None, key="canary", token="canary"))
    assert "canary" not in f"{error} {error!r} {error.detail}"


def test_a_repr_shows_nothing():
    shown = Credentials("canary", "canary", "canary")
    assert (repr(shown), str(shown)) == ("Credentials()", "Credentials()")
