"""docs/django.md: a project of `startproject`, its login, its tests."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.servers.lambda_server import LambdaServer
from tests.unit.docs.pages import block, blocks, page, save_files, section
from tests.unit.docs.running import environ_of, far_end, python, run_handler

PAGE = page("docs/django.md")
README = section(page("README.md"), "Django")

#: Logs a user in with Django's own client, and uses the cookie for the route.
LOGIN = """
import json, sys
from mysite.wsgi import application
from django.contrib.auth import get_user_model
from django.test import Client as DjangoClient
from werkzeug.test import Client

user = get_user_model().objects.create_user("ada", password="before")
browser = DjangoClient()
browser.force_login(user)
cookie = browser.cookies["sessionid"].value

def status(key=cookie, method="GET", **headers):
    client = Client(application)
    if key:
        client.set_cookie("sessionid", key)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.open("/lambda1", method=method, headers=named).status_code

found = {
    "nobody": status(None),
    "forged": status("forged"),
    "ada": status(),
    "same origin": status(method="POST", Sec_Fetch_Site="same-origin"),
    "another site": status(method="POST", Sec_Fetch_Site="cross-site"),
    "another origin": status(method="POST", Origin="http://evil.test"),
}
user.set_password("after")
user.save()
found["another password"] = status()
browser.force_login(user)
cookie = browser.cookies["sessionid"].value
user.is_active = False
user.save()
found["not active"] = status(cookie)
print(json.dumps(found))
"""


@pytest.fixture(autouse=True)
def _readme(project: Path) -> None:
    """Change the project as the README shows, and add the page's files."""
    wsgi, settings = blocks(README, "python")
    (project / "mysite" / "wsgi.py").write_text(wsgi)
    append(project, settings)
    save_files(PAGE, project)


def append(project: Path, settings: str) -> None:
    with (project / "mysite" / "settings.py").open("a") as file:
        file.write(settings)


def test_login_of_django_lets_a_user_pass(project: Path, lambda_server: LambdaServer) -> None:
    append(project, block(PAGE, "python", '"authorize"'))
    append(project, '\nALLOWED_HOSTS = ["*"]\nWSGI_LAMBDA["awsgateway_compatible"] = True\n')
    environ = far_end(lambda_server)
    python(project, "manage.py", "migrate", "--verbosity", "0", **environ)
    run_handler(lambda_server, lambda event, context: event, times=8)
    assert json.loads(python(project, "-c", LOGIN, **environ)) == {
        "nobody": 401,
        "forged": 401,
        "ada": 200,
        "same origin": 200,
        "another site": 403,
        "another origin": 403,
        "another password": 401,
        "not active": 401,
    }
    events = [json.loads(invocation.body) for invocation in lambda_server.invocations]
    principals = [event["requestContext"]["authorizer"] for event in events]
    assert principals == [{"principalId": "ada"}] * 2


def test_test_of_a_reader_passes(project: Path) -> None:
    command = block(section(PAGE, "Tests"), "sh").strip()
    assert command.endswith("python manage.py test mysite")
    words = command.split()
    environ = dict(word.split("=") for word in words if "=" in word)
    done = subprocess.run(
        [*python_words(words)],
        cwd=project,
        env=environ_of(project, environ),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Ran 1 test" in done.stderr


def python_words(words: list[str]) -> list[str]:
    """Return the command from `python` on, with the Python that runs the tests."""
    import sys

    return [sys.executable, *words[words.index("python") + 1 :]]
