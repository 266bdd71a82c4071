"""Local mode at the end of the process: a handler may end it, and never keeps it alive."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import os, sys, threading
from werkzeug.test import Client
from wsgi_lambda import LambdaMiddleware

running = threading.Semaphore(0)

def leave(event, context):
    os._exit(7)

def hang(event, context):
    running.release()
    threading.Event().wait()
    print("the handler has ended")

def chunks(event, context):
    yield "a"
    yield from (hang(event, context) for _ in range(1))

def suspended(event, context):
    yield "a"
    yield "b"

def client(handler, **options):
    route = {"function_name": "f", "handler": handler, **options}
    return Client(LambdaMiddleware(None, {"local": True, "routes": {"/f": route}}))

"""

LEAVE = """
client(leave).get("/f")
print("survived")
"""

RUNNING = """
events = client(hang, invocation_type="Event")
print(events.get("/f").status_code, events.get("/f").status_code)
print(client(lambda event, context: hang(event, context), timeout=200).get("/f").status_code)
streams = [client(each, invoke_mode="RESPONSE_STREAM").get("/f") for each in (chunks, suspended)]
iterators = [stream.iter_encoded() for stream in streams]
print([next(chunk for chunk in each if chunk) for each in iterators])
for _ in range(3):
    assert running.acquire(timeout=20)
print("the end")
"""


def run(code: str, folder: Path) -> tuple[int, list[str]]:
    """Return the exit status of a program and the lines that it has printed."""
    command = [sys.executable, "-c", PROGRAM + code]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, timeout=60)
    return done.returncode, done.stdout.splitlines()


def test_os_exit_in_a_handler_ends_the_server(tmp_path: Path) -> None:
    assert run(LEAVE, tmp_path) == (7, [])


def test_invocations_that_are_running_are_lost(tmp_path: Path) -> None:
    """An Event, one that waits for its turn, one that is late, and two streams."""
    assert run(RUNNING, tmp_path) == (0, ["202 202", "504", "[b'a', b'a']", "the end"])
