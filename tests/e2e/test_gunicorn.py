"""The middleware in each class of gunicorn's workers, with real sockets on both sides."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.gunicorn_server import gunicorn, site
from tests.servers.lambda_server import LambdaServer, echo, wait_for

pytestmark = pytest.mark.e2e

ROUTES = {
    "/f": {"function_name": "f", "timeout": 5000},
    "/long": {"function_name": "f", "timeout": 45000},
}
WARNING = "gunicorn kills a sync worker after 30 s"


@pytest.fixture
def far_end() -> Iterator[LambdaServer]:
    with LambdaServer(tls=True, credentials={"AKID": ("secret", None)}) as server:
        yield server
        assert server.errors == []


@pytest.mark.promise("warned")
@pytest.mark.parametrize(
    ("arguments", "is_warned"),
    [
        ([], True),
        (["--preload"], True),
        (["--timeout", "60"], False),
        (["--timeout", "0"], False),
        (["--threads", "2"], False),
        (["--worker-class", "gthread"], False),
    ],
    ids=["sync", "preload", "long-timeout", "no-timeout", "threads", "gthread"],
)
def test_short_timeout_of_a_sync_worker_is_logged(
    arguments: list[str], is_warned: bool, far_end: LambdaServer, tmp_path: Path
) -> None:
    with gunicorn(tmp_path, site(far_end, ROUTES), *arguments) as server:
        assert server.get().status == 200
    assert (WARNING in server.output) == is_warned, server.output
    assert ("/long may wait for 45 s" in server.output) == is_warned


@pytest.mark.promise("forks")
@pytest.mark.parametrize("preload", [[], ["--preload"]], ids=["load", "preload"])
@pytest.mark.parametrize(
    "kind",
    [["--timeout", "60"], ["--threads", "4"], ["--worker-class", "gevent"]],
    ids=["sync", "gthread", "gevent"],
)
def test_each_worker_has_its_own_sockets(
    kind: list[str], preload: list[str], far_end: LambdaServer, tmp_path: Path
) -> None:
    with gunicorn(tmp_path, site(far_end, ROUTES), "--workers", "2", *kind, *preload) as server:
        for _ in range(12):
            assert server.get().status == 200
    assert len(far_end.invocations) == 12
    # One connection for each worker that had a request; no two workers share one.
    assert 1 <= far_end.connections <= 2


@pytest.mark.promise("forks")
@pytest.mark.parametrize("preload", [[], ["--preload"]], ids=["load", "preload"])
@pytest.mark.parametrize(
    "kind",
    [["--timeout", "60"], ["--threads", "2"], ["--worker-class", "gevent"]],
    ids=["sync", "gthread", "gevent"],
)
def test_stopping_the_server_waits_for_the_invocation(
    kind: list[str], preload: list[str], far_end: LambdaServer, tmp_path: Path
) -> None:
    may_respond = threading.Event()
    far_end.script(wait_for(may_respond, echo()))
    responses: list[int] = []
    with gunicorn(tmp_path, site(far_end, ROUTES), *kind, *preload) as server:
        client = threading.Thread(target=lambda: responses.append(server.get().status))
        client.start()
        assert far_end.wait_until(lambda: len(far_end.invocations) == 1, timeout=20)
        server.process.terminate()
        may_respond.set()
        client.join()
    assert responses == [200]
