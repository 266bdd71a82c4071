"""The warning about gunicorn's timeout; real servers are in tests/e2e/test_gunicorn.py."""

import logging

import pytest

from wsgi_lambda import LambdaMiddleware

ROUTES = {
    "/short": {"function_name": "f", "timeout": 1000},
    "/long": {"function_name": "f", "timeout": 45_500},
}


class Settings:
    """The settings of gunicorn that matter here."""

    def __init__(self, worker_class_str, timeout):
        self.worker_class_str = worker_class_str
        self.timeout = timeout
        self.workers = self.threads = 1
        self.graceful_timeout = 30


class Worker:
    """An object that imports the app, and belongs to gunicorn by the name of its module."""

    def __init__(self, settings):
        self.cfg = settings

    def load(self, routes):
        return LambdaMiddleware(None, {"aws_region": "us-east-1", "routes": routes})


class Stranger(Worker):
    """An object of another library that has settings, too."""


Worker.__module__ = "gunicorn.workers.base"


@pytest.mark.parametrize(
    ("worker", "routes", "is_warned"),
    [
        (Worker(Settings("sync", 30)), ROUTES, True),
        (Worker(Settings("sync", 45)), ROUTES, True),
        (Worker(Settings("sync", 46)), ROUTES, False),
        (Worker(Settings("sync", 0)), ROUTES, False),
        (Worker(Settings("gthread", 30)), ROUTES, False),
        (Worker(Settings("sync", 30)), {}, False),
        (Stranger(Settings("sync", 30)), ROUTES, False),
    ],
    ids=["30", "45", "46", "off", "threads", "no-routes", "not-gunicorn"],
)
def test_timeout_of_a_sync_worker_that_is_too_short_is_logged(worker, routes, is_warned, caplog):
    with caplog.at_level(logging.WARNING):
        worker.load(routes)
    assert ("the route /long may wait for 45.5 s" in caplog.text) == is_warned


STREAMS = {
    "/chat": {"function_name": "f", "invoke_mode": "RESPONSE_STREAM", "timeout": 1000},
    "/log": {"function_name": "f", "invoke_mode": "RESPONSE_STREAM", "timeout": 60_000},
    "/short": {"function_name": "f", "timeout": 1000},
}


@pytest.mark.promise("warned")
@pytest.mark.parametrize(
    ("worker", "named"),
    [
        (Worker(Settings("sync", 30)), ["/chat", "/log"]),
        (Worker(Settings("sync", 0)), []),
        (Worker(Settings("gthread", 30)), []),
    ],
    ids=["sync", "off", "threads"],
)
def test_timeout_of_a_sync_worker_is_logged_for_each_stream(worker, named, caplog):
    with caplog.at_level(logging.WARNING):
        worker.load(STREAMS)
    assert [str(record.args[1]) for record in caplog.records] == named
    for record in caplog.records:
        assert "even during a stream" in record.getMessage()


def test_stream_of_a_named_function_is_logged_by_its_name(caplog):
    class Named(Worker):
        def load(self, functions):
            return LambdaMiddleware(None, {"aws_region": "us-east-1", "functions": functions})

    Named.__module__ = "gunicorn.workers.base"
    Named(Settings("sync", 30)).load({"chat": {"invoke_mode": "RESPONSE_STREAM"}})
    assert "the route chat streams its response" in caplog.text
