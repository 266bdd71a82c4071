"""docs/django.md: functions in a project of `startproject`, the middleware around it, the tests."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.servers.lambda_server import LambdaServer, echo, respond
from tests.unit.docs.pages import ROOT, block, blocks, page, save_files, section
from tests.unit.docs.running import environ_of, far_end, python, run_handler

PAGE = page("docs/django.md")
AROUND = section(PAGE, "Around the project")

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
    """Change the project as the page shows, and add its files."""
    append(project, blocks(AROUND, "python")[1])
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
    return [sys.executable, *words[words.index("python") + 1 :]]


#: Visits the urls of the page with Django's own client; prints status and content of each.
VISITS = """
import json, os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.visits"
import django
django.setup()
from django.contrib.auth import get_user_model
from django.test import Client

browser = Client(enforce_csrf_checks=True)
for line in json.load(sys.stdin):
    if line == "login":
        browser.force_login(get_user_model().objects.create_user("ada"))
        continue
    method, path, body, kind = line
    csrf = browser.cookies.get("csrftoken")
    headers = {"X-CSRFToken": csrf.value} if csrf and kind != "no token" else {}
    if kind in ("", "no token"):
        kind = "application/json"
    response = browser.generic(method, path, body, content_type=kind, headers=headers)
    print(json.dumps([response.status_code, response.content.decode()]))
"""

FORM = "application/x-www-form-urlencoded"


def visit(project: Path, settings: str, lines: list[Any], **environ: str) -> list[Any]:
    """Return status and content of each visit, with ``settings`` after those of the page."""
    text = "from mysite.lambda_settings import *\nALLOWED_HOSTS = ['testserver']\n"
    (project / "mysite" / "visits.py").write_text(text + settings)
    environ["DJANGO_SETTINGS_MODULE"] = "mysite.visits"
    python(project, "manage.py", "migrate", "--verbosity", "0", **environ)
    done = subprocess.run(
        [sys.executable, "-c", VISITS],
        input=json.dumps(lines),
        cwd=project,
        env=environ_of(project, environ),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_functions_in_the_project(project: Path, lambda_server: LambdaServer) -> None:
    lambda_server.always(echo())
    lines: list[Any] = [
        ["GET", "/lambda1?key1=value1", "", ""],
        ["POST", "/lambda1", "{}", "no token"],
        ["GET", "/pay/7/", "", ""],
        "login",
        ["GET", "/pay/7/", "", ""],
        ["GET", "/admin/login/", "", ""],  # its form has a token
        ["POST", "/pay/7/", "{}", ""],
        ["POST", "/pay/7", "{}", ""],
    ]
    environ = far_end(lambda_server)
    found = visit(project, "DEBUG = False\n", lines, **environ)
    assert [status for status, _ in found] == [200, 403, 302, 405, 200, 200, 301]
    assert json.loads(found[0][1]) == {"key1": "value1"}
    assert json.loads(found[5][1]) == {"order_id": "7"}
    middleware = "MIDDLEWARE += ['django.contrib.auth.middleware.LoginRequiredMiddleware']\n"
    (project / "db.sqlite3").unlink()
    assert visit(project, middleware, lines[:1], **environ)[0][0] == 302


def test_views_of_rest_framework_and_calls_from_python(
    project: Path, lambda_server: LambdaServer
) -> None:
    failed = respond(200, {"X-Amz-Function-Error": "Unhandled"}, b'{"errorType": "KeyError"}')
    lambda_server.script(echo(), echo(), respond(200, {}, b'{"total": 12}'), failed)
    lambda_server.always(echo())
    (project / "mysite" / "more_urls.py").write_text(
        "from django.urls import path\nfrom mysite import orders, totals\n"
        "urlpatterns = [path('put/<int:order_id>', orders.Order.as_view()),"
        "path('order/<int:order_id>', orders.order), path('total/<int:order_id>', totals.total),"
        "path('totals', totals.totals)]\n"
    )
    settings = "ROOT_URLCONF = 'mysite.more_urls'\nINSTALLED_APPS += ['rest_framework']\n"
    lines = [
        ["PUT", "/put/7", '{"a": 1}', ""],
        ["POST", "/order/7", "amount=3", FORM],
        ["POST", "/order/7", "x=3", FORM],
        ["GET", "/total/7", "", ""],
        ["GET", "/total/7", "", ""],
        ["GET", "/totals", "", ""],
    ]
    found = visit(project, settings, lines, **far_end(lambda_server))
    assert [status for status, _ in found] == [200, 200, 400, 200, 409, 200]
    bodies = [json.loads(found[index][1]) for index in (0, 1, 3, 4)]
    assert bodies == [
        {"a": 1, "order_id": "7"},
        {"amount": "3", "order_id": "7"},
        {"total": 12},
        {"failed": "KeyError"},
    ]
    totals = sorted(each["order"] for each in json.loads(found[5][1]))
    assert totals == [0, 1, 2]


def test_recipes(project: Path, lambda_server: LambdaServer) -> None:
    lambda_server.always(echo())
    settings = (
        "ROOT_URLCONF = 'mysite.recipe_urls'\n"
        "WSGI_LAMBDA['functions'] |= {'hook': {}, 'quote': {}, 'catalogue': {}}\n"
        "SILENCED_SYSTEM_CHECKS = ['django_ratelimit.E003', 'django_ratelimit.W001']\n"
    )
    lines = [["GET", "/buy/", "", ""], ["POST", "/hook/", "{}", ""]]
    lines += [["GET", "/quote/", "", ""]] * 11 + [["GET", "/catalogue/", "", ""]] * 2
    found = visit(project, settings, lines, **far_end(lambda_server))
    assert [status for status, _ in found] == [405, 200, *[200] * 10, 403, 200, 200]
    names = [invocation.path.split("/")[3] for invocation in lambda_server.invocations]
    assert names.count("catalogue") == 1


def test_commands(project: Path, lambda_server: LambdaServer) -> None:
    environ = {**far_end(lambda_server), "DJANGO_SETTINGS_MODULE": "mysite.lambda_settings"}
    # The middleware of the section below is around this project as well.
    wsgi = (project / "mysite" / "wsgi.py").read_text()
    application = "application = get_wsgi_application()\n"
    (project / "mysite" / "wsgi.py").write_text(wsgi.partition("application =")[0] + application)
    for line in block(section(PAGE, "Commands and checks"), "sh").splitlines():
        words = shlex.split(line)
        assert words[:2] == ["python", "manage.py"]
        if "lambda_check" in words:
            lambda_server.script(respond(204), respond(204))
        printed = python(project, *words[1:], **environ)
    assert printed.startswith("< 200 OK")
    sent = [each.header("x-amz-invocation-type") for each in lambda_server.invocations]
    assert sent == ["DryRun", "DryRun", "RequestResponse", "RequestResponse"]


def test_table_of_the_checks_names_all() -> None:
    source = (ROOT / "wsgi_lambda" / "django" / "checks.py").read_text()
    ids = set(re.findall(r"wsgi_lambda\.([EW]\d+)", source))
    assert ids == set(re.findall(r"\b([EW]\d{3})\b", section(PAGE, "Commands and checks")))
