"""What is logged when the app starts."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from wsgi_lambda import LambdaMiddleware
from wsgi_lambda.dispatcher import Dispatcher

DEFAULTS = {"aws_region": "eu-west-1"}
LIVE = {"function_name": "orders:live"}
END = "eu-west-1, https://lambda.eu-west-1.amazonaws.com, RequestResponse"
CHAIN = "credentials: environment, else the chain"


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Any:
    """Return a function that starts an app and returns its lines: (level, text)."""

    def start(**config: Any) -> list[tuple[str, str]]:
        caplog.clear()
        with caplog.at_level(logging.INFO, "wsgi_lambda"):
            Dispatcher({**DEFAULTS, **config})
        return [(each.levelname, each.getMessage()) for each in caplog.records]

    return start


ROLE = "arn:aws:iam::123456789012:role/shop"

#: Options of a route, and its line.
ROUTES: dict[str, tuple[dict[str, Any], str]] = {
    "methods": (
        {"methods": ["POST", "GET"]},
        f"route /shop GET POST -> orders:live, {END}, timeout 60 s, {CHAIN}",
    ),
    "qualifier": (
        {"function_name": "orders", "qualifier": "live", "timeout": 1500},
        f"route /shop -> orders:live, {END}, timeout 1.5 s, {CHAIN}",
    ),
    "keys": (
        {"aws_key": "AKIDEXAMPLE", "aws_secret": "wJalrXUtnFEMI"},
        f"route /shop -> orders:live, {END}, timeout 60 s, credentials: the configuration",
    ),
    "role": (
        {"aws_assume_role_arn": ROLE},
        f"route /shop -> orders:live, {END}, timeout 60 s, credentials: role {ROLE} through "
        "environment, else the chain",
    ),
}


@pytest.mark.parametrize(("options", "line"), ROUTES.values(), ids=ROUTES)
def test_line_of_a_route(options: dict[str, Any], line: str, lines: Any) -> None:
    assert lines(routes={"/shop": {**LIVE, **options}}) == [("INFO", line)]


def test_line_of_a_named_function(lines: Any) -> None:
    ((_, line),) = lines(functions={"pay": {"function_name": "payments:live"}})
    assert line.startswith("function pay -> payments:live, eu-west-1, ")


def test_many_routes_are_one_line(lines: Any) -> None:
    routes = {f"/{number}": LIVE for number in range(20)}
    assert len(lines(routes=routes)) == 20
    more = lines(routes=routes, functions={"pay": {"host": "lambda.test"}})
    counts = "1 named functions, 2 Lambda functions, 2 Lambda endpoints"
    assert more == [("INFO", f"20 routes, {counts}")]


def test_nothing_is_logged_below_info(caplog: pytest.LogCaptureFixture) -> None:
    LambdaMiddleware(None, {**DEFAULTS, "routes": {"/shop": LIVE}})
    assert caplog.records == []


#: Options of all routes, and the beginning of the warning, "" for none.
ENDPOINTS: dict[str, tuple[dict[str, Any], str]] = {
    "http": (
        {"host": "lambda.test", "disable_https": True},
        "events and signatures are sent to http://lambda.test unencrypted (disable_https)",
    ),
    "http-on-this-machine": ({"host": "127.0.0.1", "disable_https": True}, ""),
    "http-on-localhost": ({"host": "localhost", "disable_https": True}, ""),
    "http-on-ipv6": ({"host": "::1", "disable_https": True}, ""),
    "unverified": (
        {"host": "10.0.0.1", "tls_verify": False},
        "the certificate of https://10.0.0.1 is not verified (tls_verify)",
    ),
    "unverified-on-this-machine": ({"host": "127.0.0.1", "tls_verify": False}, ""),
    "unverified-without-tls": (
        {"host": "lambda.test", "disable_https": True, "tls_verify": False},
        "events and signatures are sent",
    ),
}


@pytest.mark.parametrize(("options", "text"), ENDPOINTS.values(), ids=ENDPOINTS)
def test_warning_about_an_endpoint(options: dict[str, Any], text: str, lines: Any) -> None:
    found = lines(routes={"/shop": LIVE, "/pay": LIVE}, **options)
    warnings = [line for level, line in found if level == "WARNING"]
    assert len(warnings) == (1 if text else 0)
    assert all(line.startswith(text) for line in warnings)


def test_local_mode_has_no_endpoint(lines: Any) -> None:
    route = {**LIVE, "handler": "shop.py:handler", "disable_https": True, "host": "lambda.test"}
    found = lines(local=True, routes={"/shop": route})
    assert (
        "INFO",
        "route /shop -> orders:live, eu-west-1, in this process, RequestResponse, timeout 60 s",
    ) in found
    assert not [line for _, line in found if "unencrypted" in line]


def test_observers_miss_the_report_without_a_log(lines: Any) -> None:
    config = {"routes": {"/shop": LIVE}, "log_type": "None"}
    text = "cold starts and billed time of /shop are unknown, because log_type is None"
    assert ("INFO", text) in lines(observers=["prometheus"], **config)
    assert ("INFO", text) in lines(observers=["otel"], **config)
    assert ("INFO", text) not in lines(**config)


class Prometheus:
    """An observer of the app's own, in a module that happens to have the name of ours."""

    def ended(self, record: object) -> None:
        """Do nothing."""


Prometheus.__module__ = "shop.prometheus"


def test_observer_of_the_app_needs_no_report(lines: Any) -> None:
    found = lines(observers=[Prometheus()], routes={"/shop": LIVE}, log_type="None")
    assert len(found) == 1


def test_path_with_control_characters_is_one_line(lines: Any) -> None:
    ((_, line),) = lines(routes={"/sh\u2028op/\x1b[2J": LIVE})
    assert line.startswith(r"route /sh\u2028op/\x1b[2J -> ")


class Settings:
    """The settings of gunicorn that matter here."""

    worker_class_str = "gthread"
    timeout = 30
    graceful_timeout = 90
    workers = 2
    threads = 8

    def __init__(self, **values: Any) -> None:
        vars(self).update(values)


class Worker:
    """An object that imports the app, and belongs to gunicorn by the name of its module."""

    def __init__(self, **settings: Any) -> None:
        self.cfg = Settings(**settings)

    def load(self, **config: Any) -> None:
        Dispatcher({**DEFAULTS, "routes": {"/shop": LIVE}, **config})


Worker.__module__ = "gunicorn.workers.base"

SCRAPE = "a scrape shows one of 2 workers"
RESTART = "a restart of gunicorn cuts off requests after 30 s (graceful_timeout), but the route"
THREADS = "a worker has 200 threads, but keeps 100 connections (pool_size of the route /shop)"

#: Settings of gunicorn, the configuration, the environment, and the expected line.
SERVERS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, str], str]] = {
    "no-observer": ({}, {}, {}, ""),
    "scrape": ({}, {"observers": ["prometheus"]}, {}, SCRAPE),
    "one-worker": ({"workers": 1}, {"observers": ["prometheus"]}, {}, ""),
    "directory": ({}, {"observers": ["prometheus"]}, {"PROMETHEUS_MULTIPROC_DIR": "/tmp"}, ""),
    "restart": ({"graceful_timeout": 30}, {}, {}, RESTART),
    "threads": ({"threads": 200}, {}, {}, THREADS),
    "threads-for-the-smallest-pool": (
        {"threads": 200},
        {"routes": {"/large": {**LIVE, "pool_size": 300}, "/shop": LIVE}},
        {},
        THREADS,
    ),
    "restart-cuts-off-the-longest": (
        {"graceful_timeout": 30},
        {"routes": {"/a": {**LIVE, "timeout": 10_000}, "/b": {**LIVE, "timeout": 31_000}}},
        {},
        f"{RESTART} /b may wait for 31 s",
    ),
    "as-many-threads": ({"threads": 100}, {}, {}, ""),
    "restart-just-in-time": ({"graceful_timeout": 60}, {}, {}, ""),
    "no-routes": ({"threads": 200, "graceful_timeout": 1}, {"routes": {}}, {}, "no routes are"),
}


@pytest.mark.parametrize(("settings", "config", "environ", "text"), SERVERS.values(), ids=SERVERS)
def test_comparison_with_gunicorn(
    settings: dict[str, Any],
    config: dict[str, Any],
    environ: dict[str, str],
    text: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    with caplog.at_level(logging.INFO, "wsgi_lambda"):
        Worker(**settings).load(**config)
    found = [each.getMessage() for each in caplog.records if "->" not in each.getMessage()]
    assert len(found) == (1 if text else 0)
    assert all(line.startswith(text) for line in found)


def test_level_of_a_lonely_scrape_is_warning(caplog: pytest.LogCaptureFixture) -> None:
    Worker().load(observers=["prometheus"])
    assert [each.levelname for each in caplog.records] == ["WARNING"]


def test_app_that_is_not_callable() -> None:
    with pytest.raises(TypeError, match="app must be a WSGI app or None, not str"):
        LambdaMiddleware("shop:app", {"routes": {}})  # type: ignore[arg-type]
