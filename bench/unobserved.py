"""Call an app that nobody observes, and one whose code for observing was cut out.

Prints the measurements of one round as JSON: `python -m bench.unobserved 3`. The second app is
made of a copy of the package, without the lines of `CUTS`: those that look whether anybody
observes, and those that keep what a record or `snapshot` would read. Requests are signed; a
constant takes the place of the connection.
"""

from __future__ import annotations

import importlib
import json
import logging
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.calls import Call, costs, invoking
from bench.environment import ACCESS_KEY, PROJECT, REGION, SECRET_KEY
from bench.observing import HEADERS
from bench.payloads import SMALL, json_body

PACKAGE = "wsgi_lambda"

#: File, the lines that are cut out, and the lines in their place.
CUTS = (
    (
        "dispatcher.py",
        "        watch = self._watch(backend.route, request)\n"
        "        try:\n"
        "            response = self._respond(backend, request, watch)\n",
        "        watch = UNWATCHED\n"
        "        try:\n"
        "            response = self._respond(backend, request, watch)\n",
    ),
    (
        "dispatcher.py",
        "        return response if watch is UNWATCHED else watch.ended(response)\n",
        "        return response\n",
    ),
    (
        "dispatcher.py",
        "        if watch is not UNWATCHED:\n            watch.replied(response.function_error)\n",
        "",
    ),
    (
        "backends/function.py",
        "        delivery.payload_bytes = len(invocation.payload)\n",
        "",
    ),
    ("backends/function.py", "        delivery.response_bytes = len(reply.body)\n", ""),
    (
        "invoke/concurrency.py",
        "            running.append(None)\n        else:\n",
        "            pass\n        else:\n",
    ),
    (
        "invoke/concurrency.py",
        "        else:\n            running.pop()\n        return reply\n",
        "        return reply\n",
    ),
    ("invoke/function.py", "        invocation.delivery.last = attempt\n", ""),
    (
        "invoke/request_headers.py",
        "    if request.propagated:\n"
        "        _add_client_context(headers, request.propagated, target)\n",
        "",
    ),
)


def measure(seconds: float) -> dict[str, float]:
    """Return the cost of a POST to both apps."""
    for name in ("wsgi_lambda", "wsgi_lambda.access", "wsgi_lambda.tail"):
        logging.getLogger(name).setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        cut_out(Path(folder))
        calls = {"cut out": _posting(Path(folder)), "nothing": _posting(PROJECT)}
        return costs(calls, seconds=seconds, batch=20)


def cut_out(folder: Path) -> None:
    """Write a copy of the package without the lines of `CUTS` to ``folder``."""
    shutil.copytree(PROJECT / PACKAGE, folder / PACKAGE)
    for name, old, new in CUTS:
        file = folder / PACKAGE / name
        text = file.read_text(encoding="utf-8")
        if text.count(old) != 1:
            raise ValueError(f"{PACKAGE}/{name} does not contain these lines once:\n{old}")
        file.write_text(text.replace(old, new), encoding="utf-8")


def _posting(folder: Path) -> Call:
    """Return a function that makes a POST to an app of the package in ``folder``."""
    with _imported_from(folder):
        package: Any = importlib.import_module(PACKAGE)
        client: Any = importlib.import_module(f"{PACKAGE}.invoke.client")
        client.LambdaClient.open = lambda *_: client.OpenReply(200, HEADERS, None)
        client.LambdaClient.read = lambda *_: client.Reply(200, HEADERS, b"{}")
        config = {
            "aws_region": REGION,
            "aws_key": ACCESS_KEY,
            "aws_secret": SECRET_KEY,
            "routes": {"/lambda1": {"function_name": "MyLambda"}},
        }
        call = invoking(package.LambdaMiddleware(None, config), json_body(SMALL))
        call()  # import what only requests need
        return call


@contextmanager
def _imported_from(folder: Path) -> Iterator[None]:
    """Import the package from ``folder``; forget what was imported before."""
    for name in [each for each in sys.modules if each.partition(".")[0] == PACKAGE]:
        del sys.modules[name]
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(folder))


if __name__ == "__main__":
    print(json.dumps(measure(float(sys.argv[1]))))
