"""Measure streams under one gthread worker each: first byte, tokens, large frames, memory."""

from __future__ import annotations

import contextlib
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.environment import PROJECT, StubAddress
from bench.run import Measured, Run
from bench.servers import ONE, Server, serving, serving_all
from sample_app.processes import running

#: What is streamed, with the measurement of its speed; see `bench.stream_stub`.
FIRST = "17x1"
TOKENS, FRAMES_8, FRAMES_64, PACED, MUCH = (
    "17x20000",
    "8192x2000",
    "65536x500",
    "17x200-5",
    "65536x3200",
)
LESS = "65536x300"
QUICK = {TOKENS: "17x200", FRAMES_8: "8192x20", FRAMES_64: "65536x5", PACED: "17x4-5"}
QUICK |= {MUCH: "65536x20", LESS: "65536x10"}
CONTENDERS = ("middleware", "boto3", "urllib3")


def measure(run: Run) -> Iterator[Measured]:
    """Yield `<what>, <contender>` of each round: seconds, or seconds of CPU."""
    with _serving_stub(run) as environ, serving_all(CONTENDERS, ONE, environ, "streams") as up:
        for server in up.values():
            read_stream(server, FIRST)  # import, connect
        for _ in range(run.rounds):
            measured: Measured = {}
            for name in run.in_random_order(CONTENDERS):
                measured |= {f"{what}, {name}": each for what, each in _round(run, up[name])}
            yield measured


def measure_memory(run: Run) -> Iterator[Measured]:
    """Yield the growth of the worker's highest RSS by 200 MB more, in MB."""
    with _serving_stub(run) as environ:
        for _ in range(run.rounds):
            with serving("middleware", ONE, environ, "streams") as server:
                read_stream(server, _sized(run, LESS))
                before = server.memory()["peak RSS"]
                read_stream(server, _sized(run, MUCH))
                yield {"growth": server.memory()["peak RSS"] - before}


def _round(run: Run, server: Server) -> Iterator[tuple[str, float]]:
    count = 3 if run.is_quick else 100
    yield "first byte", statistics.median(read_stream(server, FIRST)[0] for _ in range(count))
    for what, name in (("tokens", TOKENS), ("8 KiB", FRAMES_8), ("64 KiB", FRAMES_64)):
        used = server.cpu()
        taken = [read_stream(server, _sized(run, name))[1] for _ in range(1 if run.is_quick else 3)]
        yield what, min(taken)
        yield f"{what}, CPU", (server.cpu() - used) / len(taken)
    used = server.cpu()
    for _ in range(1 if run.is_quick else 3):
        read_stream(server, _sized(run, PACED))
    yield "paced, CPU", server.cpu() - used


def _sized(run: Run, name: str) -> str:
    return QUICK[name] if run.is_quick else name


def read_stream(server: Server, name: str) -> tuple[float, float]:
    """Return the seconds to the first byte of the body, and to the end of the response."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=120) as sock:
        started = time.perf_counter()
        request = f"GET /stream/{name} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n"
        sock.sendall(request.encode())
        head = b""
        # gunicorn sends an empty chunk of an app with the head; a body begins behind it.
        while not head.partition(b"\r\n\r\n")[2]:
            head += sock.recv(65536)
        first, end = time.perf_counter() - started, head[-5:]
        if not head.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(f"{name}: {head[:200]!r}")
        while data := sock.recv(1 << 20):
            end = (end + data)[-5:]
        if end != b"0\r\n\r\n":
            raise RuntimeError(f"{name}: the response was cut off")
        return first, time.perf_counter() - started


@contextlib.contextmanager
def _serving_stub(run: Run) -> Iterator[Mapping[str, str]]:
    """Run the far end with the certificate of nginx's; yield the contenders' environment."""
    folder = str(Path(StubAddress.from_environ(run.environ).ca).parent)
    command = [sys.executable, "-m", "bench.stream_stub", folder]
    with running(command, run.environ, cwd=PROJECT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        port = process.stdout.readline().decode().strip()
        names = {FIRST, TOKENS, FRAMES_8, FRAMES_64, PACED, MUCH, LESS, *QUICK.values()}
        yield {**run.environ, "BENCH_STREAM_PORT": port, "BENCH_STREAMS": " ".join(sorted(names))}
