"""Run the shop: `python -m sample_app.demo --app flask|django [--port 8000]`.

It needs no AWS account: it starts a Lambda emulator and deploys the functions to
it. The app signs as a user who may only invoke functions. With DEMO_ENDPOINT=aws
the app invokes functions in AWS, with the key and the region of the environment.
Ctrl-C stops everything.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import secrets
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from subprocess import Popen
from types import FrameType
from typing import NoReturn

from sample_app.processes import ProgramEnded, running, wait_until_ready
from sample_app.settings import DEFAULT_PREFIX
from sample_app.walkthrough import printed

PROJECT = Path(__file__).parent.parent
APPS = {
    "flask": "sample_app.flask_app:app",
    "django": "sample_app.django_site.wsgi:application",
}
WORKERS, THREADS = 2, 8
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """Ctrl-C was pressed, or a signal arrived."""


class NotConfigured(Exception):
    """The environment lacks a variable that DEMO_ENDPOINT=aws needs."""


def main(arguments: list[str] | None = None) -> int:
    """Run the demo until it is stopped; return the exit code."""
    options = _read(arguments)
    stopped = threading.Event()

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        # A second Ctrl-C must not interrupt the clean-up.
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        stopped.set()
        raise Stopped

    for each in SIGNALS:
        signal.signal(each, stop)
    try:
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(Stopped):
                _run(options, stack, stopped)
            _say("Stopping")
    except NotConfigured as error:
        print(error, file=sys.stderr)
        return 2
    except ProgramEnded as error:
        print(error, file=sys.stderr)
        return 1
    _say("Stopped; nothing is left running")
    return 0


def _read(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sample_app.demo", description="Run the shop, with its Lambda functions."
    )
    parser.add_argument("--app", choices=APPS, default="flask", help="default: flask")
    parser.add_argument(
        "--port", type=int, default=8000, help="default: 8000, or a free port if it is in use"
    )
    options = parser.parse_args(arguments)
    if not 0 <= options.port < 65536:
        parser.error(f"argument --port: {options.port} is not a port")
    return options


def _run(
    options: argparse.Namespace, stack: contextlib.ExitStack, stopped: threading.Event
) -> None:
    """Start all programs, print the URL, and wait until something stops."""
    started = time.monotonic()
    prefix = os.environ.get("DEMO_FUNCTION_PREFIX") or DEFAULT_PREFIX
    programs: dict[str, Popen[bytes]] = {}
    if os.environ.get("DEMO_ENDPOINT") == "aws":
        environ = _real_environ(prefix)
    else:
        environ, programs["The Lambda emulator"] = _emulated_environ(prefix, stack)

    _say(f"Starting gunicorn with the {options.app.title()} app ({WORKERS} workers)")
    with _listener(options.port) as listener:
        port = listener.getsockname()[1]
        if options.port not in (0, port):
            _say(f"Port {options.port} is in use; using {port}")
        gunicorn = stack.enter_context(_gunicorn(options.app, listener, environ))
    programs["gunicorn"] = gunicorn
    wait_until_ready(gunicorn, port, "/", lambda: "gunicorn did not start; its log is above")

    url = f"http://127.0.0.1:{port}"
    # One write, so that gunicorn's log does not come between the lines.
    _say(
        f"Ready after {time.monotonic() - started:.1f} seconds: "
        f"open {url}/ in a browser, or try\n\n{printed(url)}\n"
        "Press Ctrl-C to stop. Requests and errors are logged below."
    )
    while not stopped.wait(0.2):
        for name, program in programs.items():
            if program.poll() is not None:
                raise ProgramEnded(f"{name} ended unexpectedly, with code {program.returncode}")


def _emulated_environ(
    prefix: str, stack: contextlib.ExitStack
) -> tuple[dict[str, str], Popen[bytes]]:
    # DEMO_ENDPOINT=aws works without the emulator and without botocore.
    from sample_app import emulator, guard, streaming

    _say("Starting ministack, a Lambda emulator, on a socket in a private folder")
    peer = stack.enter_context(emulator.emulator())
    names = emulator.function_names()
    _say(f"Deploying {len(names)} functions: {', '.join(names)}")
    arns = emulator.deploy(peer.socket, prefix)
    _say(f"Creating the user {emulator.USER}, who may invoke all except {emulator.FORBIDDEN}")
    key = emulator.create_user(peer.socket, arns)
    _say(f"Creating the role {emulator.ROLE}, which may invoke {emulator.FORBIDDEN}")
    role = emulator.create_role(peer.socket, arns)
    _say(
        f"Starting {prefix}chat, which streams its response, in {streaming.ENVIRONMENTS} processes"
    )
    folder = emulator.FUNCTIONS / "chat"
    streams = stack.enter_context(streaming.streaming(f"{prefix}chat", folder))
    url = stack.enter_context(guard.guarded(peer.socket, {key.key_id: key.secret}, streams))
    _say(f"Guarding the emulator: {url} passes on only requests that the app signed")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environ.update(
        AWS_ACCESS_KEY_ID=key.key_id,
        AWS_SECRET_ACCESS_KEY=key.secret,
        AWS_REGION=emulator.REGION,
        DEMO_LAMBDA_URL=url,
        DEMO_ROLE_ARN=role,
    )
    return environ, peer.process


def _real_environ(prefix: str) -> dict[str, str]:
    """Return the environment for AWS, and print how to create the functions."""
    missing = [
        name for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY") if not os.environ.get(name)
    ]
    if not os.environ.get("AWS_REGION") and not os.environ.get("AWS_DEFAULT_REGION"):
        missing.append("AWS_REGION")
    if missing:
        raise NotConfigured(f"DEMO_ENDPOINT=aws needs {', '.join(missing)} in the environment")
    _say("Using AWS. The demo creates nothing there, so the functions must exist. These")
    _say("commands create them; replace ROLE_ARN with an execution role for Lambda:")
    _say(CREATE_FUNCTIONS.format(prefix=prefix))
    return dict(os.environ)


CREATE_FUNCTIONS = """
  for name in catalogue orders label upload reviews broken newsletter slow echo payroll; do
    cp -r sample_app/functions/$name build-$name
    test $name != reviews || pip install -q --target build-$name apig-wsgi flask
    (cd build-$name && zip -qr - .) > $name.zip
    aws lambda create-function --function-name {prefix}$name --runtime python3.13 \\
      --handler app.handler --timeout 10 --role ROLE_ARN --zip-file fileb://$name.zip
    rm -r $name.zip build-$name
  done
  (cd sample_app/functions/chat && zip -qr - .) > chat.zip
  aws lambda create-function --function-name {prefix}chat --runtime python3.13 \\
    --handler app.handler --timeout 60 --role ROLE_ARN --zip-file fileb://chat.zip \\
    --environment 'Variables={{AWS_LAMBDA_EXEC_WRAPPER=/var/task/bootstrap}}'
  rm chat.zip

The key needs lambda:InvokeFunction on all of them except {prefix}payroll:
/lambda/forbidden shows the response without that permission. /lambda/payroll needs
DEMO_ROLE_ARN: a role that the key may assume, and that may invoke {prefix}payroll.
"""


def _listener(port: int) -> socket.socket:
    """Return a listening socket, so that no other program takes the port before gunicorn."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener


@contextlib.contextmanager
def _gunicorn(
    app: str, listener: socket.socket, environ: Mapping[str, str]
) -> Iterator[Popen[bytes]]:
    command = [sys.executable, "-m", "gunicorn", APPS[app]]
    command += ["--config", "python:sample_app.gunicorn_conf"]
    command += ["--bind", f"fd://{listener.fileno()}"]
    command += ["--worker-class", "gthread"]
    command += ["--workers", str(WORKERS), "--threads", str(THREADS)]
    command += ["--graceful-timeout", "2", "--log-level", "warning"]
    command += ["--access-logfile", "-", "--access-logformat", "%(r)s %(s)s, %(M)s ms"]
    with tempfile.TemporaryDirectory(prefix="wsgi-lambda-demo-") as folder:
        own = {
            "DEMO_SECRET_KEY": secrets.token_urlsafe(50),
            "PYTHONUNBUFFERED": "1",
            "GUNICORN_CMD_ARGS": "",
            "DEMO_INVOCATIONS": f"{folder}/invocations",
            "PROMETHEUS_MULTIPROC_DIR": folder,
            # Newer versions of gunicorn put their control socket here.
            "XDG_RUNTIME_DIR": folder,
        }
        with running(
            command, {**environ, **own}, cwd=PROJECT, pass_fds=[listener.fileno()]
        ) as process:
            yield process


def _say(text: str = "") -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
