"""The pytest plugin, in a process of its own: as in the tests of a user."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.docs.running import environ_of, python

APP = """
from werkzeug.test import Client
from wsgi_lambda import LambdaMiddleware

ROUTES = {"/f": {"function_name": "orders"}}
client = Client(LambdaMiddleware(None, {"aws_region": "us-east-1", "routes": ROUTES}))
"""

#: The body of a test module, and what pytest reports.
OUTCOMES = {
    "known": (
        "def test(lambda_functions):\n"
        "    lambda_functions['orders'] = 1\n"
        "    assert client.get('/f').json == 1\n",
        ["PASSED"],
    ),
    "unknown": ("def test(lambda_functions):\n    client.get('/f')\n", ["FAILED"]),
    "unknown is allowed": (
        "def test(lambda_functions):\n"
        "    lambda_functions.is_strict = False\n"
        "    client.get('/f')\n",
        ["PASSED"],
    ),
    "another failure": (
        "def test(lambda_functions):\n    client.get('/f')\n    raise ValueError\n",
        ["FAILED"],
    ),
    "used by another fixture": (
        "import pytest\n"
        "@pytest.fixture(autouse=True)\n"
        "def known(lambda_functions): lambda_functions['other'] = 1\n"
        "def test(): client.get('/f')\n",
        ["FAILED"],
    ),
    "used by name": (
        "def test(request):\n"
        "    request.getfixturevalue('lambda_functions')\n"
        "    client.get('/f')\n",
        ["FAILED"],
    ),
    "overridden": (
        "import pytest\n"
        "@pytest.fixture\n"
        "def lambda_functions(lambda_functions): return lambda_functions['orders']\n"
        "def test(lambda_functions): client.get('/f')\n",
        ["FAILED"],
    ),
    "another fixture of the same name": (
        "import pytest\n"
        "@pytest.fixture\n"
        "def lambda_functions(): return ['orders']\n"
        "def test(lambda_functions): assert lambda_functions == ['orders']\n",
        ["PASSED"],
    ),
    "a call of the teardown": (
        "import pytest\n"
        "@pytest.fixture\n"
        "def late(lambda_functions):\n"
        "    yield\n"
        "    client.get('/f')\n"
        "def test(late): pass\n",
        ["PASSED", "ERROR"],
    ),
    "unittest": (
        "import unittest\n"
        "from wsgi_lambda.testing import lambda_functions\n"
        "class Test(unittest.TestCase):\n"
        "    def test(self):\n"
        "        with lambda_functions() as functions:\n"
        "            functions['orders'] = 1\n"
        "            self.assertEqual(client.get('/f').json, 1)\n",
        ["PASSED"],
    ),
}

#: Runs a request under an audit hook, and prints the events that must not happen.
AUDITED = """
import os, sys

seen = []

def watch(event, arguments):
    if event.startswith("socket.") and event != "socket.gethostname":
        seen.append(event)
    if event == "open" and ".aws" in str(arguments[0]):
        seen.append(arguments[0])

from wsgi_lambda.testing import lambda_functions, ExpiredCredentials
import shop
sys.addaudithook(watch)
with lambda_functions() as functions:
    functions["orders"] = [ExpiredCredentials(), 1]
    assert shop.client.get("/f").json == 1
print(seen)
"""


def run_pytest(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env=environ_of(folder, {}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("workers", ["0", "2"])
def test_outcomes_of_tests(tmp_path: Path, workers: str) -> None:
    for number, (source, _) in enumerate(OUTCOMES.values()):
        (tmp_path / f"test_{number}.py").write_text(APP + source)
    printed = run_pytest(tmp_path, "-rA", "-n", workers)
    reported = re.findall(r"^(PASSED|FAILED|ERROR) test_(\d+)\.py", printed, re.MULTILINE)
    found = {
        name: [word for word, file in reported if file == str(number)]
        for number, name in enumerate(OUTCOMES)
    }
    expected = {name: sorted(words) for name, (_, words) in OUTCOMES.items()}
    assert {name: sorted(words) for name, words in found.items()} == expected, printed
    assert "does not know were called: 'orders'" in printed


def test_failure_shows_the_line_of_the_test(tmp_path: Path) -> None:
    test = "def test(lambda_functions):\n    lambda_functions['orders'].event\n"
    (tmp_path / "test_event.py").write_text(APP + test)
    printed = run_pytest(tmp_path)
    assert ">       lambda_functions['orders'].event\nE       AssertionError" in printed
    assert "wsgi_lambda/" not in printed


def test_no_socket_is_opened_and_no_key_is_read(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(APP)
    assert python(tmp_path, "-c", AUDITED) == "[]\n"


def test_plugin_imports_nothing_of_the_package(tmp_path: Path) -> None:
    code = "import sys, pytest_wsgi_lambda; print([n for n in sys.modules if 'wsgi_lambda' in n])"
    assert python(tmp_path, "-c", code) == "['pytest_wsgi_lambda']\n"
