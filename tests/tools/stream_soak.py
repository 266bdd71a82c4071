"""Stream with faults for many minutes: ``python -m tests.tools.stream_soak --minutes 10``.

Each request names the fault that its stream shall have, so that the client knows what must
come: a complete response, one that is cut off, or a status. A client may also leave.
At the end, the log must contain one ERROR line for each fault, every slot of
`max_concurrency` must be free, and no connection, thread or file may be left open.

``--at-once 500`` starts as many streams together instead, each of numbered chunks: all must
be complete and in order, and afterwards no connection may be left open.

Exit status: 0 if all checks pass, 1 otherwise.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

from tests.servers.event_stream import chunk, complete, hang, stream
from tests.servers.gunicorn_server import Gunicorn, gunicorn, site
from tests.servers.lambda_server import Exchange, LambdaServer
from tests.tools.soak import LOGGING, resources

CLIENTS = 32
OPTIONS = {"timeout": 3000, "max_concurrency": CLIENTS}  # 3 s of silence
CHUNKS = 20
PARTS = [chunk(b"<%d>" % number) for number in range(CHUNKS)]
BODY = b"".join(b"<%d>" % number for number in range(CHUNKS))
CUT_FRAME = PARTS[0][:-9]
BAD_CRC = PARTS[0][:-1] + bytes([PARTS[0][-1] ^ 1])

#: What follows some chunks of a stream, for each fault after the head.
FAULTS: dict[str, list[bytes | Callable[[Exchange], object]]] = {
    "cut frame": [CUT_FRAME],
    "bad CRC": [BAD_CRC],
    "no end": [],
    "error": [complete("Runtime.ExitError", "exit 1")],
    "reset": [lambda exchange: exchange.reset()],
    "hang-up": [lambda exchange: exchange.close()],
    "bad HTTP chunk": [lambda exchange: exchange.send(b"zz\r\n")],
    "silence": [hang],
}
#: Faults before the head, and their status.
EARLY = {"early error": 502, "early reset": 502, "early bad CRC": 502}
KINDS = ["complete"] * 20 + ["leave"] * 4 + [*FAULTS, *EARLY]


class Faulty(LambdaServer):
    """A stand-in for Lambda whose streams have the faults that the events name."""

    def __init__(self) -> None:
        super().__init__(tls=True, credentials={"AKID": ("secret", None)})
        self._default = self._respond
        self.pause = 0.0
        self.most_open = 0

    def _respond(self, exchange: Exchange) -> None:
        with self._changed:
            self.most_open = max(self.most_open, len(self._open))
            self.invocations.clear()
            self.exchanges.clear()
            self._threads[:] = [thread for thread in self._threads if thread.is_alive()]
        assert exchange.invocation is not None
        fault = json.loads(exchange.invocation.body)["fault"]
        some = PARTS[: random.randrange(1, CHUNKS)]
        if fault == "early reset":
            exchange.reset()
        elif fault in EARLY:
            stream(complete("Own") if "error" in fault else BAD_CRC)(exchange)
        elif fault == "leave":
            stream(send_until_closed)(exchange)
        elif fault == "complete":
            pauses = [part for each in PARTS for part in (each, self._pause)]
            stream(*pauses, complete())(exchange)
        else:
            stream(*some, *FAULTS[fault])(exchange)

    def _pause(self, exchange: Exchange) -> None:
        if self.pause and exchange.ended(within=self.pause):
            exchange.close()


def send_until_closed(exchange: Exchange) -> None:
    while not exchange.ended(within=0.01):
        exchange.send(b"%x\r\n%b\r\n" % (len(PARTS[0]), PARTS[0]))
    exchange.close()


class Client:
    """A client that sends requests until the end, and checks each response."""

    def __init__(self, address: tuple[str, int], seen: Counter[str], wrong: list[str]) -> None:
        self._address, self._seen, self._wrong = address, seen, wrong

    def run(self, end: float) -> None:
        while time.monotonic() < end:
            fault = random.choice(KINDS)
            try:
                outcome = read(self._address, fault)
            except OSError as error:
                outcome = repr(error)
            if outcome != expected(fault):
                self._wrong.append(f"{fault}: {outcome}")
            self._seen[fault] += 1


def expected(fault: str) -> str:
    if fault in EARLY:
        return str(EARLY[fault])
    return fault if fault in ("complete", "leave") else "cut off"


def read(address: tuple[str, int], fault: str) -> str:
    """Return how a response ended: its status, complete, cut off, leave, or what is wrong."""
    with closing(http.client.HTTPConnection(*address, timeout=30)) as connection:
        connection.request("GET", "/f?" + f"fault={fault}".replace(" ", "%20"))
        response = connection.getresponse()
        if response.status != 200:
            return str(response.status)
        if fault == "leave":
            return fault if response.read(3) == b"<0>" else "no chunk"
        try:
            body = response.read()
        except (http.client.IncompleteRead, ConnectionResetError) as error:
            part = getattr(error, "partial", b"")
            return "cut off" if BODY.startswith(part) else f"wrong bytes {part!r}"
        return "complete" if body == BODY else f"wrong body {body!r}"


@contextmanager
def serving(far_end: Faulty, folder: str, *arguments: str, **options: int) -> Iterator[Gunicorn]:
    route = {"function_name": "f", "invoke_mode": "RESPONSE_STREAM", **options}
    source = LOGGING + site(far_end, {"/f": route})
    source = source.replace("'routes':", "'failure_log_limit': None, 'routes':")
    with gunicorn(Path(folder), source, "--log-level", "critical", *arguments) as server:
        assert read(server.address, "complete") == "complete"
        yield server


def soak(minutes: float) -> list[str]:
    """Stream for ``minutes``; print the figures and return the failed checks."""
    seen: Counter[str] = Counter()
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder, Faulty() as far_end:
        with serving(far_end, folder, "--threads", str(CLIENTS), **OPTIONS) as server:
            started = time.monotonic()
            end = started + minutes * 60
            clients = [Client(server.address, seen, wrong) for _ in range(CLIENTS)]
            threads = [threading.Thread(target=each.run, args=(end,)) for each in clients]
            for thread in threads:
                thread.start()
            time.sleep(minutes * 30)
            middle = resources(server.process.pid)
            for thread in threads:
                thread.join()
            far_end.wait_until(lambda: far_end.open_connections() <= CLIENTS, 10)
            last = resources(server.process.pid)
            with ThreadPoolExecutor(CLIENTS) as executor:  # all slots are free
                ends = executor.map(read, [server.address] * CLIENTS, ["complete"] * CLIENTS)
                wrong += [f"afterwards: {each}" for each in ends if each != "complete"]
            kept = far_end.open_connections()
        lines = Path(folder, "lambda.log").read_text()
    logged = Counter(re.findall(r"^ERROR:wsgi_lambda:/f (stream cut off|\w+)", lines, re.M))
    faults = sum(seen[name] for name in FAULTS)
    early = sum(seen[name] for name in EARLY)
    print(f"{sum(seen.values()):,} streams in {minutes:g} min: {dict(sorted(seen.items()))}")
    print(f"ERROR lines: {dict(logged)}; resources halfway {middle}, at the end {last}")
    print(
        f"connections to Lambda: {far_end.connections:,} opened, at most {far_end.most_open} open"
    )
    checks = {
        "each fault after the head has one line": logged.pop("stream cut off", 0) == faults,
        "each fault before the head has one line": sum(logged.values()) == early,
        "every signature was valid": far_end.errors == [],
        "RSS did not grow": last["RSS"] <= middle["RSS"] * 1.05,
        "threads did not grow": last["threads"] <= middle["threads"],
        "no file was left open": last["files"] <= middle["files"] + CLIENTS,
        "no connection beyond the kept ones": kept <= CLIENTS,
    }
    return [name for name, passed in checks.items() if not passed] + wrong[:5]


def at_once(count: int, *arguments: str) -> list[str]:
    """Run ``count`` streams at the same time, of 20 chunks in 2 s; return the failed checks."""
    with tempfile.TemporaryDirectory() as folder, Faulty() as far_end:
        far_end.pause = 0.1
        options = (*arguments, "--worker-connections", "2000", "--backlog", "1024")
        # Hundreds of TLS handshakes take their time.
        with serving(far_end, folder, *options, timeout=30_000) as server:
            before = resources(server.process.pid)
            started = time.monotonic()
            with ThreadPoolExecutor(count) as executor:
                ends = Counter(executor.map(read, [server.address] * count, ["complete"] * count))
                taken = time.monotonic() - started
            after = resources(server.process.pid)
            most = far_end.most_open
        left = far_end.wait_until(lambda: far_end.open_connections() == 0, 10)
    print(f"{count} streams at once ({' '.join(arguments)}): {dict(ends)} in {taken:.1f} s; ")
    print(f"  {most} connections at most; before {before}, after {after}; all closed: {left}")
    return [] if ends == {"complete": count} and left else ["not all streams were complete"]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.stream_soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="default: 10")
    parser.add_argument("--at-once", type=int, metavar="N", help="N streams at the same time")
    parser.add_argument("--worker-class", default="gthread", help="of --at-once: gevent")
    options = parser.parse_args()
    if options.at_once:
        arguments = ["--worker-class", options.worker_class]
        if options.worker_class == "gthread":
            arguments += ["--threads", str(options.at_once)]
        failed = at_once(options.at_once, *arguments)
    else:
        failed = soak(options.minutes)
    for name in failed:
        print(f"FAILED: {name}")
    print("" if failed else "All checks passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
