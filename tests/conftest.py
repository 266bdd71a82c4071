"""What all tests share: the far end, and an app wrapped by the middleware that invokes it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from tests.servers.lambda_server import LambdaServer
from tests.tools.promises import promises_of
from tests.tools.promises import pytest_addoption as pytest_addoption
from tests.tools.promises import pytest_configure as pytest_configure
from tests.tools.promises import tried as tried
from wsgi_lambda import LambdaMiddleware

ACCESS_KEY, SECRET_KEY = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

MakeApp = Callable[..., LambdaMiddleware]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        promises_of(item)
    if config.getoption("numprocesses", None):
        # The slowest files first: the others then keep all processes busy to the end.
        items.sort(key=lambda item: item.get_closest_marker("e2e") is None)


@pytest.fixture(autouse=True)
def _no_aws_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the developer has set must not decide a test."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def lambda_server() -> Iterator[LambdaServer]:
    """The far end over plain HTTP; every invocation's signature must have been right."""
    with LambdaServer(credentials={ACCESS_KEY: (SECRET_KEY, None)}) as server:
        yield server
        assert server.errors == []


@pytest.fixture
def tls_server() -> Iterator[LambdaServer]:
    """The far end over TLS, with a certificate that nobody trusts but by `ca_bundle`."""
    with LambdaServer(tls=True, credentials={ACCESS_KEY: (SECRET_KEY, None)}) as server:
        yield server


def parts(owner: object) -> SimpleNamespace:
    """Return the attributes of an object, private ones without their underscore.

    The one place where tests look behind an underscore::

        parts(parts(app).dispatcher).table
    """
    names = {name for kind in type(owner).__mro__ for name in getattr(kind, "__slots__", ())}
    found = {name: getattr(owner, name) for name in names} | getattr(owner, "__dict__", {})
    return SimpleNamespace(**{name.lstrip("_"): value for name, value in found.items()})


def invokers(app: LambdaMiddleware) -> list[Any]:
    """Return the Invoker of each route of ``app``, in the order of matching."""
    return [parts(backend).invoker for backend in app.dispatcher.backends]


def defaults(server: LambdaServer, **options: Any) -> dict[str, Any]:
    """Return the options that lead to ``server``."""
    return {
        "aws_region": "us-east-1",
        "aws_key": ACCESS_KEY,
        "aws_secret": SECRET_KEY,
        "host": server.host,
        "port": server.port,
        "disable_https": True,
        "timeout": 20_000,  # a busy machine takes its time; tests of deadlines set their own
        **options,
    }


@pytest.fixture
def make_app(lambda_server: LambdaServer) -> MakeApp:
    """Return a factory: routes, defaults for all of them, and the app that is wrapped."""

    def make(
        routes: dict[str, Any],
        app: Callable[..., Iterable[bytes]] | None = None,
        **options: Any,
    ) -> LambdaMiddleware:
        return LambdaMiddleware(app, {**defaults(lambda_server, **options), "routes": routes})

    return make
