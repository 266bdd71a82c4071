"""How the demo starts, stops and fails."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
from pathlib import Path

import pytest

from tests.e2e.conftest import READY, started

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="NOTE: processes are read from /proc"
)
pytestmark = [pytest.mark.e2e, needs_proc]


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a short name: the path of a unix socket has at most 107 bytes."""
    return tmp_path_factory.mktemp("demo")


def stat(pid: int | str) -> tuple[str, int]:
    """Return the state of a process and the id of its parent: ``("S", 1)``."""
    text = Path(f"/proc/{pid}/stat").read_text()
    state, parent, *_ = text.rpartition(") ")[2].split()
    return state, int(parent)


def descendants(pid: int) -> dict[int, str]:
    """Return the command lines of all processes below ``pid``, by id."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parents[int(folder.name)] = stat(folder.name)[1]
    found: dict[int, str] = {}
    todo = [pid]
    while todo:
        parent = todo.pop()
        for child in (each for each, its in parents.items() if its == parent):
            with contextlib.suppress(OSError):
                found[child] = Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ")
                todo.append(child)
    return found


def still_there(processes: dict[int, str]) -> dict[int, str]:
    """Return the ``processes`` that still run; zombies do not count."""
    found = {}
    for pid, command in processes.items():
        with contextlib.suppress(OSError):
            if stat(pid)[0] != "Z":
                found[pid] = command
    return found


def listening() -> set[tuple[str, int]]:
    """Return the address and port of each listening TCP socket: ``("0100007F", 8000)``."""
    found = set()
    for name in ("tcp", "tcp6"):
        with contextlib.suppress(FileNotFoundError):
            for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
                _, local, _, state, *_ = line.split()
                if state == "0A":
                    address, port = local.split(":")
                    found.add((address, int(port, 16)))
    return found


def addresses(port: int) -> set[str]:
    return {address for address, other in listening() if other == port}


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_stops_everything(tmp_path: Path, number: int) -> None:
    with started(tmp_path) as demo:
        demo.wait_for(READY)
        assert demo.get("/lambda/echo").status_code == 200
        children = descendants(demo.process.pid)
        ports = [port_of(demo.url), port_of(demo.guard_url)]
        # ministack, a function, gunicorn and its two workers
        assert len(children) >= 5
        assert [addresses(port) for port in ports] == [{"0100007F"}, {"0100007F"}]

        assert demo.end(number) == 0, demo.output()

    assert demo.output().endswith("Stopping\nStopped; nothing is left running\n")
    assert "Traceback" not in demo.output()
    assert still_there(children) == {}
    assert [addresses(port) for port in ports] == [set(), set()]
    assert list((tmp_path / "tmp").iterdir()) == []


def test_ctrl_c_during_the_start_stops_everything(tmp_path: Path) -> None:
    with started(tmp_path) as demo:
        demo.wait_for("Deploying")
        children = descendants(demo.process.pid)
        assert demo.end(signal.SIGINT) == 0, demo.output()
    assert "Traceback" not in demo.output()
    assert still_there(children) == {}
    assert list((tmp_path / "tmp").iterdir()) == []


def test_port_in_use(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with started(tmp_path, port=port) as demo:
            demo.wait_for(READY)
            assert f"Port {port} is in use; using {port_of(demo.url)}" in demo.output()
            assert demo.get("/about").status_code == 200


@pytest.mark.parametrize(
    ("module", "name"), [("gunicorn", "gunicorn"), ("hypercorn", "The Lambda emulator")]
)
def test_demo_stops_if_a_program_ends(tmp_path: Path, module: str, name: str) -> None:
    with started(tmp_path) as demo:
        demo.wait_for(READY)
        children = descendants(demo.process.pid)
        leader = min(pid for pid, command in children.items() if f"-m {module}" in command)
        os.kill(leader, signal.SIGKILL)
        assert demo.process.wait(20) == 1
    assert f"{name} ended unexpectedly, with code -9" in demo.output()
    assert "Traceback" not in demo.output()
    assert still_there(children) == {}


def test_aws_needs_key_and_region(tmp_path: Path) -> None:
    with started(tmp_path, DEMO_ENDPOINT="aws") as demo:
        assert demo.process.wait(20) == 2
    assert demo.output() == (
        "DEMO_ENDPOINT=aws needs AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION "
        "in the environment\n"
    )


def test_aws_starts_no_emulator(tmp_path: Path) -> None:
    environ = {
        "DEMO_ENDPOINT": "aws",
        "DEMO_FUNCTION_PREFIX": "my-shop-",
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "not-a-secret",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }
    with started(tmp_path, app="django", **environ) as demo:
        demo.wait_for(READY)
        commands = descendants(demo.process.pid).values()
        assert demo.get("/").status_code == 200
        assert demo.end(signal.SIGINT) == 0
    assert not any("ministack" in command for command in commands)
    assert re.search(r"aws lambda create-function --function-name my-shop-\$name ", demo.output())
    assert "not-a-secret" not in demo.output()
