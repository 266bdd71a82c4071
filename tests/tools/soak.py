"""Send load with faults for many minutes: `make soak`.

Clients send POSTs to gunicorn, whose stand-in for Lambda fails for one request
in a hundred. At the end the errors must match the faults exactly, each with its
documented status, every request must have run its function once, and memory,
threads and files of the worker must not have grown. Then hypothesis tests
responses, events and configurations for ten minutes. The table in
docs/measured/reliability.md shows the last run.

Exit status: 0 if all checks pass, 1 otherwise.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import platform
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.properties.conftest import SOAK_EXAMPLES
from tests.servers import lambda_server as far_end
from tests.servers.gunicorn_server import gunicorn, site
from tests.servers.lambda_server import Exchange, LambdaServer, Step
from tests.servers.received_request import Invocation
from tests.tools.promises import SOAK

PROJECT = Path(__file__).parents[2]
CLIENTS = 64
FAULTS = 0.01  # of all requests
TIMEOUT = 2000  # ms of the route
ROUTES = {"/f": {"function_name": "f", "timeout": TIMEOUT}}

#: Logs go to a file: a full pipe would block gunicorn, whose output is read at its end.
LOGGING = "import logging\n\nlogging.basicConfig(filename='lambda.log', level='INFO')\n"

#: Each fault, and the documented status of the response.
FAULT_STEPS: dict[str, tuple[Callable[[], Step], int]] = {
    "reset": (far_end.reset, 502),
    "closed connection": (lambda: far_end.raw(b"", close=True), 502),
    "truncated response": (
        lambda: far_end.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", close=True),
        502,
    ),
    "invalid HTTP": (lambda: far_end.raw(b"nonsense\r\n\r\n", close=True), 502),
    "no response": (far_end.hang, 504),
    "throttled": (lambda: far_end.respond(429, {}, b"{}"), 429),
    "not ready": (lambda: far_end.respond(503, {}, b"{}"), 503),
    "failed": (lambda: far_end.respond(500, {}, b"{}"), 502),
}

RSS_GROWTH = 1.03  # in the second half: growth that the allocator explains
SHORT = 10  # minutes: in a shorter run the worker is still warming up, so RSS is not checked
# A client and a Lambda connection for each thread, and gunicorn's own files.
MOST_FILES = 2 * CLIENTS + 16


class FaultyLambda(LambdaServer):
    """A stand-in for Lambda with random faults; it counts requests but does not store them."""

    def __init__(self) -> None:
        super().__init__(tls=True, credentials={"AKID": ("secret", None)})
        self._default = far_end.echo()
        self.executed = 0
        self.faults: Counter[str] = Counter()
        self._random = random.Random(4)

    def _next_step(self, invocation: Invocation, exchange: Exchange) -> Step:
        step = super()._next_step(invocation, exchange)
        with self._changed:
            self.invocations.clear()
            self.exchanges.clear()
            self._threads[:] = [thread for thread in self._threads if thread.is_alive()]
            self.executed += 1
            if self._random.random() >= FAULTS:
                return step
            name = self._random.choice(list(FAULT_STEPS))
            self.faults[name] += 1
        return FAULT_STEPS[name][0]()


@dataclass(slots=True)
class Load:
    """The results of all clients; ``end`` is a time of `time.monotonic`."""

    end: float
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, status: int, seconds: float, wrong: str) -> None:
        with self.lock:
            self.statuses[status] += 1
            if len(self.seconds) < 1_000_000:
                self.seconds.append(seconds)
            if wrong:
                self.wrong.append(wrong)


def client(number: int, address: tuple[str, int], load: Load) -> None:
    """Send POSTs one after the other until the end, and compare each response with its request."""
    connection = http.client.HTTPConnection(*address, timeout=30)
    count = 0
    while time.monotonic() < load.end:
        count += 1
        sent = {"client": number, "count": count, "pad": "x" * random.choice((10, 1000, 50_000))}
        started = time.monotonic()
        try:
            headers = {"Content-Type": "application/json"}
            connection.request("POST", "/f", json.dumps(sent), headers)
            response = connection.getresponse()
            body = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            load.note(0, time.monotonic() - started, f"{type(error).__name__}: {error}")
            connection.close()
            continue
        wrong = "response of another request" if response.status == 200 and body != sent else ""
        load.note(response.status, time.monotonic() - started, wrong)
    connection.close()


def resources(process: int) -> dict[str, int]:
    """Return RSS (kB), threads and open files of gunicorn's only worker."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    (worker,) = children
    status = Path(f"/proc/{worker}/status").read_text()
    fields = dict(re.findall(r"^(VmRSS|Threads):\s+(\d+)", status, re.MULTILINE))
    files = len(os.listdir(f"/proc/{worker}/fd"))
    return {"RSS": int(fields["VmRSS"]), "threads": int(fields["Threads"]), "files": files}


def run_load(minutes: float) -> tuple[dict[str, str], list[str]]:
    """Send load for ``minutes``; return the figures as text, and the failed checks."""
    with tempfile.TemporaryDirectory() as folder, FaultyLambda() as lambda_:
        arguments = ("--threads", str(CLIENTS), "--keep-alive", "60", "--log-level", "critical")
        with gunicorn(Path(folder), LOGGING + site(lambda_, ROUTES), *arguments) as server:
            _until_up(server.address)
            load = Load(end=time.monotonic() + minutes * 60)
            threads = [
                threading.Thread(target=client, args=(number, server.address, load))
                for number in range(CLIENTS)
            ]
            for thread in threads:
                thread.start()
            try:
                measured = _measure_three_times(server.process.pid, minutes * 60, load)
            except BaseException:
                load.end = 0
                raise
            finally:
                for thread in threads:
                    thread.join()
        return _judge(load, lambda_, measured, minutes)


def _measure_three_times(process: int, seconds: float, load: Load) -> list[dict[str, int]]:
    """Return the worker's resources when it is warm, halfway, and just before the end."""
    warm = max(5.0, seconds * 0.1)
    measured = []
    moments = {"warm": warm, "halfway": (warm + seconds) / 2, "the end": seconds - 1}
    for name, after in moments.items():
        time.sleep(max(0.0, load.end - seconds + after - time.monotonic()))
        measured.append(resources(process))
        print(f"{name}: {sum(load.statuses.values()):,} requests", flush=True)
    return measured


def _until_up(address: tuple[str, int]) -> None:
    """Wait for the worker; this request matches no route and is not counted."""
    connection = http.client.HTTPConnection(*address, timeout=30)
    connection.request("GET", "/")
    connection.getresponse().read()
    connection.close()


def _judge(
    load: Load,
    lambda_: FaultyLambda,
    measured: Sequence[Mapping[str, int]],
    minutes: float,
) -> tuple[dict[str, str], list[str]]:
    total = sum(load.statuses.values())
    expected = Counter({200: total - sum(lambda_.faults.values())})
    for name, count in lambda_.faults.items():
        expected[FAULT_STEPS[name][1]] += count
    _, middle, last = measured
    checks = {
        "the errors match the faults": +load.statuses == +expected,
        "each request ran its function once": lambda_.executed == total,
        "every signature was valid": lambda_.errors == [],
        "every response belongs to its request": load.wrong == [],
        "RSS did not grow": last["RSS"] <= middle["RSS"] * RSS_GROWTH or minutes < SHORT,
        "threads did not grow": last["threads"] <= middle["threads"],
        "no file was left open": last["files"] <= MOST_FILES,
    }
    seconds = sorted(load.seconds)
    figures = {
        "run": f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, "
        f"{minutes:g} min, {CLIENTS} clients, gunicorn with {CLIENTS} threads",
        "requests": f"{total:,}, {total / minutes / 60:,.0f} a second",
        "invocations counted by the stand-in": f"{lambda_.executed:,}",
        "faults": f"{sum(lambda_.faults.values()):,}: "
        + ", ".join(f"{count:,} {name}" for name, count in sorted(lambda_.faults.items())),
        "responses": ", ".join(
            f"{count:,} × {status}" for status, count in sorted(load.statuses.items())
        ),
        "latency": f"median {statistics.median(seconds) * 1000:.0f} ms, "
        f"longest {seconds[-1]:.2f} s (the route's timeout is {TIMEOUT / 1000:g} s)",
        "connections opened to Lambda": f"{lambda_.connections:,}",
        **{
            f"the worker's {name}{unit}: warm, halfway, at the end": ", ".join(
                f"{each[name]:,}" for each in measured
            )
            for name, unit in (("RSS", " (kB)"), ("threads", ""), ("files", " (open)"))
        },
    }
    failed = [name for name, passed in checks.items() if not passed]
    if +load.statuses != +expected:
        failed.append(f"the responses should be {dict(expected)}")
    failed += [*load.wrong[:5], *lambda_.errors[:5]]
    return figures, failed


def run_properties(minutes: float) -> tuple[bool, str]:
    """Run hypothesis for at least ``minutes``; return whether all tests passed, and a figure."""
    started, seeds = time.monotonic(), 0
    while time.monotonic() - started < minutes * 60:
        seeds += 1
        command = [sys.executable, "-m", "pytest", "-q", "tests/properties"]
        command += ["--hypothesis-profile", "soak", "--hypothesis-seed", str(seeds)]
        if subprocess.run(command, cwd=PROJECT, check=False).returncode:
            return False, "failed"
    taken = (time.monotonic() - started) / 60
    return (
        True,
        f"{taken:.0f} min of hypothesis, {SOAK_EXAMPLES * seeds:,} inputs each, no failure",
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20, help="of load; default: 20")
    parser.add_argument(
        "--property-minutes",
        type=float,
        default=10,
        metavar="MINUTES",
        help="of hypothesis after the load; default: 10",
    )
    parser.add_argument("--json", type=Path, default=SOAK, help="default: docs/measured/soak.json")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print(
        f"{CLIENTS} clients; minutes of load: {options.minutes:g}, then of generated inputs: "
        f"{options.property_minutes:g}. One request in {1 / FAULTS:.0f} fails",
        flush=True,
    )
    try:
        return run(options)
    except KeyboardInterrupt:
        print("Stopped; all processes have ended", file=sys.stderr)
        return 130


def run(options: argparse.Namespace) -> int:
    figures, failed = run_load(options.minutes)
    for name, figure in figures.items():
        print(f"{name}: {figure}")
    for name in failed:
        print(f"FAILED: {name}")
    if options.property_minutes:
        passed, figures["properties"] = run_properties(options.property_minutes)
        if not passed:
            failed.append("the properties")
    print("\nAll checks passed" if not failed else f"\n{options.json} was not changed")
    if not failed:
        options.json.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
