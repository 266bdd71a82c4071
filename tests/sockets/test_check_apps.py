"""wsgi-lambda check finds the configuration of a Flask app, a Django project and a factory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import wsgi_lambda
from tests.conftest import defaults
from tests.servers.lambda_server import LambdaServer

PACKAGE = Path(wsgi_lambda.__file__).resolve().parent

FLASK = """
from flask import Flask
from wsgi_lambda import LambdaMiddleware

app = Flask(__name__)
app.config["WSGI_LAMBDA"] = {configuration}
app.wsgi_app = LambdaMiddleware(app.wsgi_app, app.config["WSGI_LAMBDA"])
"""
FLASK_WITHOUT_THE_KEY = """
from flask import Flask
from wsgi_lambda import LambdaMiddleware

app = Flask(__name__)
app.wsgi_app = LambdaMiddleware(app.wsgi_app, {configuration})
"""
FACTORY = """
from flask import Flask

def create_app():
    app = Flask(__name__)
    app.config["WSGI_LAMBDA"] = {configuration}
    return app
"""
DJANGO_SETTINGS = """
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "mysite.urls"
SECRET_KEY = "only for this test"
WSGI_LAMBDA = {configuration}
"""
DJANGO_WSGI = """
import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from wsgi_lambda import LambdaMiddleware

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
application = LambdaMiddleware(get_wsgi_application(), settings.WSGI_LAMBDA)
"""
PROJECT = {"mysite/__init__.py": "", "mysite/urls.py": "urlpatterns = []\n"}

Check = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def check(tmp_path: Path, lambda_server: LambdaServer) -> Check:
    """Return a function that writes files and runs `wsgi-lambda check` next to them."""
    lambda_server.respond(204)
    routes = {"/lambda1": {"function_name": "MyLambda"}}
    configuration = repr({**defaults(lambda_server), "routes": routes})

    def run(name: str, files: dict[str, str]) -> subprocess.CompletedProcess[str]:
        for path, text in files.items():
            (tmp_path / path).parent.mkdir(exist_ok=True)
            (tmp_path / path).write_text(text.replace("{configuration}", configuration))
        environ = {key: value for key, value in os.environ.items() if "DJANGO" not in key}
        return subprocess.run(
            [sys.executable, "-m", "wsgi_lambda", "check", name],
            cwd=tmp_path,
            env=environ | {"PYTHONPATH": str(PACKAGE.parent)},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


@pytest.mark.parametrize(
    ("name", "files"),
    [
        pytest.param("app:app", {"app.py": FLASK}, id="Flask app"),
        pytest.param("app:app", {"app.py": FLASK_WITHOUT_THE_KEY}, id="middleware of a Flask app"),
        pytest.param(
            "mysite.wsgi:application",
            {**PROJECT, "mysite/settings.py": DJANGO_SETTINGS, "mysite/wsgi.py": DJANGO_WSGI},
            id="Django application",
        ),
    ],
)
def test_configuration_of_an_app_is_checked(
    name: str, files: dict[str, str], check: Check, lambda_server: LambdaServer
) -> None:
    run = check(name, files)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith("ok   /lambda1  MyLambda  us-east-1  http://127.0.0.1:")
    types = [each.header("X-Amz-Invocation-Type") for each in lambda_server.invocations]
    assert types == ["DryRun"]


EXTENSION = """
from flask import Flask
from wsgi_lambda.flask import LambdaFunctions

app = Flask(__name__)
app.config["WSGI_LAMBDA"] = {configuration}
LambdaFunctions(app)
"""


@pytest.mark.parametrize(
    ("name", "files", "is_used"),
    [
        pytest.param("shop:create_app()", {"shop.py": FACTORY}, False, id="factory"),
        pytest.param(
            "app:app", {"app.py": FLASK.rpartition("app.wsgi_app = ")[0]}, False, id="app"
        ),
        pytest.param("app:app", {"app.py": EXTENSION}, True, id="extension"),
        pytest.param(
            "app:app.config", {"app.py": FACTORY + "app = create_app()"}, True, id="config"
        ),
    ],
)
def test_configuration_that_an_app_does_not_use_is_a_warning(
    name: str, files: dict[str, str], is_used: bool, check: Check
) -> None:
    run = check(name, files)
    warning = (
        f"{name}: app.config['WSGI_LAMBDA'] is used neither by a LambdaMiddleware around the app "
        "nor by LambdaFunctions in it: the app gets all requests\n"
    )
    assert (run.returncode, run.stderr) == (0, "" if is_used else warning)
    assert run.stdout.startswith("ok   /lambda1 ")


EXTENSION_WITHOUT_THE_KEY = "".join(
    line for line in EXTENSION.splitlines(keepends=True) if "{configuration}" not in line
)
MISTAKE = "WSGI_LAMBDA = {'routes': 1}\nROOT_URLCONF = 'wsgi_lambda.django.urls'\n"
DJANGO_RESOLVES = """
import os
import django
from django.urls import resolve

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
django.setup()
resolve("/pay")
"""
APP_WITH_METRICS = """
import os

os.environ["PROMETHEUS_MULTIPROC_DIR"] = "no/such/folder"
import prometheus_client
prometheus_client.Counter("pages", "Pages")
"""
NOT_FOUND = (
    "no WSGI_LAMBDA configuration found in {}: looked for a mapping, app.config['WSGI_LAMBDA'] "
    "and a LambdaMiddleware"
)
PLAIN_DJANGO = DJANGO_WSGI.replace(
    "LambdaMiddleware(get_wsgi_application(), settings.WSGI_LAMBDA)", "get_wsgi_application()"
)


@pytest.mark.parametrize(
    ("name", "files", "problem"),
    [
        pytest.param(
            "app:app",
            {"app.py": "from flask import Flask\napp = Flask(__name__)\n"},
            NOT_FOUND.format("app:app"),
            id="Flask app",
        ),
        pytest.param(
            "mysite.wsgi:application",
            {**PROJECT, "mysite/settings.py": DJANGO_SETTINGS, "mysite/wsgi.py": PLAIN_DJANGO},
            NOT_FOUND.format("mysite.wsgi:application")
            + "; settings.WSGI_LAMBDA needs a LambdaMiddleware around the application, or "
            "functions in the project: manage.py lambda_check",
            id="Django application",
        ),
        pytest.param(
            "shop:create_app",
            {"shop.py": FACTORY},
            f"{NOT_FOUND.format('shop:create_app')}; to call the function, write shop:create_app()",
            id="factory that is not called",
        ),
        pytest.param(
            "shop:create_app()",
            {"shop.py": FACTORY.replace("create_app()", "create_app(tenant)")},
            "shop:create_app(): requires arguments, but is called without any",
            id="factory with arguments",
        ),
        pytest.param(
            "mysite.wsgi:application",
            {"mysite/__init__.py": "", "mysite/wsgi.py": DJANGO_WSGI},
            "mysite.wsgi:application: cannot be imported: No module named 'mysite.settings'",
            id="Django project without settings",
        ),
        pytest.param(
            "app:app",
            {"app.py": EXTENSION_WITHOUT_THE_KEY},
            "app:app: raised RuntimeError: app.config has no WSGI_LAMBDA ({here}/app.py, line 6)",
            id="extension without a configuration",
        ),
        pytest.param(
            "mysite.wsgi:application",
            {**PROJECT, "mysite/settings.py": "", "mysite/wsgi.py": DJANGO_WSGI},
            "mysite.wsgi:application: settings has no WSGI_LAMBDA ({here}/mysite/wsgi.py, line 9)",
            id="Django settings without a configuration",
        ),
        pytest.param(
            "mysite.wsgi:application",
            {**PROJECT, "mysite/settings.py": MISTAKE, "mysite/wsgi.py": DJANGO_RESOLVES},
            "mysite.wsgi:application: raised ImproperlyConfigured: Invalid WSGI_LAMBDA "
            "configuration: routes: must be a mapping of paths to options, not a number "
            "({here}/mysite/wsgi.py, line 8)",
            id="Django urls with an invalid configuration",
        ),
        pytest.param(
            "app:app",
            {"app.py": APP_WITH_METRICS},
            "app:app: raised FileNotFoundError: No such file or directory ({here}/app.py, line 6)",
            id="folder of the app's metrics is missing",
        ),
    ],
)
def test_app_without_a_configuration_is_one_line(
    name: str,
    files: dict[str, str],
    problem: str,
    check: Check,
    lambda_server: LambdaServer,
    tmp_path: Path,
) -> None:
    run = check(name, files)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == f"{problem.replace('{here}', str(tmp_path))}\n"
    assert lambda_server.invocations == []
